"""The database goes away, comes back, or was written to before its answer was lost."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

import platform_migrate
from batch_etl.ingest import Limits
from batch_etl.ingest.cleaning import ChunkCleaner, CleanChunk
from batch_etl.ingest.lines import Chunk
from batch_etl.main import run
from batch_etl.transformer import deduplicate, transform_events
from platform_interfaces import (
    ConnectionLostError,
    DatabaseError,
    LockTimeoutError,
    PlatformContext,
    Row,
    TransactionConflictError,
)
from platform_memory import MemoryDatabase, MemoryFileSystem, MemoryLogger
from tests.helpers.data_factory import events_to_jsonl, make_events

FOLDER = "raw/events/2026-01-15"


class FaultyDatabase(MemoryDatabase):
    """Raises what is in ``before`` before a call of bulk_insert, and what is in ``after`` after a commit."""

    def __init__(self) -> None:
        super().__init__()
        self.before: list[Exception | None] = []
        self.after: list[Exception | None] = []

    async def bulk_insert(self, table: str, rows: Sequence[Mapping[str, Any]], **options: Any) -> int:
        if self.before and (error := self.before.pop(0)):
            raise error
        inserted = await super().bulk_insert(table, rows, **options)
        if self.after and (error := self.after.pop(0)):
            raise error
        return inserted


class LosingDatabase(MemoryDatabase):
    """Answers that rows were inserted which were not."""

    async def bulk_insert(self, table: str, rows: Sequence[Mapping[str, Any]], **options: Any) -> int:
        await super().bulk_insert(table, rows[1:], **options)
        return len(rows)


@pytest.fixture(params=[10, 3], ids=["one chunk", "several chunks"])
def limits(request: pytest.FixtureRequest) -> Limits:
    """Return limits that make many batches of a few events, and leave most duplicates to the table."""
    return Limits(chunk_lines=request.param, batch_lines=10, min_recent_keys=5)


@pytest.fixture
async def db() -> AsyncIterator[FaultyDatabase]:
    async with FaultyDatabase() as database:
        await platform_migrate.up(database)
        yield database


@pytest.fixture
async def fs() -> MemoryFileSystem:
    files = MemoryFileSystem()
    await files.write(f"{FOLDER}/a.jsonl", events_to_jsonl(make_events(30)))
    await files.write(f"{FOLDER}/b.jsonl", events_to_jsonl([*make_events(50), *make_events(10)]))
    return files


async def load(
    db: MemoryDatabase, fs: MemoryFileSystem, limits: Limits, **changes: Any
) -> tuple[int, MemoryLogger]:
    log = MemoryLogger()
    config = {"date": "2026-01-15", "source-path": "raw/events", "batch-size": 10} | changes
    return await run(PlatformContext(log=log, db=db, fs=fs, config=config), limits), log


def figures(log: MemoryLogger) -> tuple[int, int, int]:
    fields = log.events[-1].fields
    return fields["inserted"], fields["skipped"], fields["duplicates"]


async def test_a_batch_whose_connection_was_lost_before_it_was_written_is_tried_again(
    db: FaultyDatabase, fs: MemoryFileSystem, limits: Limits
) -> None:
    """Bad input 52 and 63."""
    db.before = [
        None,
        ConnectionLostError("gone"),
        ConnectionLostError("gone"),
        TransactionConflictError("deadlock"),
    ]
    code, log = await load(db, fs, limits)
    assert (code, figures(log)) == (0, (50, 0, 40))
    tried = [event for event in log.events if event.message == "Trying again"]
    assert len(tried) == 3
    assert any(event.message == "Succeeded again" for event in log.events)


async def test_the_first_cause_is_in_the_error_of_a_run_that_gives_up_and_is_warned_of_once(
    db: FaultyDatabase, fs: MemoryFileSystem, limits: Limits
) -> None:
    db.before = [None, ConnectionLostError("No space left"), *[ConnectionLostError("refused")] * 999]
    # Pauses so long that the errors last, and so short that there is time for several.
    limits = replace(limits, retry_seconds=2, first_pause_seconds=0.05, longest_pause_seconds=0.05)
    log = MemoryLogger()
    config = {"date": "2026-01-15", "source-path": "raw/events", "batch-size": 10}
    with pytest.raises(ConnectionLostError, match=r"^No space left; after . s of trying again: refused$"):
        await run(PlatformContext(log=log, db=db, fs=fs, config=config), limits)
    [warned] = [
        event.fields for event in log.events if event.message == "Trying again" and event.level == "warn"
    ]
    assert warned["reason"] == "No space left"


async def test_the_figures_are_exact_when_the_answer_to_a_commit_was_lost(
    db: FaultyDatabase, fs: MemoryFileSystem, limits: Limits
) -> None:
    db.after = [
        None,
        ConnectionLostError("gone"),
        None,
        ConnectionLostError("gone"),
        ConnectionLostError("gone"),
    ]
    code, log = await load(db, fs, limits)
    assert (code, figures(log)) == (0, (50, 0, 40))
    db.after = [ConnectionLostError("gone")] * 3
    code, log = await load(db, fs, limits)
    assert (code, figures(log)) == (0, (0, 50, 40))


async def test_an_error_that_does_not_pass_stops_the_run_and_a_rerun_completes(
    db: FaultyDatabase, fs: MemoryFileSystem, limits: Limits
) -> None:
    db.before = [None, None, DatabaseError("disk full")]
    with pytest.raises(DatabaseError, match="disk full"):
        await load(db, fs, limits)
    kept = await db.execute("SELECT * FROM cleaned_events")
    assert 0 < kept < 50
    code, log = await load(db, fs, limits)
    assert (code, figures(log)) == (0, (50 - kept, kept, 40))
    assert await db.execute("SELECT * FROM cleaned_events") == 50


async def test_a_batch_is_stored_whole_or_not_at_all(
    db: FaultyDatabase, fs: MemoryFileSystem, limits: Limits
) -> None:
    db.before = [None, *[DatabaseError("disk full")] * 50]
    with pytest.raises(DatabaseError, match="disk full"):
        await load(db, fs, limits, **{"batch-size": 4})
    first_batch = 12 if limits.chunk_lines == 3 else 10
    assert await db.execute("SELECT * FROM cleaned_events") == first_batch


class CountingDatabase(MemoryDatabase):
    """Counts the lookups of keys, and the rows that are sent."""

    def __init__(self) -> None:
        super().__init__()
        self.lookups = self.rows = 0
        self.batch_sizes: set[int] = set()

    async def fetch_all(self, query: str, params: Sequence[Any] | None = None) -> list[Row]:
        self.lookups += 1
        return await super().fetch_all(query, params)

    async def bulk_insert(self, table: str, rows: Sequence[Mapping[str, Any]], **options: Any) -> int:
        self.rows += len(rows)
        self.batch_sizes.add(options["batch_size"])
        return await super().bulk_insert(table, rows, **options)


@pytest.mark.parametrize("batch_size", [1, 4, 500])
async def test_rows_are_sent_in_batches_of_the_size_asked_for(
    fs: MemoryFileSystem, batch_size: int, limits: Limits
) -> None:
    async with CountingDatabase() as db:
        await platform_migrate.up(db)
        await load(db, fs, limits, **{"batch-size": batch_size})
        assert (db.rows, db.batch_sizes) == (50, {batch_size})


async def test_a_load_of_new_events_soon_asks_no_more_and_a_rerun_sends_no_row_again(limits: Limits) -> None:
    fs = MemoryFileSystem()
    await fs.write(f"{FOLDER}/a.jsonl", events_to_jsonl(make_events(400)))
    async with CountingDatabase() as db:
        await platform_migrate.up(db)
        db.lookups = db.rows = 0
        assert figures((await load(db, fs, limits))[1]) == (400, 0, 0)
        assert (db.lookups < 16, db.rows) == (True, 400)
        assert figures((await load(db, fs, limits))[1]) == (0, 400, 0)
        assert db.rows == 400
        # Once one is met that is there, the next are asked for, too.
        new = make_events(400, event_type="new")
        await fs.write(f"{FOLDER}/a.jsonl", events_to_jsonl([*new, *make_events(400)]))
        db.rows = 0
        assert figures((await load(db, fs, limits))[1]) == (400, 400, 0)
        assert db.rows < 500


class SharedDatabase(MemoryDatabase):
    """If asked to, has another program insert some events after they were looked up."""

    is_shared = False

    async def fetch_all(self, query: str, params: Sequence[Any] | None = None) -> list[Row]:
        rows = await super().fetch_all(query, params)
        if self.is_shared:
            self.is_shared = False
            theirs, _ = deduplicate(transform_events(make_events(3), "2026-01-15"))
            await self.bulk_insert("cleaned_events", theirs)
        return rows


async def test_rows_that_another_program_inserts_meanwhile_are_skipped(
    fs: MemoryFileSystem, limits: Limits
) -> None:
    async with SharedDatabase() as db:
        await platform_migrate.up(db)
        db.is_shared = True
        code, log = await load(db, fs, limits)
        assert (code, figures(log)) == (0, (47, 3, 40))


async def test_rows_that_are_not_in_the_table_in_the_end_are_an_error(
    fs: MemoryFileSystem, limits: Limits
) -> None:
    async with LosingDatabase() as db:
        await platform_migrate.up(db)
        code, log = await load(db, fs, limits)
    assert code == 1
    [reason] = [event.fields["reason"] for event in log.events if event.message == "The totals do not add up"]
    assert "but the table has" in reason


async def test_a_line_that_gets_lost_on_the_way_to_the_table_is_an_error_that_names_its_file(
    db: FaultyDatabase, fs: MemoryFileSystem, monkeypatch: pytest.MonkeyPatch, limits: Limits
) -> None:
    """Only a fault in the job's own code can lose one, so the test makes it."""

    clean = ChunkCleaner.clean

    def lose_last(cleaner: ChunkCleaner, chunk: Chunk) -> CleanChunk:
        cleaned = clean(cleaner, chunk)
        return replace(cleaned, rows=cleaned.rows[:-1])

    monkeypatch.setattr(ChunkCleaner, "clean", lose_last)
    code, log = await load(db, fs, limits)
    assert code == 1
    reasons = [event.fields["reason"] for event in log.events if event.message == "The totals do not add up"]
    assert [reason.partition(":")[0] for reason in reasons] == [f"{FOLDER}/a.jsonl", f"{FOLDER}/b.jsonl"]


