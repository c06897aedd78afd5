import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from platform_interfaces import DatabaseInterface, MigrationError
from platform_migrate import MigrationFailedError, State, down, status, up

Write = Callable[[str, str], Path]
SHIPPED = ("001_create_migrations_table", "002_create_events_table", "003_create_cleaned_events_table")


async def tables(db: DatabaseInterface) -> set[str]:
    rows = await db.fetch_all(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()"
    )
    return {row["table_name"] for row in rows}


async def states(db: DatabaseInterface, directory: Path | None = None) -> list[str]:
    return [found.state.value for found in await status(db, directory=directory)]


def creating(table: str, *, then: str = "pass", undo: str = "pass") -> str:
    """A migration that makes ``table``; ``then`` and ``undo`` end its two functions."""
    return f"""
async def up(conn):
    await conn.execute("CREATE TABLE {table} (id BIGSERIAL PRIMARY KEY, name TEXT)")
    {then}
async def down(conn):
    await conn.execute("DROP TABLE {table}")
    {undo}
"""


async def test_the_shipped_migrations_apply_on_an_empty_database(db: DatabaseInterface) -> None:
    assert await states(db) == ["pending"] * 3
    assert await tables(db) == set()
    run = await up(db)
    assert run.applied == SHIPPED
    assert await tables(db) == {"_migrations", "events", "cleaned_events"}
    found = await status(db)
    assert [one.state for one in found] == [State.APPLIED] * 3
    assert all(one.applied_at is not None and one.applied_at.utcoffset() is not None for one in found)


async def test_a_second_run_does_nothing(db: DatabaseInterface) -> None:
    await up(db)
    assert (await up(db)).applied == ()


async def test_up_stops_at_the_target(db: DatabaseInterface) -> None:
    assert (await up(db, 2)).applied == SHIPPED[:2]
    assert await states(db) == ["applied", "applied", "pending"]
    with pytest.raises(ValueError, match="below"):
        await up(db, 1)


async def test_down_takes_back_the_last_ones(db: DatabaseInterface) -> None:
    await up(db)
    assert (await down(db)).reverted == SHIPPED[2:]
    assert await tables(db) == {"_migrations", "events"}
    assert (await down(db, 2)).reverted == (SHIPPED[1], SHIPPED[0])
    assert await tables(db) == set()
    assert await states(db) == ["pending"] * 3


async def test_every_shipped_migration_goes_up_down_and_up_again_with_rows(db: DatabaseInterface) -> None:
    event = {"event_type": "a", "payload": {"n": 1}, "source": "s"}
    cleaned = {**event, "dedup_key": b"key"}
    for _ in range(2):
        await up(db)
        await db.bulk_insert("events", [event])
        await db.execute(
            "INSERT INTO cleaned_events (event_type, payload, source, event_date, dedup_key) "
            "VALUES ($1, $2, $3, DATE '2026-01-15', $4)",
            list(cleaned.values()),
        )
        await down(db, 3)
        assert await tables(db) == set()
    assert (await up(db)).applied == SHIPPED


async def test_down_by_more_than_is_applied_changes_nothing(db: DatabaseInterface) -> None:
    with pytest.raises(ValueError, match="0 are applied"):
        await down(db)
    await up(db)
    with pytest.raises(ValueError, match="3 are applied"):
        await down(db, 4)
    assert await states(db) == ["applied"] * 3


async def test_down_without_a_down_function_changes_nothing(
    db: DatabaseInterface, tmp_path: Path, write: Write
) -> None:
    write("001_a", "async def up(conn): pass")
    write("002_b", creating("b"))
    await up(db, directory=tmp_path)
    with pytest.raises(MigrationError, match=r"no down.* in 001_a"):
        await down(db, 2, directory=tmp_path)
    assert await states(db, tmp_path) == ["applied"] * 2
    assert "b" in await tables(db)


