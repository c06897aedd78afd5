"""A load in shards has the account of one process, whatever becomes of its attempts."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncGenerator, AsyncIterable
from typing import Any

import pytest

from batch_etl.ingest import Limits
from batch_etl.ingest.shards import guard, keys, ticks
from batch_etl.ingest.shards.guard import RunEndedError, RunGuard, run_lock_name
from batch_etl.ingest.shards.reject_files import shards_folder
from batch_etl.ingest.shards.ticks import divide_window
from batch_etl.main import undo
from platform_interfaces import (
    FailureKind,
    FileSystemError,
    PlatformContext,
    Survey,
    WorkerLostError,
)
from platform_memory import MemoryFileSystem, MemoryLogger
from tests.cases.event_lines import event_line, totals_of
from tests.helpers.event_job import DATE, FOLDER, EventJob, totals
from tests.helpers.shards import FaultyExecutor

BAD = b"not an event"


def lines(*numbers: int, end: bytes = b"\n") -> bytes:
    """Return events of the same size, and a bad line for each number below 0."""
    texts = (
        BAD if number < 0 else event_line(f'{{"n": {number:04}0}}'.replace(" 0", " 1")) for number in numbers
    )
    return end.join(texts) + end


def limits(shard_bytes: int = 400) -> Limits:
    """Return limits that make a shard of some lines, and several writes of a shard."""
    return Limits(
        chunk_lines=2,
        batch_lines=2,
        min_recent_keys=12,
        min_shard_bytes=shard_bytes,
        max_shard_bytes=shard_bytes,
        max_dry_shard_bytes=shard_bytes,
        first_pause_seconds=0.001,
        longest_pause_seconds=0.001,
    )


@pytest.fixture
def shards(job: EventJob) -> EventJob:
    """Return the same job on workers, on files and a database of its own."""
    return EventJob(job.db, job.fs, limits(), FaultyExecutor())


def executor_of(job: EventJob) -> FaultyExecutor:
    executor = job._executor
    assert isinstance(executor, FaultyExecutor)
    return executor


@pytest.mark.parametrize("fault", ["", "lost answer", "died", "died at the end", "beside", "slow"])
async def test_each_line_is_accounted_for_once_whatever_becomes_of_attempts(
    shards: EventJob, fault: str
) -> None:
    executor_of(shards).faults = (fault,)
    executor_of(shards).seed = 5
    first, second = lines(*range(20), -1, 3, 5), lines(-1, *range(15, 40), -1, 0, 0)
    expected = totals_of(52, inserted=40, duplicates=9, malformed_json=3)
    result = await shards.load(first, second)
    assert (result.code, totals(result)) == (0, expected)
    assert executor_of(shards).attempts >= 4
    assert [reject.line for reject in await shards.rejects()] == [21]
    assert [reject.line for reject in await shards.rejects(f"{FOLDER}/b.jsonl")] == [1, 27]
    again = await shards.load(first, second)
    assert totals(again) == totals_of(52, skipped=40, duplicates=9, malformed_json=3)
    assert await shards.fs.list("rejected") == [f"rejected/{FOLDER}/rejects.jsonl"]


async def test_the_lines_of_rejects_are_those_of_the_file_and_their_bytes_are_kept(shards: EventJob) -> None:
    content = lines(*(-1 if number % 3 == 0 else number for number in range(60)))
    result = await shards.load(content)
    assert totals(result)["invalid"] == 20
    rejects = await shards.rejects()
    assert [reject.line for reject in rejects] == list(range(1, 60, 3))
    assert {content[reject.offset :].partition(b"\n")[0] for reject in rejects} == {BAD}
    assert [event.fields["line"] for event in result.events if event.message == "Invalid line"] == list(
        range(1, 60, 3)
    )


@pytest.mark.parametrize("is_dry_run", [False, True])
async def test_files_of_all_kinds_are_loaded_side_by_side(shards: EventJob, is_dry_run: bool) -> None:
    contents = {
        "a.jsonl": b"\xef\xbb\xbf" + lines(*range(30), end=b"\r\n"),
        "b.jsonl.gz": gzip.compress(lines(*range(20, 200))),
        "c.jsonl": lines(*range(200, 230)) + event_line('{"last": 1}'),
        "d.jsonl": b"",
        "e.jsonl": event_line('{"long": "' + "x" * 3000 + '"}')
        + b"\n\n"
        + event_line('{"short": 1}')
        + b"\n",
    }
    for name, content in contents.items():
        await shards.fs.write(f"{FOLDER}/{name}", content)
    alone = await EventJob(shards.db, shards.fs).run(dry_run=True)
    result = await shards.run(dry_run=is_dry_run)
    found = totals(result)
    assert {**found, "inserted": 0} == totals(alone)
    assert (result.code, found["duplicates"], found["unique"]) == (0, 10, 233)
    assert executor_of(shards).attempts > 10


async def test_a_shard_that_is_given_up_is_named_and_the_others_are_loaded(shards: EventJob) -> None:
    executor_of(shards).faults = ("", "poison", "")
    log = MemoryLogger()
    shards._make_log = lambda: log
    with pytest.raises(
        WorkerLostError, match=r"shard 2 \('raw/events/2026-01-15/a.jsonl' from byte .*given up"
    ):
        await shards.load(lines(*range(30)), lines(*range(30, 40), -1))
    assert [e.fields["shard"][:7] for e in log.events if e.message == "A shard failed"] == ["shard 2"]
    assert 20 < len(await shards.event_types()) < 40
    stopped = next(event for event in log.events if "stopped" in event.message)
    assert stopped.fields["invalid"] == 1
    executor_of(shards).faults = ("",)
    result = await shards.run()
    assert (result.code, totals(result)["unique"], len(await shards.event_types())) == (0, 40, 40)


async def test_what_is_rejected_in_shards_is_retried_and_what_was_inserted_is_undone(
    shards: EventJob,
) -> None:
    result = await shards.load(lines(*range(20), -1), lines(*range(20, 30)))
    retried = await shards.retry()
    assert (retried.code, retried.figures["invalid"]) == (0, 1)
    ctx = PlatformContext(log=MemoryLogger(), db=shards.db, fs=shards.fs, config=shards.context().config)
    ctx.run.figures.update(result.figures)
    async with shards.db.transaction():
        found = await undo(ctx)
        assert (found.rows, found.recorded, await found.remove()) == (30, 30, 30)
    assert await shards.event_types() == []


@pytest.mark.parametrize("database", [pytest.param("postgres", marks=pytest.mark.server)], indirect=True)
async def test_rows_that_the_database_refuses_are_rejects_of_their_shard(shards: EventJob) -> None:
    await shards.db.execute("ALTER TABLE cleaned_events ADD CONSTRAINT no_seven CHECK (source <> 'seven')")
    seven = event_line('{"n": 7}', source='"seven"') + b"\n"
    result = await shards.load(lines(*range(10)) + seven + lines(*range(10, 20)), lines(20) + seven)
    assert totals(result) == totals_of(23, inserted=21, refused_by_database=2)
    assert [reject.line for reject in await shards.rejects()] == [11]
    assert [reject.line for reject in await shards.rejects(f"{FOLDER}/b.jsonl")] == [2]


async def test_limits_count_the_lines_of_all_shards(shards: EventJob) -> None:
    contents = lines(*range(20), -1), lines(*range(20, 30), -1)
    result = await shards.load(*contents, max_rejected="1")
    assert (result.code, result.run.failures) == (1, [FailureKind.TOO_MANY_REJECTED])
    result = await shards.load(*contents, min_valid="31")
    assert (result.code, result.run.failures) == (1, [FailureKind.TOO_FEW_VALID])


class ChangingFileSystem(MemoryFileSystem):
    """Has another version of one file each time."""

    def __init__(self) -> None:
        super().__init__()
        self.surveys = 0

    async def survey(self, prefix: str) -> Survey:
        found = await super().survey(prefix)
        self.surveys += 1
        versions = {**found.versions, f"{FOLDER}/a.jsonl": str(self.surveys)}
        return Survey(found.files, sizes=found.sizes, versions=versions)


async def test_a_file_that_is_changed_between_its_parts_fails_the_run(job: EventJob) -> None:
    shards = EventJob(job.db, ChangingFileSystem(), limits(), FaultyExecutor())
    result = await shards.load(lines(*range(30), -1), lines(*range(30, 32), -1))
    assert (result.code, result.run.failures) == (1, [FailureKind.INPUT_CHANGED])
    assert "a.jsonl" in result.fields("Some files changed")["reason"]
    assert await shards.rejects() == []
    assert len(await shards.rejects(f"{FOLDER}/b.jsonl")) == 1


class ReadOnlyRejects(MemoryFileSystem):
    """Stores no reject."""

    async def write_stream(self, path: str, chunks: AsyncIterable[bytes], *, is_private: bool = False) -> int:
        raise FileSystemError("read-only")


async def test_rejects_that_cannot_be_stored_fail_the_run_and_what_is_good_is_loaded(job: EventJob) -> None:
    shards = EventJob(job.db, ReadOnlyRejects(), limits(), FaultyExecutor())
    result = await shards.load(lines(*range(20), -1), lines(*range(20, 30), -1))
    assert (result.code, result.run.failures) == (1, [FailureKind.REJECTS_NOT_SAVED])
    assert totals(result) == totals_of(32, inserted=30, malformed_json=2)
    assert [e.fields["line"] for e in result.events if e.message == "Invalid line"] == [21, 11]


async def test_temporary_files_of_runs_that_died_are_removed_and_those_of_living_ones_stay(
    job: EventJob,
) -> None:
    folder = shards_folder(FOLDER)
    for name in ("dead", "alive"):
        await job.fs.write(f"{folder}/{name}-000001-x.jsonl", b"")
    async with job.db.lock(run_lock_name("alive"), timeout=0):
        await job.load(lines(1))
    assert await job.fs.list(folder) == [f"{folder}/alive-000001-x.jsonl"]


async def test_an_attempt_whose_run_has_ended_writes_no_more(
    job: EventJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, "REGAIN_SECONDS", 0.1)
    monkeypatch.setattr(guard, "CHECK_SECONDS", 0.0)
    found = await job.db.fetch_one("SELECT now() AS now")
    assert found
    [ticks], _ = divide_window(found["now"], [10], ends_before_writes=True)
    guarded = RunGuard(job.db, "a run", ticks)
    async with job.db.lock(run_lock_name("a run"), timeout=0):
        await guarded.check()
        await guarded.check()
    with pytest.raises(RunEndedError):
        await guarded.check()


async def test_no_row_is_written_before_the_clock_has_passed_the_window_of_the_run(job: EventJob) -> None:
    found = await job.db.fetch_one("SELECT now() AS now")
    assert found
    [ticks], until = divide_window(found["now"], [10_000], ends_before_writes=True)
    async with job.db.lock(run_lock_name("a run"), timeout=0):
        await RunGuard(job.db, "a run", ticks).check()
    later = await job.db.fetch_one("SELECT now() AS now")
    assert later
    assert later["now"] >= until


async def test_a_shard_with_more_writes_than_planned_is_loaded_by_the_process_of_the_run(
    shards: EventJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ticks, "_SPARE_WRITES", 1)
    monkeypatch.setattr(ticks, "_LINE_BYTES", 10_000)
    monkeypatch.setattr("batch_etl.ingest.shards.load.LAST_WRITES", 100)
    result = await shards.load(lines(*range(30), -1), lines(*range(20, 50)))
    assert totals(result) == totals_of(61, inserted=50, duplicates=10, malformed_json=1)


async def test_a_dry_run_of_a_shard_too_large_for_a_message_is_done_by_the_process_of_the_run(
    shards: EventJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys, "MAX_KEY_BYTES", 3 * 32)
    result = await shards.load(lines(*range(30), -1), lines(*range(20, 50), 1), dry_run=True)
    assert totals(result) == {
        **totals_of(62, inserted=50, duplicates=11, malformed_json=1),
        "inserted": 0,
    }
    assert await shards.event_types() == []
    assert await shards.fs.list("rejected") == []


async def test_one_worker_and_inputs_of_one_shard_are_loaded_in_this_process(shards: EventJob) -> None:
    executor_of(shards).asked_for = 1
    await shards.load(lines(*range(30)))
    executor_of(shards).asked_for = 2
    shards.limits = limits(10_000)
    await shards.load(lines(*range(30)))
    executor_of(shards).asked_for = None  # --workers auto, and a small input
    shards.limits = limits()
    await shards.load(lines(*range(30)))
    assert executor_of(shards).attempts == 0


class StuckExecutor(FaultyExecutor):
    """Has one outcome, and then none."""

    async def map_unordered(self, *arguments: Any, **options: Any) -> AsyncGenerator[Any, None]:
        async for outcome in super().map_unordered(*arguments, **options):
            yield outcome
            await asyncio.Event().wait()


async def test_a_load_in_shards_that_is_interrupted_logs_its_totals_so_far(job: EventJob) -> None:
    shards, log = EventJob(job.db, job.fs, limits(), StuckExecutor()), MemoryLogger()
    shards._make_log = lambda: log
    task = asyncio.create_task(shards.load(lines(*range(30), -1)))
    while not await job.event_types():
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [event.message for event in log.events if "interrupted" in event.message]
    assert not await job.db.is_locked(run_lock_name(DATE))
    assert await job.fs.list(shards_folder(FOLDER)) == []
