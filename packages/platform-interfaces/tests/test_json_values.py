from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from platform_interfaces import dump_json, load_json
from platform_interfaces.json_values import MAX_JSON_DEPTH


@pytest.mark.parametrize(
    "text",
    ["12345678901234567890123", "0.12345678901234567890", "1E+400", "-0.5", "1.5", "0.1", "-7", "0"],
)
def test_a_number_that_is_read_and_written_is_the_same_number(text: str) -> None:
    assert Decimal(dump_json(load_json(text))) == Decimal(text)
    assert Decimal(dump_json({"a": [load_json(text)]})[6:-2]) == Decimal(text)


@pytest.mark.parametrize("text", ["1.5", "0.10", "1e2", "29.99"])
def test_a_fraction_is_a_float_where_that_is_the_same_number(text: str) -> None:
    assert isinstance(load_json(text), float)


@pytest.mark.parametrize("text", ["0.12345678901234567890", "1e400", "9007199254740993.0"])
def test_a_fraction_that_no_float_can_hold_is_a_decimal(text: str) -> None:
    assert load_json(text) == Decimal(text)
    assert isinstance(load_json(text), Decimal)


def test_an_integer_of_more_digits_than_int_takes_is_a_decimal() -> None:
    digits = "7" * 5000
    assert load_json(f"[1, {digits}]") == [1, Decimal(digits)]
    with pytest.raises(ValueError, match="Expecting"):
        load_json("[1,")


def test_bytes_are_json_text_already_and_left_as_they_are() -> None:
    assert dump_json('{"b": 0.10, "ü": 1}'.encode()) == '{"b": 0.10, "ü": 1}'
    with pytest.raises(ValueError, match="utf-8"):
        dump_json(b'"\xff"')


def test_a_string_that_looks_like_json_stays_a_string() -> None:
    assert dump_json('{"b": 1}') == '"{\\"b\\": 1}"'


def test_decimals_are_written_as_numbers_wherever_they_are() -> None:
    value = {"a": [Decimal("0.10"), {"b": Decimal("1E+5")}], 1: None, "c": ("ü", True)}
    assert dump_json(value) == '{"a":[0.10,{"b":1E+5}],"1":null,"c":["ü",true]}'


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), Decimal("NaN"), Decimal("-Infinity"), [Decimal("NaN")]]
)
def test_what_is_not_a_json_number_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"JSON|Out of range"):
        dump_json(value)


@pytest.mark.parametrize("value", [object(), {"a": b"x"}, [Decimal(1), {1, 2}], {(1, 2): 3}])
def test_what_is_not_a_json_value_is_refused(value: object) -> None:
    with pytest.raises(TypeError):
        dump_json(value)


def test_c26_a_row_that_the_platform_returned_can_be_written() -> None:
    row = {
        "day": date(2026, 1, 15),
        "at": datetime(2026, 1, 15, 12, tzinfo=UTC),
        "clock": time(12, 30),
        "id": UUID(int=1),
        "amount": Decimal("0.10"),
        "all": [date(1, 1, 1), (datetime(9999, 12, 31, tzinfo=UTC),)],
    }
    assert dump_json(row) == (
        '{"day":"2026-01-15","at":"2026-01-15T12:00:00+00:00","clock":"12:30:00",'
        '"id":"00000000-0000-0000-0000-000000000001","amount":0.10,"all":["0001-01-01",["9999-12-31T00:00:00+00:00"]]}'
    )
    assert dump_json(date(2026, 1, 15)) == '"2026-01-15"'


def _nested(levels: int, inner: Any, *, in_objects: bool) -> Any:
    for _ in range(levels):
        inner = {"k": inner} if in_objects else [inner]
    return inner


@pytest.mark.parametrize("in_objects", [False, True], ids=["arrays", "objects"])
@pytest.mark.parametrize("inner", [1, Decimal("0.10")], ids=["int", "decimal"])
def test_e8_json_has_a_limit_of_levels_that_no_interpreter_decides(in_objects: bool, inner: object) -> None:
    value = _nested(MAX_JSON_DEPTH, inner, in_objects=in_objects)
    assert dump_json(load_json(dump_json(value))).count("0.1" if inner != 1 else "1") == 1
    for levels in (MAX_JSON_DEPTH + 1, 5_000, 100_000):
        opening, closing = ('{"k":', "}") if in_objects else ("[", "]")
        with pytest.raises(ValueError, match="levels"):
            load_json(opening * levels + "1" + closing * levels)
        with pytest.raises(ValueError, match="levels"):
            load_json("[" * levels + "]" * levels)
        with pytest.raises(ValueError, match="levels"):
            dump_json(_nested(levels, inner, in_objects=in_objects))


def test_e8_brackets_side_by_side_and_in_text_are_not_levels() -> None:
    value = [["["] * 10, "[{" * 5_000, *({"a": []} for _ in range(5_000))]
    assert load_json(dump_json(value)) == value