async def test_a_second_run_of_the_same_date_stops_when_it_is_not_to_wait(
    db: FaultyDatabase, fs: MemoryFileSystem, limits: Limits
) -> None:
    async with db.lock("batch_etl:public.cleaned_events:2026-01-15", timeout=0):
        with pytest.raises(LockTimeoutError, match="2026-01-15"):
            await load(db, fs, limits, wait=False)
        code, _ = await load(db, fs, limits, **{"dry-run": True})
        assert code == 0
        code, _ = await load(db, fs, limits, wait=False, date="2026-01-16")
        assert code == 0
    code, log = await load(db, fs, limits, wait=False)
    assert (code, figures(log)) == (0, (50, 0, 40))


async def test_runs_of_a_date_that_start_together_come_one_after_the_other(
    db: FaultyDatabase, fs: MemoryFileSystem, limits: Limits
) -> None:
    """Bad input 63."""
    runs = await asyncio.gather(
        load(db, fs, limits, **{"batch-size": 1}),
        load(db, fs, limits, **{"batch-size": 1, "target-table": "public.cleaned_events"}),
    )
    assert [code for code, _ in runs] == [0, 0]
    assert sorted(figures(log) for _, log in runs) == [(0, 50, 40), (50, 0, 40)]


async def test_rows_of_a_machine_whose_clock_is_ahead_count_as_older(
    db: FaultyDatabase, fs: MemoryFileSystem, limits: Limits
) -> None:
    await load(db, fs, limits)
    await db.execute("UPDATE cleaned_events SET created_at = NOW() + INTERVAL '1 hour'")
    code, log = await load(db, fs, limits)
    assert (code, figures(log)) == (0, (0, 50, 40))


async def test_a_run_that_fails_leaves_no_stream_of_a_file_open(db: FaultyDatabase, limits: Limits) -> None:
    class WatchedFileSystem(MemoryFileSystem):
        is_open = False

        async def stream(self, path: str, *, offset: int = 0) -> AsyncGenerator[bytes, None]:
            self.is_open = True
            try:
                for line in events_to_jsonl(make_events(30)).splitlines(keepends=True):
                    yield line
            finally:
                self.is_open = False

    fs = WatchedFileSystem()
    await fs.write(f"{FOLDER}/a.jsonl", b"")
    db.before = [DatabaseError("disk full")]
    with pytest.raises(DatabaseError, match="disk full"):
        await load(db, fs, limits)
    assert not fs.is_open
