"""An undo removes the rows of one run: all of them, and no other."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from batch_etl.ingest import window
from platform_interfaces import DatabaseError, PlatformError
from platform_memory import MemorySecrets
from platform_postgres import PostgresDatabase
from tests.helpers.event_job import EventJob
from tests.helpers.tables import make_tables
from tests.helpers.undo import Loader, small_batches


def events(*names: str) -> bytes:
    return b"".join(b'{"event_type": "%b", "payload": {}, "source": "s"}\n' % each.encode() for each in names)


@pytest.fixture
def loader(job: EventJob) -> Loader:
    return Loader(job.db, small_batches(2))


@pytest.fixture
async def postgres(postgres_url: str) -> AsyncIterator[Loader]:
    async with PostgresDatabase(MemorySecrets({"DB_POSTGRES_URL": postgres_url})) as db:
        await make_tables(db)
        yield Loader(db)


async def test_the_rows_of_one_run_are_removed_and_loaded_again(job: EventJob, loader: Loader) -> None:
    first = await loader.load(events("a", "b", "c"))
    second = await loader.load(events("b", "c", "d", "e", "f"))
    undo = await loader.find_undo(first)
    assert (undo.rows, undo.recorded, await job.event_types()) == (3, 3, ["a", "b", "c", "d", "e", "f"])
    assert await loader.remove(first) == 3
    assert await job.event_types() == ["d", "e", "f"]
    again = await loader.load(events("a", "b", "c", "d"))
    assert (again.figures["inserted"], again.figures["skipped"]) == (3, 1)
    assert await loader.remove(second) == 3
    assert await loader.remove(second) == 0
    assert await job.event_types() == ["a", "b", "c"]


@pytest.mark.parametrize("writes", [1, 3, 9])
async def test_a_run_that_died_is_undone_however_many_writes_it_had(
    job: EventJob, loader: Loader, monkeypatch: pytest.MonkeyPatch, writes: int
) -> None:
    """The history knows the timestamps of some writes before they are used."""
    monkeypatch.setattr(window, "RESERVED_WRITES", 4)
    names = [f"e{number}" for number in range(2 * writes)]
    died = await loader.load(events(*names))
    await loader.load(events(*names, "later"))
    assert died.saves > writes // 4
    undo = await loader.find_undo(died, has_died=True)
    assert (undo.rows, undo.recorded) == (2 * writes, None)
    assert await loader.remove(died, has_died=True) == 2 * writes
    assert await job.event_types() == ["later"]


async def test_the_first_timestamps_are_known_before_a_row_is_written(loader: Loader) -> None:
    run = await loader.load(b"")
    assert (run.saves, {"created_after", "created_until"} <= set(run.saved)) == (1, True)
    assert run.figures["created_after"] == run.figures["created_until"] < run.saved["created_until"]


async def test_behind_rows_of_the_future_a_run_that_died_is_refused(job: EventJob, loader: Loader) -> None:
    await job.db.execute(
        "INSERT INTO cleaned_events (event_type, payload, source, event_date, dedup_key, created_at) "
        "VALUES ('x', $1, 's', DATE '2026-01-15', $2, now() + INTERVAL '10 minutes')",
        [{}, b"key"],
    )
    run = await loader.load(events("a"))
    with pytest.raises(
        PlatformError, match="had timestamps in the future: which rows are its own is not known"
    ):
        await loader.find_undo(run, has_died=True)
    assert await loader.remove(run) == 1
    assert await job.event_types() == ["x"]


async def test_a_run_that_has_no_rows_in_its_history_is_refused(loader: Loader) -> None:
    run = await loader.load(events("a"))
    run.figures.clear()
    with pytest.raises(
        PlatformError, match="no 'created_after' in its figures: it ended before it wrote a row"
    ):
        await loader.find_undo(run)


async def test_rows_that_others_removed_are_seen(job: EventJob, loader: Loader) -> None:
    run = await loader.load(events("a", "b", "c"))
    await job.db.execute("DELETE FROM cleaned_events WHERE event_type = 'b'")
    undo = await loader.find_undo(run)
    assert (undo.rows, undo.recorded) == (2, 3)


@pytest.mark.server
async def test_rows_that_a_trigger_keeps_are_not_reported_as_removed(postgres: Loader) -> None:
    loader, db = postgres, postgres.db
    run = await loader.load(events("a", "b"))
    await db.execute(
        "CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN IF old.event_type = 'a' THEN RETURN NULL; END IF; RETURN old; END $$"
    )
    await db.execute(
        "CREATE TRIGGER keep BEFORE DELETE ON cleaned_events FOR EACH ROW EXECUTE FUNCTION keep()"
    )
    with pytest.raises(DatabaseError, match="1 rows of the run are still in table 'cleaned_events'"):
        await loader.remove(run)
    assert (await loader.find_undo(run)).rows == 2


async def test_the_lock_is_that_of_a_load_of_the_same_table_and_date(loader: Loader) -> None:
    runs = [await loader.load(events("a"), date) for date in ("2026-01-15", "2026-01-15", "2026-01-16")]
    locks = [(await loader.find_undo(run)).lock for run in runs]
    assert locks[0] == locks[1] != locks[2]
