"""How far a load has come, as its run reports it."""

import gzip
from collections.abc import AsyncGenerator, AsyncIterator

import pytest

import platform_migrate
from batch_etl.main import retry, run
from platform_interfaces import PlatformContext, Progress, Run, Survey
from platform_memory import MemoryDatabase, MemoryFileSystem, MemoryLogger

FOLDER = "raw/2026-01-15"
LINE = b'{"event_type": "a", "payload": {"n": %d}, "source": "s"}\n'


class SizelessFileSystem(MemoryFileSystem):
    async def survey(self, prefix: str) -> Survey:
        return Survey(tuple(await self.list(prefix)))


class WatchedFileSystem(MemoryFileSystem):
    """Keeps what the run reports each time that a file is opened."""

    def __init__(self) -> None:
        super().__init__()
        self.run = Run()
        self.seen: list[tuple[int | None, int, str]] = []

    async def stream(self, path: str, *, offset: int = 0) -> AsyncGenerator[bytes, None]:
        progress = self.run.progress
        self.seen.append((progress.total_bytes, progress.read_bytes, progress.current))
        async for block in super().stream(path, offset=offset):
            yield block


@pytest.fixture
async def db() -> AsyncIterator[MemoryDatabase]:
    async with MemoryDatabase() as db:
        await platform_migrate.up(db)
        yield db


def context(fs: MemoryFileSystem, db: MemoryDatabase, **arguments: object) -> PlatformContext:
    config = {"date": "2026-01-15", "source-path": "raw", "allow-empty": True, **arguments}
    return PlatformContext(db=db, fs=fs, log=MemoryLogger(), config=config)


async def test_a_load_reports_bytes_lines_rejects_and_the_file(db: MemoryDatabase) -> None:
    fs = WatchedFileSystem()
    first = b"".join(LINE % number for number in range(3))
    await fs.write(f"{FOLDER}/a.jsonl", first)
    packed = gzip.compress(LINE % 3 + b"{\n" * 2 + b"1\n")
    await fs.write(f"{FOLDER}/b.jsonl.gz", packed)
    ctx = context(fs, db)
    fs.run = ctx.run
    assert await run(ctx) == 0
    total = len(first) + len(packed)
    assert fs.seen[:2] == [(total, 0, f"{FOLDER}/a.jsonl"), (total, len(first), f"{FOLDER}/b.jsonl.gz")]
    assert ctx.run.progress == Progress(total, total, 7, 3, "lines", f"{FOLDER}/b.jsonl.gz")
    assert ctx.run.rejects == {"malformed_json": 2, "not_an_object": 1}


async def test_a_file_that_is_not_read_to_its_end_counts_as_read(db: MemoryDatabase) -> None:
    fs = WatchedFileSystem()
    await fs.write(f"{FOLDER}/a.jsonl", b"{\n" * 2_000_000)
    ctx = context(fs, db)
    assert await run(ctx) == 1
    assert ctx.run.progress.records < 2_000_000
    assert ctx.run.progress.read_bytes == ctx.run.progress.total_bytes == 4_000_000


async def test_where_sizes_are_not_listed_the_total_is_not_known(db: MemoryDatabase) -> None:
    fs = SizelessFileSystem()
    await fs.write(f"{FOLDER}/a.jsonl", LINE % 1)
    ctx = context(fs, db)
    assert await run(ctx) == 0
    assert (ctx.run.progress.total_bytes, ctx.run.progress.read_bytes) == (None, len(LINE % 1))


async def test_a_retry_counts_lines_and_knows_no_total(db: MemoryDatabase) -> None:
    fs = MemoryFileSystem()
    await fs.write(f"{FOLDER}/a.jsonl", b"{\n" + LINE % 1)
    assert await run(context(fs, db)) == 0
    ctx = context(fs, db)
    assert await retry(ctx) == 0
    assert (ctx.run.progress.total_bytes, ctx.run.progress.records) == (None, 1)
