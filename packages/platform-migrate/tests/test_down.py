"""Going back, on every database."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from platform_interfaces import DatabaseInterface
from platform_migrate import (
    MigrationFailedError,
    MigrationRefusedError,
    MigrationRun,
    Source,
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


async def test_down_takes_back_the_last_ones(db: DatabaseInterface, tables: Tables) -> None:
    await up(db)
    assert (await down(db, 3)).reverted == SHIPPED[:1:-1]
    assert await tables(db) == {"_migrations", "events"}
    assert (await down(db, target=1)).reverted == SHIPPED[1:2]
    assert await down(db, target=1) == MigrationRun()


async def test_down_by_more_than_is_applied_changes_nothing(db: DatabaseInterface) -> None:
    """Case 26."""
    await up(db)
    with pytest.raises(MigrationRefusedError, match=f"{len(SHIPPED)} are applied"):
        await down(db, len(SHIPPED) + 1)
    assert await states(db) == ["applied"] * len(SHIPPED)


async def test_down_without_a_down_function_changes_nothing(
    db: DatabaseInterface, tmp_path: Path, write: Write, write_table: WriteTable, tables: Tables
) -> None:
    """Case 26."""
    write("001_a", "async def up(conn): pass")
    write_table("002_b", "b")
    await up(db, sources=[Source(tmp_path)])
    with pytest.raises(MigrationRefusedError, match=r"no down.* in 001_a"):
        await down(db, 2, source=Source(tmp_path))
    assert await states(db, tmp_path) == ["applied"] * 2
    assert "b" in await tables(db)


async def test_a_failing_down_keeps_the_row_and_the_schema(
    db: DatabaseInterface, tmp_path: Path, write_table: WriteTable, tables: Tables
) -> None:
    """Case 26."""
    write_table("001_a", "a", undo=QUERY_NOTHING)
    await up(db, sources=[Source(tmp_path)])
    with pytest.raises(MigrationFailedError, match="001_a"):
        await down(db, source=Source(tmp_path))
    assert await states(db, tmp_path) == ["applied"]
    assert "a" in await tables(db)


async def test_down_of_an_edited_file_runs_its_present_text_and_says_so(
    db: DatabaseInterface, tmp_path: Path, write_table: WriteTable
) -> None:
    path = write_table("001_a", "a")
    await up(db, sources=[Source(tmp_path)])
    path.write_text(path.read_text() + "# edited\n")
    notices: list[str] = []
    assert (await down(db, source=Source(tmp_path), notify=notices.append)).reverted == ("001_a",)
    assert ["'001_a' is changed" in line for line in notices] == [True]
