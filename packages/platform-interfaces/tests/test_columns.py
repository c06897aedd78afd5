import pytest

from platform_interfaces import Columns, check_rows, column_values

ROWS = [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}, {"a": 3, "b": "z"}]


@pytest.fixture
def columns() -> Columns:
    return Columns({"a": [1, 2, 3], "b": ("x", "y", "z")})


def test_columns_are_the_sequence_of_their_rows(columns: Columns) -> None:
    assert (len(columns), list(columns), columns[-1], columns.names) == (3, ROWS, ROWS[-1], ("a", "b"))
    with pytest.raises(IndexError):
        columns[3]


def test_a_slice_has_the_rows_that_a_list_would_have(columns: Columns) -> None:
    for part in (slice(1, None), slice(0, 0), slice(None, None, -1), slice(1, 9)):
        assert isinstance(columns[part], Columns)
        assert list(columns[part]) == ROWS[part]


def test_rows_are_taken_in_the_order_asked_for(columns: Columns) -> None:
    assert list(columns.take(iter([2, 0, 2]))) == [ROWS[2], ROWS[0], ROWS[2]]
    assert list(columns.take([])) == []


def test_parts_are_put_together_in_their_order(columns: Columns) -> None:
    assert list(Columns.concatenated([columns[2:], columns[:0], columns[:2]])) == [ROWS[2], *ROWS[:2]]
    with pytest.raises(KeyError):
        Columns.concatenated([columns, Columns({"a": [1]})])


def test_columns_are_added_and_replaced(columns: Columns) -> None:
    more = columns.with_columns({"b": [0, 0, 0], "c": [True, False, True]})
    assert list(more[:2]) == [{"a": 1, "b": 0, "c": True}, {"a": 2, "b": 0, "c": False}]
    assert list(columns) == ROWS
    with pytest.raises(ValueError, match="one length"):
        columns.with_columns({"c": []})


def test_columns_of_different_lengths_or_none_are_refused() -> None:
    with pytest.raises(ValueError, match="one length"):
        Columns({"a": [1], "b": []})
    with pytest.raises(ValueError, match="at least one"):
        Columns({})


@pytest.mark.parametrize("is_columns", [False, True])
def test_the_values_of_a_column_are_read_from_rows_of_either_kind(columns: Columns, is_columns: bool) -> None:
    rows = columns if is_columns else ROWS
    assert list(column_values(rows, "b")) == ["x", "y", "z"]
    assert check_rows(rows) == ("a", "b")
    with pytest.raises(KeyError):
        column_values(rows, "c")
