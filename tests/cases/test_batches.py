"""Batches that meet each other, rows of other programs, refusals and lost answers: the totals stay exact.

A batch and the memory of recent keys are a few events here; so most duplicates are the table's to find.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from collections.abc import AsyncIterator, Container, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from batch_etl.ingest import Limits
from batch_etl.transformer import deduplicate, transform_events
from platform_interfaces import ConnectionLostError
from tests.cases.event_lines import event_line, totals_of
from tests.helpers.event_job import EventJob, totals

FUSSY_TABLE = """
    CREATE TABLE fussy (
        id BIGSERIAL PRIMARY KEY,
        event_type {} NOT NULL,
        payload JSONB NOT NULL,
        source VARCHAR(255) NOT NULL,
        event_date DATE NOT NULL,
        dedup_key BYTEA NOT NULL UNIQUE,
        created_at TIMESTAMPTZ NOT NULL
    )
"""


@pytest.fixture(params=[5, 2], ids=["one chunk", "several chunks"], autouse=True)
def small_batches(request: pytest.FixtureRequest, job: EventJob) -> None:
    """Make batches of five or six events, each of one chunk or several."""
    job.limits = Limits(
        batch_lines=5, chunk_lines=request.param, min_recent_keys=5, longest_pause_seconds=0.001
    )


def lines(numbers: Iterable[int], event_type: str = "case") -> bytes:
    """Return lines of events that are equal when their numbers are."""
    return b"".join(
        event_line(f'{{"n": {number}}}', event_type=f'"{event_type}"') + b"\n" for number in numbers
    )


def insert_before_write(job: EventJob, monkeypatch: pytest.MonkeyPatch, *numbers: int) -> None:
    """Have another program insert these events after the job has looked up its first rows.

    No batch is written before that, whichever of those that are written at once comes first.
    """
    bulk_insert, others = job.db.bulk_insert, [[json.loads(line) for line in lines(numbers).splitlines()]]
    one_at_a_time = asyncio.Lock()

    async def insert_others_first(table: str, rows: Sequence[Mapping[str, Any]], **options: Any) -> int:
        async with one_at_a_time:
            if others:
                events, _ = deduplicate(transform_events(others[0], "2026-01-15", dt.datetime.now(dt.UTC)))
                assert await bulk_insert(table, events) == len(numbers)
                others.clear()
        return await bulk_insert(table, rows, **options)

    monkeypatch.setattr(job.db, "bulk_insert", insert_others_first)


def lose_answers(job: EventJob, monkeypatch: pytest.MonkeyPatch, lost: Container[int]) -> None:
    """Lose the answers to the commits with these numbers, counted from 1."""
    transaction, inside, commits = job.db.transaction, set[asyncio.Task[Any] | None](), 0

    @asynccontextmanager
    async def committing() -> AsyncIterator[None]:
        nonlocal commits
        if (task := asyncio.current_task()) in inside:
            async with transaction():
                yield
            return
        inside.add(task)
        try:
            async with transaction():
                yield
        finally:
            inside.remove(task)
        commits += 1
        if commits in lost:
            raise ConnectionLostError("the answer was lost")

    monkeypatch.setattr(job.db, "transaction", committing)


async def test_duplicates_that_only_the_table_can_find_are_counted(job: EventJob) -> None:
    content = lines([*range(60), *range(20), *range(55, 70)])
    result = await job.load(content)
    assert (result.code, totals(result)) == (0, totals_of(95, inserted=70, duplicates=25))
    result = await job.load(content, lines(range(65, 75)))
    assert (result.code, totals(result)) == (0, totals_of(105, inserted=5, skipped=70, duplicates=30))
    assert len(await job.event_types()) == 75


async def test_batches_that_are_written_at_once_may_have_equal_keys(
    job: EventJob,
) -> None:
    job.limits = replace(job.limits, min_recent_keys=1)
    result = await job.load(lines([*range(6)] * 10), lines([*range(5, -1, -1)] * 10), batch_size=2)
    assert (result.code, totals(result)) == (0, totals_of(120, inserted=6, duplicates=114))
    assert len(await job.event_types()) == 6


async def test_rows_that_are_met_late_are_skipped_once(job: EventJob) -> None:
    """After many batches of new events, no batch asks the table any more before it meets them."""
    await job.load(lines([*range(120, 124), *range(140, 144)]))
    content = lines([*range(150), *range(121, 124), *range(10)])
    result = await job.load(content, batch_size=3)
    assert (result.code, totals(result)) == (0, totals_of(163, inserted=142, skipped=8, duplicates=13))


async def test_rows_that_another_program_inserts_after_they_were_looked_up_are_skipped(
    job: EventJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    insert_before_write(job, monkeypatch, 0, 2, 3, 30)
    result = await job.load(lines([*range(40), *range(5)]), batch_size=2)
    assert (result.code, totals(result)) == (0, totals_of(45, inserted=36, skipped=4, duplicates=5))
    assert len(await job.event_types()) == 40


@pytest.mark.parametrize("lost", [[1], [2, 3], [12], range(1, 9)], ids=str)
async def test_the_totals_are_exact_when_answers_to_commits_are_lost(
    job: EventJob, monkeypatch: pytest.MonkeyPatch, lost: Container[int]
) -> None:
    lose_answers(job, monkeypatch, lost)
    result = await job.load(lines([*range(90), *range(20)]), batch_size=2)
    assert (result.code, totals(result)) == (0, totals_of(110, inserted=90, duplicates=20))
    assert len(await job.event_types()) == 90


async def test_rows_of_a_lost_answer_are_inserted_and_those_of_another_program_skipped(
    job: EventJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    insert_before_write(job, monkeypatch, 1, 3)
    lose_answers(job, monkeypatch, range(2, 6))
    result = await job.load(lines([*range(40), *range(5)]), batch_size=2)
    assert (result.code, totals(result)) == (0, totals_of(45, inserted=38, skipped=2, duplicates=5))


@pytest.mark.parametrize(
    "column",
    ["VARCHAR(10)", "VARCHAR(255) CHECK (event_type <> 'refused by it')"],
    ids=["value", "constraint"],
)
async def test_refused_rows_in_the_middle_of_batches_cost_no_other(job: EventJob, column: str) -> None:
    await job.db.execute(FUSSY_TABLE.format(column))
    first = lines(range(7)) + lines([7], "refused by it") + b"{\n" + lines(range(8, 40))
    second = lines([*range(60, 72), 3]) + lines([8, 7], "refused by it") + lines(range(72, 80))
    result = await job.load(first, second, target_table="fussy", batch_size=2)
    assert (result.code, totals(result)) == (
        0,
        totals_of(64, inserted=59, duplicates=1, malformed_json=1, refused_by_database=3),
    )
    assert [(reject.line, reject.reasons[0].code) for reject in await job.rejects()] == [
        (8, "refused_by_database"),
        (9, "malformed_json"),
    ]
    result = await job.load(target_table="fussy", batch_size=500)
    assert (result.code, totals(result)) == (
        0,
        totals_of(64, skipped=59, duplicates=1, malformed_json=1, refused_by_database=3),
    )


async def test_columns_that_a_table_of_ones_own_has_beside_answer_for_no_key(job: EventJob) -> None:
    await job.db.execute(FUSSY_TABLE.format("VARCHAR(255)"))
    for name in ("row_index", "written_at", "id_page", "id_slots", "row_indexes"):
        await job.db.execute(f"ALTER TABLE fussy ADD COLUMN {name} INT DEFAULT 0")
    data = lines([*range(20), *range(20)])
    assert totals(await job.load(data, target_table="fussy")) == totals_of(40, inserted=20, duplicates=20)
    assert totals(await job.load(data, target_table="fussy")) == totals_of(40, skipped=20, duplicates=20)
