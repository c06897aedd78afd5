from collections.abc import Callable
from pathlib import Path

import pytest

from platform_interfaces import DatabaseInterface
from platform_migrate import Source
from platform_migrate.testing import check_round_trips

WriteTable = Callable[..., Path]
EVENT = {"event_type": "a", "payload": {"n": 1}, "source": "s"}


async def fill(db: DatabaseInterface, name: str) -> None:
    if name == "002_create_events_table":
        await db.bulk_insert("events", [EVENT])
    if name == "003_create_cleaned_events_table":
        await db.execute(
            "INSERT INTO cleaned_events (event_type, payload, source, event_date, dedup_key) "
            "VALUES ($1, $2, $3, DATE '2026-01-15', $4)",
            [*EVENT.values(), b"key"],
        )
    if name == "005_create_runs_table":
        await db.execute(
            "INSERT INTO _runs (id, module, version, entry, arguments, environment, adapters, host, "
            "user_name, process_id, started_at, status, failure_kind, error, figures, rejects, undone) "
            "VALUES ('a', 'm', '1', 'run', $1, 'local', $1, 'h', 'u', 1, now(), 'running', '', '', $1, $1, "
            "$1)",
            [{}],
        )


async def test_every_shipped_migration_goes_up_down_and_up_again_with_rows(db: DatabaseInterface) -> None:
    """Case 17."""
    await check_round_trips(db, fill=fill)
    assert await db.fetch_all("SELECT event_type FROM events") == [{"event_type": "a"}]
    assert await db.fetch_all("SELECT event_type FROM cleaned_events") == [{"event_type": "a"}]


async def test_a_down_that_leaves_something_behind_is_found(
    db: DatabaseInterface, tmp_path: Path, write_table: WriteTable
) -> None:
    write_table("001_a", "a", then="await conn.execute('CREATE TABLE rest (id INT)')")
    with pytest.raises(AssertionError, match=r"down\(\) of '001_a'.*rest"):
        await check_round_trips(db, sources=[Source(tmp_path)])


async def test_an_index_left_behind_is_found(
    db: DatabaseInterface, tmp_path: Path, write_table: WriteTable
) -> None:
    await db.execute("CREATE TABLE mine (id INT)")
    with pytest.raises(AssertionError, match="not empty"):
        await check_round_trips(db)
    await db.execute("DROP TABLE mine")
    write_table("001_a", "a")
    write_table("002_b", "b", then="await conn.execute('CREATE INDEX by_name ON a (name)')")
    with pytest.raises(AssertionError, match=r"down\(\) of '002_b'.*by_name"):
        await check_round_trips(db, sources=[Source(tmp_path)])
