"""Going up, on every database."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from platform_interfaces import DatabaseInterface
from platform_migrate import (
    MigrationFailedError,
    MigrationRefusedError,
    MigrationRun,
    Source,
    State,
    down,
    status,
    up,
)
from platform_migrate.files import VERSIONS

Write = Callable[[str, str], Path]
WriteTable = Callable[..., Path]
Tables = Callable[[DatabaseInterface], Awaitable[set[str]]]

SHIPPED = (
    "001_create_migrations_table",
    "002_create_events_table",
    "003_create_cleaned_events_table",
    "004_index_cleaned_events_by_time",
    "005_create_runs_table",
)
QUERY_NOTHING = "await conn.execute('SELECT * FROM no_such_table')"


async def states(db: DatabaseInterface, directory: Path = VERSIONS) -> list[str]:
    return [found.state.value for found in await status(db, sources=[Source(directory)])]


async def schema(db: DatabaseInterface) -> list[dict[str, object]]:
    return await db.fetch_all(
        "SELECT table_name, column_name, data_type, is_nullable FROM information_schema.columns "
        "WHERE table_schema = current_schema() ORDER BY table_name, ordinal_position"
    )


async def test_the_shipped_migrations_apply_on_an_empty_database(
    db: DatabaseInterface, tables: Tables
) -> None:
    assert (await up(db)).applied == SHIPPED
    assert await tables(db) == {"_migrations", "_runs", "events", "cleaned_events"}
    found = await status(db)
    assert [one.state for one in found] == [State.APPLIED] * len(SHIPPED)
    assert all(one.applied_at is not None and one.applied_at.utcoffset() is not None for one in found)


async def test_status_and_dry_runs_create_nothing(db: DatabaseInterface, tables: Tables) -> None:
    """Case 27."""
    assert await states(db) == ["pending"] * len(SHIPPED)
    assert await up(db, 2, dry_run=True) == MigrationRun(planned=SHIPPED[:2])
    assert await tables(db) == set()
    await up(db)
    assert await down(db, target=1, dry_run=True) == MigrationRun(planned=SHIPPED[:0:-1])
    assert await states(db) == ["applied"] * len(SHIPPED)


async def test_a_dry_run_finds_what_a_run_would_refuse(
    db: DatabaseInterface, tmp_path: Path, write: Write
) -> None:
    write("001_a", "async def up(conn: broken")
    with pytest.raises(MigrationRefusedError, match="001_a"):
        await up(db, sources=[Source(tmp_path)], dry_run=True)
    with pytest.raises(MigrationRefusedError, match="0 are applied"):
        await down(db, source=Source(tmp_path), dry_run=True)


async def test_an_empty_folder_is_nothing_to_do_and_a_missing_one_is_refused(
    db: DatabaseInterface, tmp_path: Path, tables: Tables
) -> None:
    """Case 1."""
    assert await up(db, sources=[Source(tmp_path)]) == MigrationRun()
    with pytest.raises(MigrationRefusedError, match="no folder"):
        await up(db, sources=[Source(tmp_path / "none")])
    assert await tables(db) == set()


async def test_a_number_used_twice_stops_the_run_even_when_one_of_the_two_is_applied(
    db: DatabaseInterface, tmp_path: Path, write_table: WriteTable, tables: Tables
) -> None:
    """Case 3."""
    write_table("001_a", "a")
    await up(db, sources=[Source(tmp_path)])
    write_table("0001_b", "b")
    write_table("002_c", "c")
    with pytest.raises(MigrationRefusedError, match="same number twice"):
        await up(db, sources=[Source(tmp_path)])
    assert await tables(db) == {"_migrations", "a"}


async def test_out_of_order_migrations_run_when_allowed_and_go_back_in_reverse(
    db: DatabaseInterface, tmp_path: Path, write_table: WriteTable
) -> None:
    """Case 5."""
    for number in (1, 2, 3, 5):
        write_table(f"{number:03}_step", f"table_{number}")
    await up(db, sources=[Source(tmp_path)])
    for number in (4, 6):
        write_table(f"{number:03}_step", f"table_{number}")
    for target in (None, 6):
        with pytest.raises(MigrationRefusedError, match="004_step is out of order"):
            await up(db, target, sources=[Source(tmp_path)])
    assert (await states(db, tmp_path)).count("applied") == 4
    run = await up(db, sources=[Source(tmp_path)], allow_out_of_order=True)
    assert run.applied == ("004_step", "006_step")
    assert (await down(db, 3, source=Source(tmp_path))).reverted == ("006_step", "004_step", "005_step")


async def test_rows_of_a_newer_project_are_reported_and_stop_nothing(
    db: DatabaseInterface, tmp_path: Path, write_table: WriteTable
) -> None:
    """Case 6."""
    write_table("001_a", "a")
    newer = write_table("002_b", "b")
    await up(db, sources=[Source(tmp_path)])
    newer.unlink()
    notices: list[str] = []
    assert await up(db, sources=[Source(tmp_path)], notify=notices.append) == MigrationRun()
    assert ["'002_b' is ahead" in line for line in notices] == [True]


async def test_an_edited_applied_file_is_refused(
    db: DatabaseInterface, tmp_path: Path, write_table: WriteTable
) -> None:
    """Case 8."""
    path = write_table("001_a", "a")
    await up(db, sources=[Source(tmp_path)])
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert await states(db, tmp_path) == ["applied"]
    path.write_text(path.read_text() + "# edited\n")
    with pytest.raises(MigrationRefusedError, match="001_a is changed"):
        await up(db, sources=[Source(tmp_path)])


async def test_a_target_below_the_current_one_is_refused(db: DatabaseInterface) -> None:
    """Case 9."""
    assert (await up(db, 2)).applied == SHIPPED[:2]
    with pytest.raises(MigrationRefusedError, match="below"):
        await up(db, 1)
    assert await up(db, 2) == MigrationRun()
    assert await states(db) == ["applied"] * 2 + ["pending"] * (len(SHIPPED) - 2)


@pytest.mark.parametrize(
    "broken", ["async def up(conn: broken", "import no_such_module", "", "def up(conn): pass"]
)
async def test_nothing_runs_when_a_later_file_is_broken(
    db: DatabaseInterface, tmp_path: Path, write: Write, write_table: WriteTable, tables: Tables, broken: str
) -> None:
    """Case 10."""
    write_table("001_a", "a")
    write("002_b", broken)
    with pytest.raises(MigrationRefusedError, match="002_b"):
        await up(db, sources=[Source(tmp_path)])
    assert "a" not in await tables(db)
    assert await states(db, tmp_path) == ["pending"] * 2


async def test_applied_files_are_never_imported(
    db: DatabaseInterface, tmp_path: Path, write_table: WriteTable
) -> None:
    """Case 10."""
    first = write_table("001_a", "a")
    await up(db, sources=[Source(tmp_path)])
    await db.execute("UPDATE _migrations SET checksum = NULL")
    first.write_text("raise RuntimeError('imported')")
    write_table("002_b", "b")
    assert (await up(db, sources=[Source(tmp_path)])).applied == ("002_b",)


@pytest.mark.parametrize("fault", ["raise RuntimeError('boom')", "assert False", "raise SystemExit(0)"])
async def test_a_failing_migration_is_undone_and_the_ones_before_it_stay(
    db: DatabaseInterface, tmp_path: Path, write_table: WriteTable, tables: Tables, fault: str
) -> None:
    """Cases 11 and 15."""
    write_table("001_a", "a")
    write_table("002_b", "b", then=fault)
    write_table("003_c", "c")
    with pytest.raises(MigrationFailedError, match=r"'002_b' failed: \w+(Error|Exit)") as caught:
        await up(db, sources=[Source(tmp_path)])
    error = caught.value
    assert (error.done, error.failed, error.remaining) == (("001_a",), "002_b", ("003_c",))
    assert await tables(db) == {"_migrations", "a"}
    assert await states(db, tmp_path) == ["applied", "pending", "pending"]
    write_table("002_b", "b")
    assert (await up(db, sources=[Source(tmp_path)])).applied == ("002_b", "003_c")


async def test_a_migration_whose_row_cannot_be_written_is_undone(
    db: DatabaseInterface, tmp_path: Path, write_table: WriteTable, tables: Tables
) -> None:
    """Case 12."""
    write_table("001_a", "a")
    write_table("002_b", "b", then="await conn.execute('DROP TABLE _migrations')")
    with pytest.raises(MigrationFailedError, match="002_b"):
        await up(db, sources=[Source(tmp_path)])
    assert await tables(db) == {"_migrations", "a"}
    assert await states(db, tmp_path) == ["applied", "pending"]


async def test_a_migration_that_swallows_a_database_error_fails_and_names_it(
    db: DatabaseInterface, tmp_path: Path, write: Write, tables: Tables
) -> None:
    """Case 13."""
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
    with pytest.raises(MigrationFailedError, match=r"swallowed.*no_such_table"):
        await up(db, sources=[Source(tmp_path)])
    assert await tables(db) == {"_migrations"}
    assert await states(db, tmp_path) == ["pending"]


@pytest.mark.parametrize("statement", ["COMMIT", "ROLLBACK"])
async def test_a_migration_that_ends_its_transaction_fails_without_a_row(
    db: DatabaseInterface, tmp_path: Path, write_table: WriteTable, statement: str
) -> None:
    """Case 14."""
    write_table("001_a", "a", then=f"await conn.execute({statement!r})")
    with pytest.raises(MigrationFailedError, match=statement):
        await up(db, sources=[Source(tmp_path)])
    assert await states(db, tmp_path) == ["pending"]


async def test_savepoints_inside_a_migration_work(
    db: DatabaseInterface, tmp_path: Path, write: Write
) -> None:
    """Case 14."""
    write(
        "001_a",
        """
        async def up(conn):
            await conn.execute("CREATE TABLE a (id INT)")
            async with conn.transaction():
                await conn.execute("INSERT INTO a VALUES (1)")
            try:
                async with conn.transaction():
                    await conn.execute("INSERT INTO a VALUES (2)")
                    await conn.execute("SELECT * FROM no_such_table")
            except Exception:
                pass
        """,
    )
    assert (await up(db, sources=[Source(tmp_path)])).applied == ("001_a",)
    assert await db.fetch_all("SELECT id FROM a") == [{"id": 1}]


async def test_a_cancelled_run_is_undone_and_the_next_one_goes_on(
    db: DatabaseInterface, tmp_path: Path, write_table: WriteTable, tables: Tables
) -> None:
    """Case 15; Ctrl-C cancels the task, too."""
    write_table("001_a", "a")
    write_table("002_b", "b", then="import asyncio; asyncio.current_task().cancel(); await asyncio.sleep(0)")
    with pytest.raises(asyncio.CancelledError):
        await asyncio.create_task(up(db, sources=[Source(tmp_path)]))
    assert await tables(db) == {"_migrations", "a"}
    write_table("002_b", "b")
    assert (await up(db, sources=[Source(tmp_path)], lock_wait=0)).applied == ("002_b",)


async def test_a_second_run_does_nothing_and_a_round_trip_gives_the_same_schema(
    db: DatabaseInterface,
) -> None:
    """Case 17."""
    await up(db)
    first = await schema(db)
    assert await up(db) == MigrationRun()
    assert (await down(db, target=0)).reverted == SHIPPED[::-1]
    assert await schema(db) == []
    await up(db)
    assert await schema(db) == first


async def test_the_order_of_application_survives_ids_with_gaps(
    db: DatabaseInterface, tmp_path: Path, write_table: WriteTable
) -> None:
    """Case 17."""
    write_table("001_a", "a")
    await up(db, sources=[Source(tmp_path)])
    with pytest.raises(RuntimeError):
        async with db.transaction():
            await db.execute("INSERT INTO _migrations (name) VALUES ('002_undone')")
            raise RuntimeError
    write_table("002_b", "b")
    await up(db, sources=[Source(tmp_path)])
    assert (await down(db, 2, source=Source(tmp_path))).reverted == ("002_b", "001_a")


async def test_a_search_path_left_behind_reaches_neither_the_table_nor_the_next_migration(
    db: DatabaseInterface, tmp_path: Path, write_table: WriteTable, tables: Tables
) -> None:
    """Case 18."""
    await db.execute("CREATE SCHEMA elsewhere")
    write_table("001_a", "a", then="await conn.execute('SET search_path = elsewhere')")
    write_table("002_b", "b", undo="await conn.execute('SET search_path = elsewhere')")
    await up(db, sources=[Source(tmp_path)])
    assert await tables(db) == {"_migrations", "a", "b"}
    await down(db, 2, source=Source(tmp_path))
    assert await tables(db) == {"_migrations"}


async def test_a_migration_without_a_transaction_keeps_what_it_did_and_gets_no_row_when_it_fails(
    db: DatabaseInterface, tmp_path: Path, write_table: WriteTable, tables: Tables
) -> None:
    """Case 21."""
    write_table("001_a", "a", top="TRANSACTION = False", then=QUERY_NOTHING)
    with pytest.raises(MigrationFailedError, match="what it did stays"):
        await up(db, sources=[Source(tmp_path)])
    assert "a" in await tables(db)
    assert await states(db, tmp_path) == ["pending"]
    await db.execute("DROP TABLE a")
    write_table("001_a", "a", top="TRANSACTION = False", undo=QUERY_NOTHING)
    assert (await up(db, sources=[Source(tmp_path)])).applied == ("001_a",)
    with pytest.raises(MigrationFailedError, match="what it did stays"):
        await down(db, source=Source(tmp_path))
    assert "a" not in await tables(db)
    assert await states(db, tmp_path) == ["applied"]
