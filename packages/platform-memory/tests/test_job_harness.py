"""``JobHarness`` of ``platform_interfaces.testing``, here where there are adapters to run a module on."""

import pytest

from platform_interfaces import ConfigurationError, PlatformContext
from platform_interfaces.testing import JobHarness
from platform_memory import MemoryDatabase, MemoryFileSystem, MemoryLogger


async def run(ctx: PlatformContext) -> int:
    """Store the names in a file; a name that is empty fails the run."""
    names = (await ctx.fs.read(ctx.config["source-path"])).decode().splitlines()
    for name in names:
        ctx.log.info("Stored", name=name)
        await ctx.db.execute("INSERT INTO names VALUES ($1)", [name])
    if "" in names:
        raise ValueError("a name is empty")
    ctx.run.figures["stored"] = len(names)
    return len(names) % 2


async def retry(ctx: PlatformContext) -> int:
    ctx.log.warn("Tried again", file=ctx.config["source-path"])
    return 0


def harness(db: MemoryDatabase) -> JobHarness:
    return JobHarness(
        run,
        retry=retry,
        log=MemoryLogger,
        db=db,
        fs=MemoryFileSystem(),
        arguments={"source-path": "a.txt"},
    )


async def test_a_run_returns_its_code_figures_and_events_and_leaves_its_rows() -> None:
    async with MemoryDatabase() as db:
        await db.execute("CREATE TABLE names (name TEXT)")
        job = harness(db)
        await job.fs.write("a.txt", b"Ada\n")
        result = await job.run()
        assert (result.code, result.figures) == (1, {"stored": 1})
        assert (result.messages(), result.fields("Stor")) == (["Stored"], {"name": "Ada"})
        assert await job.db.fetch_all("SELECT name FROM names") == [{"name": "Ada"}]


async def test_each_run_has_its_own_run_log_and_arguments_on_the_same_adapters() -> None:
    async with MemoryDatabase() as db:
        await db.execute("CREATE TABLE names (name TEXT)")
        job = harness(db)
        await job.fs.write("a.txt", b"Ada\n")
        await job.fs.write("b.txt", b"Bob\nBea\n")
        first, second = await job.run(), await job.run(source_path="b.txt")
        assert first.run.id != second.run.id
        assert (first.run.arguments, second.run.arguments) == (
            {"source-path": "a.txt"},
            {"source-path": "b.txt"},
        )
        assert (first.figures, second.figures) == ({"stored": 1}, {"stored": 2})
        assert len(second.events) == 2
        assert len(await job.db.fetch_all("SELECT name FROM names")) == 3


async def test_an_error_of_the_module_is_raised_and_a_logger_of_the_test_has_what_was_logged() -> None:
    log = MemoryLogger()
    async with MemoryDatabase() as db:
        await db.execute("CREATE TABLE names (name TEXT)")
        job = JobHarness(run, log=lambda: log, db=db, fs=MemoryFileSystem())
        await job.fs.write("a.txt", b"\n")
        with pytest.raises(ValueError, match="a name is empty"):
            await job.run(source_path="a.txt")
    assert log.messages() == ["Stored"]


async def test_a_retry_and_a_context_have_the_arguments_of_a_run() -> None:
    job = harness(MemoryDatabase())
    result = await job.retry(source_path="b.txt")
    assert (result.code, result.fields("Tried again")) == (0, {"file": "b.txt"})
    assert job.context(dry_run=True).config == {"source-path": "a.txt", "dry-run": True}


async def test_an_adapter_that_was_not_given_counts_as_undeclared() -> None:
    job = JobHarness(run, log=MemoryLogger, fs=MemoryFileSystem())
    await job.fs.write("a.txt", b"Ada\n")
    with pytest.raises(ConfigurationError, match="database"):
        await job.run(source_path="a.txt")


async def test_fields_of_a_message_that_was_logged_twice_are_refused() -> None:
    async with MemoryDatabase() as db:
        await db.execute("CREATE TABLE names (name TEXT)")
        job = harness(db)
        await job.fs.write("a.txt", b"Ada\nBob\n")
        result = await job.run()
    with pytest.raises(AssertionError, match="2 events begin with 'Stored'"):
        result.fields("Stored")
