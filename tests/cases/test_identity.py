"""Cases 30 to 36 of bad input: which events are one and the same. Each name or id begins with its number."""

from __future__ import annotations

from hashlib import sha256

import pytest

from platform_interfaces import ConstraintError
from platform_postgres import PostgresDatabase
from tests.cases.event_lines import AFTER, BEFORE, between, event_line, totals_of
from tests.helpers.event_job import EventJob, totals

SAME = [
    pytest.param('{"a": 1, "b": {"c": 2, "d": 3}}', '{"b":{"d":3,"c":2},"a":1}', id="30-key-order"),
    pytest.param('{"a":[1,2]}', '{ "a"\t: [ 1 ,\r 2 ] }', id="30-blanks"),
    pytest.param(r'{"a": "\u00e9\/"}', '{"a": "é/"}', id="30-escapes"),
    pytest.param('{"a": 1}', r'"{\"a\": 1}"', id="30-text-of-the-object"),
    pytest.param('{"a": 2, "a": 1}', '{"a": 1}', id="30-first-of-two-keys"),
    pytest.param('{"a": 1}', '{"a": 1e0}', id="31-exponent-of-0"),
    pytest.param('{"a": 0}', '{"a": -0}', id="31-minus-0"),
]
# What jsonb itself takes for equal is marked: we compare numbers as they are written.
DIFFERENT = [
    pytest.param('{"a": 1}', '{"a": 1.0}', True, id="31-1-and-1.0"),
    pytest.param('{"a": 0.1}', '{"a": 0.10}', True, id="31-0.1-and-0.10"),
    pytest.param('{"a": 100}', '{"a": 1e2}', True, id="31-100-and-1e2"),
    pytest.param('{"a": 0.0}', '{"a": -0.0}', True, id="31-0.0-and--0.0"),
    pytest.param('{"a": 1}', '{"a": true}', False, id="32-1-and-true"),
    pytest.param('{"a": 1}', '{"a": "1"}', False, id="32-1-and-text"),
    pytest.param('{"a": [1, 2]}', '{"a": [2, 1]}', False, id="32-order-of-an-array"),
    pytest.param('{"a": "\u00e9"}', '{"a": "e\u0301"}', False, id="32-composed-and-decomposed"),
    pytest.param('{"a": 1}', '{"a": 1, "b": null}', False, id="32-a-key-with-null"),
    pytest.param('{"a": 9007199254740993}', '{"a": 9007199254740992}', False, id="33-beyond-a-float"),
    pytest.param('{"a": 0.1}', '{"a": 0.10000000000000000001}', False, id="33-closer-than-floats"),
    pytest.param('{"a": 1e400}', '{"a": 1e401}', False, id="33-infinite-as-floats"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
async def test_events_that_say_the_same_are_one(job: EventJob, one: str, other: str) -> None:
    lines = event_line(one), event_line(other)
    result = await job.load(between(*lines))
    assert (result.code, totals(result)) == (0, totals_of(4, inserted=3, duplicates=1))
    result = await job.load(between(*reversed(lines)))
    assert (result.code, totals(result)) == (0, totals_of(4, skipped=3, duplicates=1))


@pytest.mark.parametrize(("one", "other", "are_equal_as_jsonb"), DIFFERENT)
async def test_events_that_differ_are_two(
    job: EventJob, one: str, other: str, are_equal_as_jsonb: bool
) -> None:
    lines = event_line(one), event_line(other)
    result = await job.load(between(*lines))
    assert (result.code, totals(result)) == (0, totals_of(4, inserted=4))
    result = await job.load(between(*reversed(lines)))
    assert (result.code, totals(result)) == (0, totals_of(4, skipped=4))
    if isinstance(job.db, PostgresDatabase):
        [row] = await job.db.fetch_all("SELECT $1::text::jsonb = $2::text::jsonb AS equal", [one, other])
        assert row["equal"] is are_equal_as_jsonb


async def test_32_type_date_and_payload_make_an_event_and_its_source_does_not(job: EventJob) -> None:
    lines = [event_line(), event_line(event_type='" CASE "'), event_line(source='"other"')]
    result = await job.load(between(*lines))
    assert (result.code, totals(result)) == (0, totals_of(5, inserted=3, duplicates=2))
    await job.fs.write("raw/events/2026-01-16/a.jsonl", between(*lines))
    result = await job.load(date="2026-01-16")
    assert (result.code, totals(result)) == (0, totals_of(5, inserted=3, duplicates=2))


async def test_34_no_row_is_without_a_key(job: EventJob) -> None:
    await job.load(between())
    for statement in (
        "UPDATE cleaned_events SET dedup_key = NULL",
        "UPDATE cleaned_events SET event_type = NULL",
        "UPDATE cleaned_events SET event_date = NULL",
    ):
        with pytest.raises(ConstraintError):
            await job.db.execute(statement)


@pytest.mark.parametrize("batch_size", [1, 2, 500])
async def test_35_an_event_twice_in_a_file_in_two_files_and_in_two_runs_is_one(
    job: EventJob, batch_size: int
) -> None:
    first = between(event_line(), event_line())
    result = await job.load(first, batch_size=batch_size)
    assert (result.code, totals(result)) == (0, totals_of(4, inserted=3, duplicates=1))
    result = await job.load(first, between(event_line(), event_line('{"a": 1}')), batch_size=batch_size)
    assert (result.code, totals(result)) == (0, totals_of(8, inserted=1, skipped=3, duplicates=4))


async def test_36_the_key_is_a_digest_that_anybody_can_compute(job: EventJob) -> None:
    await job.load(b"\n".join([BEFORE, event_line('{"b": "é", "a": [1, 0.10]}'), AFTER]))
    [row] = await job.db.fetch_all("SELECT dedup_key FROM cleaned_events WHERE event_type = 'case'")
    assert row["dedup_key"] == sha256('case\0002026-01-15\0{"a":[1,0.10],"b":"é"}'.encode()).digest()
