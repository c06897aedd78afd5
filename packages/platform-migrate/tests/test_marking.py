from collections.abc import Callable
from pathlib import Path

import pytest

from platform_interfaces import DatabaseInterface
from platform_migrate import MigrationRefusedError, Source, mark_applied, mark_pending, status, up

WriteTable = Callable[..., Path]


async def states(db: DatabaseInterface, directory: Path) -> dict[str, str]:
    return {found.name: found.state.value for found in await status(db, sources=[Source(directory)])}


async def test_an_edited_file_is_accepted_and_keeps_its_place(
    db: DatabaseInterface, tmp_path: Path, write_table: WriteTable
) -> None:
    """Case 8."""
    path = write_table("001_a", "a")
    write_table("002_b", "b")
    await up(db, sources=[Source(tmp_path)])
    before = await db.fetch_all("SELECT id, name, applied_at FROM _migrations ORDER BY id")
    path.write_text(path.read_text() + "# edited\n")
    assert await mark_applied(db, ["001_a", "002_b"], sources=[Source(tmp_path)]) == ("001_a",)
    assert await states(db, tmp_path) == {"001_a": "applied", "002_b": "applied"}
    assert await db.fetch_all("SELECT id, name, applied_at FROM _migrations ORDER BY id") == before
    assert await mark_applied(db, ["001_a"], sources=[Source(tmp_path)]) == ()


async def test_a_renamed_file_is_settled_as_the_refusal_says(
    db: DatabaseInterface, tmp_path: Path, write_table: WriteTable
) -> None:
    """Case 7."""
    path = write_table("001_a", "a")
    await up(db, sources=[Source(tmp_path)])
    path.rename(tmp_path / "001_better_name.py")
    with pytest.raises(MigrationRefusedError, match="renamed"):
        await up(db, sources=[Source(tmp_path)])
    assert await mark_pending(db, ["001_a"]) == ("001_a",)
    assert await mark_applied(db, ["001_better_name"], sources=[Source(tmp_path)]) == ("001_better_name",)
    assert await states(db, tmp_path) == {"001_better_name": "applied"}


async def test_a_database_that_has_the_tables_already_is_taken_over(
    db: DatabaseInterface, tmp_path: Path, write_table: WriteTable
) -> None:
    for name, table in (("001_a", "a"), ("002_b", "b"), ("003_c", "c")):
        write_table(name, table)
    await db.execute("CREATE TABLE a (id INT)")
    await db.execute("CREATE TABLE b (id INT)")
    assert await mark_applied(db, through=2, sources=[Source(tmp_path)]) == ("001_a", "002_b")
    assert (await up(db, sources=[Source(tmp_path)])).applied == ("003_c",)


async def test_one_name_that_is_wrong_marks_nothing(
    db: DatabaseInterface, tmp_path: Path, write_table: WriteTable
) -> None:
    write_table("001_a", "a")
    write_table("002_b", "b")
    with pytest.raises(MigrationRefusedError, match="'002_x'"):
        await mark_applied(db, ["001_a", "002_x"], sources=[Source(tmp_path)])
    await up(db, 1, sources=[Source(tmp_path)])
    with pytest.raises(MigrationRefusedError, match="'002_b'"):
        await mark_pending(db, ["001_a", "002_b"])
    assert await states(db, tmp_path) == {"001_a": "applied", "002_b": "pending"}
