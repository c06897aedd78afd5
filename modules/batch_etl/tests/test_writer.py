"""What is remembered of rows that were there before."""

from batch_etl.writer import _PAGE_BITS, SeenRows


def test_rows_are_told_apart_by_page_and_place() -> None:
    seen = SeenRows()
    assert seen.add(0, [5, 7]) == []
    assert seen.add(1, [5]) == []
    assert seen.add(-1, [5]) == []
    assert seen.add(0, [6, 7, 5]) == [1, 2]


def test_the_rows_of_a_page_that_is_full_were_all_met_and_those_of_no_other() -> None:
    seen, places = SeenRows(), range(2**_PAGE_BITS)
    assert seen.add(3, places) == []
    assert seen.add(3, [0, places[-1]]) == [0, 1]
    assert seen.add(4, places[1:]) == []
    assert seen.add(4, [0]) == []
    assert seen.add(5, [0]) == []
