"""The cheapest proof that ``down`` works: every migration up, down and up again, with rows in its tables."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from platform_interfaces import DatabaseInterface
from platform_migrate.files import Source, read_files
from platform_migrate.runner import down, up

Fill = Callable[[DatabaseInterface, str], Awaitable[object]]


async def check_round_trips(
    db: DatabaseInterface, *, sources: Sequence[Source] = (Source(),), fill: Fill | None = None
) -> None:
    """Walk through the migrations of the last source; each must come up, go down and come up again.

    After ``down`` the tables, columns and indexes must be what they were before it came up; after the second
    ``up``, what they were after the first. All stay applied at the end. The test of a module:

        folder = Path(hello_job.__file__).parent / "migrations"
        await check_round_trips(db, sources=[Source(), Source(folder, "hello")])

    Args:
        db: connected, and without tables.
        sources: those before the last one are applied first, each as a whole.
        fill: called with ``db`` and the migration's name after each ``up``, to put rows into its tables.

    Raises:
        AssertionError: when a migration leaves something behind, or comes up as something else.
        MigrationError: when one fails, or has no ``down``.
    """
    *others, source = sources
    _expect(set(), await _read_schema(db), "is not empty at the start")
    if others:
        await up(db, sources=others)
    for file in read_files(source):
        before = await _read_schema(db)
        await up(db, file.number, sources=sources)
        after = await _read_schema(db)
        if fill:
            await fill(db, file.name)
        await down(db, source=source)
        _expect(before, await _read_schema(db), f"is not what it was before, after down() of {file.name!r}")
        await up(db, file.number, sources=sources)
        _expect(after, await _read_schema(db), f"is another one after the second up() of {file.name!r}")
        if fill:
            await fill(db, file.name)


async def _read_schema(db: DatabaseInterface) -> set[tuple[Any, ...]]:
    """Return every column and index, without defaults, which may name a sequence that is created again."""
    columns = await db.fetch_all(
        "SELECT table_name, column_name, data_type, is_nullable FROM information_schema.columns "
        "WHERE table_schema = current_schema()"
    )
    indexes = await db.fetch_all(
        "SELECT tablename AS table_name, indexdef FROM pg_indexes WHERE schemaname = current_schema()"
    )
    found = {tuple(row.values()) for row in (*columns, *indexes)}
    return {each for each in found if each[0] != "_migrations"}  # it comes with the first and goes with 001


def _expect(expected: set[tuple[Any, ...]], found: set[tuple[Any, ...]], problem: str) -> None:
    if expected != found:
        difference = sorted(str(each) for each in expected ^ found)
        raise AssertionError(f"the schema {problem}: {'; '.join(difference)}")
