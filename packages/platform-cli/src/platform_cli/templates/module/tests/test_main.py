import datetime as dt
from collections.abc import AsyncIterator
from inspect import getfile
from pathlib import Path

import pytest
import pytest_asyncio

import platform_migrate
from new_module.main import check_run, run
from platform_executors import InlineExecutor
from platform_interfaces import ConfigurationError, FileMissingError
from platform_interfaces.testing import JobHarness
from platform_memory import MemoryDatabase, MemoryFileSystem, MemoryLogger, MemorySecrets


@pytest.fixture
def job() -> JobHarness:
    return JobHarness(
        run,
        log=MemoryLogger,
        # [database]
        db=MemoryDatabase(),
        # [end]
        # [filesystem]
        fs=MemoryFileSystem(),
        # [end]
        # [executor]
        executor=InlineExecutor(),
        # [end]
        # [secrets]
        secrets=MemorySecrets({"NEW_MODULE_TOKEN": "canary"}),
        # [end]
        arguments={
            "date": "2026-01-15",
            # [filesystem]
            "source-path": "raw",
            # [end]
        },
    )


# [database]
@pytest_asyncio.fixture(autouse=True)
async def _connected(job: JobHarness) -> AsyncIterator[None]:
    async with job.db:
        # [migrations]
        folder = Path(getfile(run)).with_name("migrations")
        source = platform_migrate.Source(folder, "new_module")
        await platform_migrate.up(job.db, sources=[source])
        # [end]
        yield


# [end]
# [filesystem]
@pytest_asyncio.fixture(autouse=True)
async def _input(job: JobHarness) -> None:
    await job.fs.write("raw/2026-01-15/a.jsonl", b"{}\n{}\n")
    await job.fs.write("raw/2026-01-16/a.jsonl", b"{}\n")


async def test_the_lines_of_the_date_are_counted(job: JobHarness) -> None:
    result = await job.run()
    assert (result.code, result.figures["lines"]) == (0, 2)


async def test_a_date_without_files_fails(job: JobHarness) -> None:
    with pytest.raises(FileMissingError, match="raw/2026-01-17"):
        await job.run(date="2026-01-17")


# [end]
# [database, not migrations]
async def test_the_tables_are_counted(job: JobHarness) -> None:
    await job.db.execute("CREATE TABLE one_more (id INT)")
    assert (await job.run()).figures["tables"] >= 1


# [end]
# [migrations]
async def test_a_date_has_one_row_however_often_it_is_run(job: JobHarness) -> None:
    for _ in range(2):
        assert (await job.run()).code == 0
    days = await job.db.fetch_all("SELECT day FROM new_module_days")
    assert days == [{"day": dt.date(2026, 1, 15)}]


# [end]
# [executor]
async def test_each_hour_is_processed(job: JobHarness) -> None:
    assert (await job.run()).figures["hours"] == 24


# [end]
# [secrets]
async def test_a_secret_is_used_and_not_shown(job: JobHarness) -> None:
    result = await job.run()
    assert result.figures["has_token"] is True
    assert "canary" not in repr(result)


# [end]
# [logging]
async def test_what_was_done_is_logged(job: JobHarness) -> None:
    assert (await job.run()).fields("Date processed")["date"] == "2026-01-15"


# [end]
async def test_a_wrong_date_is_refused_before_anything_is_changed(job: JobHarness) -> None:
    with pytest.raises(ConfigurationError, match="'tomorrow' is not a date"):
        await check_run(job.context(date="tomorrow"))
