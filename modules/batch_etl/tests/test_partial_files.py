"""Files that are not read to their end, and runs that do not reach theirs: what stays of both."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from typing import Any

import pytest

import platform_migrate
from batch_etl.ingest import Limits
from batch_etl.main import retry, run
from platform_interfaces import (
    Columns,
    FileSystemError,
    PlatformContext,
    QueryError,
    find_rejects,
    rejects_path,
)
from platform_memory import MemoryDatabase, MemoryFileSystem, MemoryLogger

FOLDER = "raw/events/2026-01-15"
GOOD = b'{"event_type": "a", "payload": {"n": 1}, "source": "b"}\n'
CONFIG = {"date": "2026-01-15", "source-path": "raw/events"}
LIMITS = Limits(chunk_lines=5, max_lines_without_valid=10)


class FailingFileSystem(MemoryFileSystem):
    """Fails once, in the middle of the file ``failing``."""

    failing = ""

    async def stream(self, path: str, *, offset: int = 0) -> AsyncGenerator[bytes, None]:
        data = await self.read(path)
        if path != self.failing:
            yield data
            return
        self.failing = ""
        yield data[: len(data) // 2]
        raise FileSystemError("damaged")


class FailingDatabase(MemoryDatabase):
    """Takes the first rows, and no others once ``fails``."""

    fails = False

    async def bulk_insert(self, table: str, rows: Columns | Sequence[Any], **options: Any) -> int:
        if self.fails:
            raise QueryError("gone")
        return await super().bulk_insert(table, rows, **options)


@pytest.fixture
async def db() -> AsyncIterator[FailingDatabase]:
    async with FailingDatabase() as db:
        await platform_migrate.up(db)
        yield db


async def count_rejects(fs: MemoryFileSystem) -> int:
    return len([reject async for reject in find_rejects(fs, FOLDER)])


async def test_the_rejects_of_an_abandoned_file_are_kept(db: FailingDatabase) -> None:
    fs = MemoryFileSystem()
    await fs.write(f"{FOLDER}/a", b"{\n" * 30)
    assert await run(PlatformContext(log=MemoryLogger(), db=db, fs=fs, config=CONFIG), LIMITS) == 1
    assert await count_rejects(fs) == 10


async def test_a_file_that_ends_where_it_would_be_abandoned_is_not(db: FailingDatabase) -> None:
    fs = MemoryFileSystem()
    await fs.write(f"{FOLDER}/a", b"{\n" * 10)
    await fs.write(f"{FOLDER}/b", GOOD)
    assert await run(PlatformContext(log=MemoryLogger(), db=db, fs=fs, config=CONFIG), LIMITS) == 0


async def test_an_abandoned_file_fails_the_run_whatever_others_have(db: FailingDatabase) -> None:
    fs = MemoryFileSystem()
    await fs.write(f"{FOLDER}/a", b"{\n" * 30)
    await fs.write(f"{FOLDER}/b", GOOD)
    assert await run(PlatformContext(log=MemoryLogger(), db=db, fs=fs, config=CONFIG), LIMITS) == 1


async def test_no_file_is_abandoned_when_no_line_need_be_valid(db: FailingDatabase) -> None:
    fs = MemoryFileSystem()
    await fs.write(f"{FOLDER}/a", b"{\n" * 30)
    config = CONFIG | {"min-valid": "0"}
    assert await run(PlatformContext(log=MemoryLogger(), db=db, fs=fs, config=config), LIMITS) == 0
    assert await count_rejects(fs) == 30


async def test_a_file_that_has_a_valid_line_is_read_to_its_end(db: FailingDatabase) -> None:
    fs = MemoryFileSystem()
    await fs.write(f"{FOLDER}/a", GOOD + b"{\n" * 30)
    assert await run(PlatformContext(log=MemoryLogger(), db=db, fs=fs, config=CONFIG), LIMITS) == 0
    assert await count_rejects(fs) == 30


async def test_kept_lines_that_cannot_be_read_to_their_end_all_stay(db: FailingDatabase) -> None:
    fs = FailingFileSystem()
    await fs.write(f"{FOLDER}/a", b"{\n" * 4 + GOOD)
    await run(PlatformContext(log=MemoryLogger(), db=db, fs=fs, config=CONFIG))
    fs.failing = rejects_path(FOLDER)
    ctx = PlatformContext(log=MemoryLogger(), db=db, fs=fs, config=CONFIG)
    assert await retry(ctx, Limits(chunk_lines=1)) == 1
    assert await count_rejects(fs) == 4


async def test_a_run_that_fails_has_figures(db: FailingDatabase) -> None:
    fs = MemoryFileSystem()
    await fs.write(f"{FOLDER}/a", GOOD)
    db.fails = True
    ctx = PlatformContext(log=MemoryLogger(), db=db, fs=fs, config=CONFIG)
    with pytest.raises(QueryError):
        await run(ctx)
    assert ctx.run.figures["inserted"] == 0