async def test_a_failing_migration_is_undone_and_the_ones_before_it_stay(
    db: DatabaseInterface, tmp_path: Path, write: Write
) -> None:
    write("001_a", creating("a"))
    failing = write("002_b", creating("b", then="raise RuntimeError('boom')"))
    write("003_c", creating("c"))
    with pytest.raises(MigrationFailedError, match="'002_b' failed: boom") as caught:
        await up(db, directory=tmp_path)
    assert (caught.value.done, caught.value.failed, caught.value.remaining) == (
        ("001_a",),
        "002_b",
        ("003_c",),
    )
    assert await tables(db) == {"_migrations", "a"}
    failing.write_text("async def up(conn): pass")
    assert (await up(db, directory=tmp_path)).applied == ("002_b", "003_c")


async def test_a_migration_that_swallows_a_database_error_fails(
    db: DatabaseInterface, tmp_path: Path, write: Write
) -> None:
    write(
        "001_a",
        """
        async def up(conn):
            await conn.execute("CREATE TABLE a (id INT)")
            try:
                await conn.execute("SELECT * FROM no_such_table")
            except Exception:
                pass
        """,
    )
    with pytest.raises(MigrationFailedError, match="001_a"):
        await up(db, directory=tmp_path)
    assert await tables(db) == {"_migrations"}
    assert await states(db, tmp_path) == ["pending"]


async def test_a_failing_down_keeps_the_row_and_the_schema(
    db: DatabaseInterface, tmp_path: Path, write: Write
) -> None:
    write("001_a", creating("a", undo="await conn.execute('SELECT * FROM no_such_table')"))
    await up(db, directory=tmp_path)
    with pytest.raises(MigrationFailedError, match="001_a"):
        await down(db, directory=tmp_path)
    assert await states(db, tmp_path) == ["applied"]
    assert "a" in await tables(db)


async def test_nothing_runs_when_a_later_file_is_broken(
    db: DatabaseInterface, tmp_path: Path, write: Write
) -> None:
    write("001_a", creating("a"))
    write("002_b", "async def up(conn: broken")
    with pytest.raises(MigrationError, match="002_b"):
        await up(db, directory=tmp_path)
    assert "a" not in await tables(db)
    assert await states(db, tmp_path) == ["pending"] * 2


async def test_applied_files_are_never_imported(db: DatabaseInterface, tmp_path: Path, write: Write) -> None:
    first = write("001_a", creating("a"))
    await up(db, directory=tmp_path)
    first.write_bytes(first.read_bytes())
    await db.execute("UPDATE _migrations SET checksum = NULL")
    first.write_text("raise RuntimeError('imported')")
    write("002_b", creating("b"))
    assert (await up(db, directory=tmp_path)).applied == ("002_b",)


async def test_an_edited_applied_file_is_refused(db: DatabaseInterface, tmp_path: Path, write: Write) -> None:
    path = write("001_a", creating("a"))
    await up(db, directory=tmp_path)
    path.write_text(path.read_text() + "# edited\n")
    assert await states(db, tmp_path) == ["changed"]
    with pytest.raises(MigrationError, match="001_a is changed"):
        await up(db, directory=tmp_path)


async def test_five_runners_at_once_apply_everything_once(db: DatabaseInterface) -> None:
    runs = await asyncio.gather(*(up(db) for _ in range(5)))
    assert sorted(run.applied for run in runs) == [()] * 4 + [SHIPPED]


async def test_a_table_of_an_older_version_gets_its_checksum_column(db: DatabaseInterface) -> None:
    await db.execute(
        "CREATE TABLE _migrations (id SERIAL PRIMARY KEY, name VARCHAR(255) NOT NULL UNIQUE, "
        "applied_at TIMESTAMPTZ NOT NULL DEFAULT NOW())"
    )
    await db.execute("INSERT INTO _migrations (name) VALUES ('001_create_migrations_table')")
    assert await states(db) == ["applied", "pending", "pending"]
    assert (await up(db)).applied == SHIPPED[1:]
    assert await states(db) == ["applied"] * 3


async def test_a_migration_may_opt_out_of_its_transaction(
    db: DatabaseInterface, tmp_path: Path, write: Write
) -> None:
    write("001_a", "TRANSACTION = False" + creating("a"))
    assert (await up(db, directory=tmp_path)).applied == ("001_a",)
