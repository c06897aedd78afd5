"""A day is loaded from an object store as from a disk, with an exact account whatever the store does."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

import platform_migrate
from platform_interfaces import FailureKind, StorageUnreachableError
from platform_memory import MemoryDatabase, MemorySecrets
from platform_objectstore import S3FileSystem
from platform_objectstore.testing import Fault, FaultyProxy
from tests.helpers.command import Platform
from tests.helpers.data_factory import events_to_jsonl, make_events
from tests.helpers.event_job import FOLDER, EventJob, totals

SAMPLES = Path(__file__).parents[2] / "modules" / "batch_etl" / "samples"
EXPECTED = json.loads((SAMPLES / "expected.json").read_text())
LOAD = ("run", "batch_etl", "--date", "2026-01-15", "--source-path", "raw/events", "--log", "json")
ADAPTERS = ("--db", "postgres", "--fs", "s3", "--env", "local")
FILES = 6
EVENTS = 400
"""In each file, and one line that is rejected."""


@pytest.mark.parametrize("workers", ["1", "2"])
def test_the_samples_load_from_s3_into_postgres_once(
    platform: Platform,
    s3_settings: Mapping[str, str],
    s3_client: Any,
    postgres_url: str,
    workers: str,
) -> None:
    bucket = s3_settings["FS_S3_BUCKET"]
    for file in SAMPLES.glob("raw/events/*/*"):
        key = f"lake/{file.relative_to(SAMPLES)}"
        s3_client.put_object(Bucket=bucket, Key=key, Body=file.read_bytes())
    settings = {**s3_settings, "FS_S3_PREFIX": "lake", "DB_POSTGRES_URL": postgres_url}
    for inserted, skipped in ((EXPECTED["unique"], 0), (0, EXPECTED["unique"])):
        done = platform(*LOAD, *ADAPTERS, "--workers", workers, **settings)
        found = done.totals()
        assert {name: found[name] for name in EXPECTED} == EXPECTED
        assert (done.code, found["inserted"], found["skipped"]) == (0, inserted, skipped)
        assert f"s3://{bucket}/lake" in done.log
        assert s3_settings["FS_S3_SECRET_ACCESS_KEY"] not in done.log + done.out
    kept = s3_client.list_objects_v2(Bucket=bucket, Prefix="lake/rejected/")["Contents"]
    assert [each["Key"] for each in kept] == [f"lake/rejected/{FOLDER}/rejects.jsonl"]


@pytest.fixture
async def proxy(s3_server: str) -> AsyncIterator[FaultyProxy]:
    async with FaultyProxy(s3_server) as proxy:
        yield proxy


@pytest.fixture
async def healthy(s3_settings: Mapping[str, str]) -> AsyncIterator[EventJob]:
    """Yield the job on a day of files, on a store without faults."""
    async with MemoryDatabase() as db, S3FileSystem(MemorySecrets(s3_settings)) as fs:
        await platform_migrate.up(db)
        events = iter(make_events(FILES * EVENTS))
        for number in range(FILES):
            lines = events_to_jsonl([next(events) for _ in range(EVENTS)])
            await fs.write(f"{FOLDER}/{number}.jsonl", lines + b"{\n")
        yield EventJob(db, fs)


@pytest.fixture
def job(healthy: EventJob, s3_settings: Mapping[str, str], proxy: FaultyProxy) -> EventJob:
    """Return the same job behind the proxy."""
    settings = {**s3_settings, "FS_S3_ENDPOINT": proxy.url}
    return EventJob(healthy.db, S3FileSystem(MemorySecrets(settings)))


async def complete(job: EventJob) -> None:
    """Run again without faults: all is in the table, and each reject is kept once."""
    before = len(await job.event_types())
    result = await job.run()
    found = totals(result)
    assert result.code == 0
    assert (found["inserted"], found["skipped"]) == (FILES * EVENTS - before, before)
    assert len(await job.event_types()) == FILES * EVENTS
    assert [reject.file for reject in await job.rejects(FOLDER)] == [
        f"{FOLDER}/{number}.jsonl" for number in range(FILES)
    ]


def after(count: int, fault: Fault) -> Callable[[str], Fault | None]:
    """Return what has all requests fail once ``count`` files were asked for, and another one is."""
    files = set[str]()

    def find(request: str) -> Fault | None:
        if request.startswith("GET") and request.endswith(".jsonl"):
            files.add(request)
        return fault if len(files) > count else None

    return find


@pytest.mark.parametrize(
    ("fault", "reads"), [(Fault.RESET, 0), (Fault.OVERLOADED, 3)], ids=["RESET", "OVERLOADED"]
)
async def test_a_store_that_goes_away_ends_the_load_and_a_rerun_completes_it(
    healthy: EventJob, job: EventJob, proxy: FaultyProxy, fault: Fault, reads: int
) -> None:
    proxy.fault = after(reads, fault)
    with pytest.raises(StorageUnreachableError, match=f"/{reads}.jsonl"):
        await job.run()
    await complete(healthy)


async def test_credentials_that_expire_fail_the_rest_of_the_files_and_a_rerun_completes_it(
    healthy: EventJob, job: EventJob, proxy: FaultyProxy
) -> None:
    proxy.fault = after(3, Fault.EXPIRED)
    result = await job.run()
    assert result.code == 1
    assert totals(result)["inserted"] == 3 * EVENTS
    assert "the credentials have expired" in result.fields("Rejected lines could not be kept")["reason"]
    message = "Some files could not be loaded: repair, replace or remove them"
    assert result.fields(message)["count"] == FILES - 3
    assert "the credentials have expired" in result.fields(message)["reason"]
    await complete(healthy)


@pytest.mark.parametrize("times", [1, 20])
async def test_a_body_that_breaks_off_is_read_to_its_end_or_costs_its_file_only(
    healthy: EventJob, job: EventJob, proxy: FaultyProxy, times: int
) -> None:
    proxy.fail_first(times, Fault.TRUNCATED, r"GET .*/2\.jsonl")
    result = await job.run()
    if times == 1:
        assert result.code == 0
    else:
        assert (result.code, result.run.failures) == (1, [FailureKind.UNREADABLE_INPUT])
        assert totals(result)["inserted"] >= (FILES - 1) * EVENTS
    await complete(healthy)


async def test_rejects_that_may_not_be_written_fail_the_run_and_nothing_else(
    healthy: EventJob, job: EventJob, proxy: FaultyProxy
) -> None:
    proxy.fail(Fault.DENIED, "PUT .*/rejected/")
    result = await job.run()
    assert (result.code, result.run.failures) == (1, [FailureKind.REJECTS_NOT_SAVED])
    assert (totals(result)["inserted"], totals(result)["invalid"]) == (FILES * EVENTS, FILES)
    reason = result.fields("Rejected lines could not be kept")["reason"]
    assert "permission denied: let the credentials (from FS_S3_ACCESS_KEY_ID) do it" in reason
    assert "FS_LOCAL" not in reason
    await complete(healthy)


async def test_a_bucket_that_does_not_exist_is_named(s3_settings: Mapping[str, str]) -> None:
    settings = MemorySecrets({**s3_settings, "FS_S3_BUCKET": "no-such-bucket"})
    async with MemoryDatabase() as db, S3FileSystem(settings) as fs:
        await platform_migrate.up(db)
        with pytest.raises(FileNotFoundError, match="there is no bucket 'no-such-bucket' at 'http://"):
            await EventJob(db, fs).run()
