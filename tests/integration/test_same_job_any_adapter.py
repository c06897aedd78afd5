"""The first promise: the same job on any pair of adapters ends with the same totals and the same rows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import platform_migrate
from platform_interfaces import DatabaseInterface, FileSystemInterface
from platform_localfs import LocalFileSystem
from platform_memory import MemoryDatabase, MemoryFileSystem, MemorySecrets
from platform_objectstore import S3FileSystem
from platform_postgres import PostgresDatabase
from tests.helpers.event_job import FOLDER, EventJob, totals

SAMPLES = Path(__file__).parents[2] / "modules" / "batch_etl" / "samples"
EXPECTED = json.loads((SAMPLES / "expected.json").read_text())


@pytest.fixture(params=["memory", pytest.param("postgres", marks=pytest.mark.server)])
def db(request: pytest.FixtureRequest) -> DatabaseInterface:
    if request.param == "memory":
        return MemoryDatabase()
    return PostgresDatabase(MemorySecrets({"DB_POSTGRES_URL": request.getfixturevalue("postgres_url")}))


@pytest.fixture(params=["memory", "local", "s3"])
def fs(request: pytest.FixtureRequest, tmp_path: Path) -> FileSystemInterface:
    if request.param == "memory":
        return MemoryFileSystem()
    if request.param == "s3":
        return S3FileSystem(MemorySecrets(request.getfixturevalue("s3_settings")))
    return LocalFileSystem(MemorySecrets({"FS_LOCAL_ROOT": str(tmp_path)}))


async def test_the_totals_and_rows_of_the_samples_are_the_same_on_every_pair(
    db: DatabaseInterface, fs: FileSystemInterface
) -> None:
    for path in sorted((SAMPLES / FOLDER).iterdir()):
        await fs.write(f"{FOLDER}/{path.name}", path.read_bytes())
    async with db:
        await platform_migrate.up(db)
        job = EventJob(db, fs)
        for written in (
            {"inserted": EXPECTED["unique"], "skipped": 0},
            {"inserted": 0, "skipped": EXPECTED["unique"]},
        ):
            result = await job.run()
            assert (result.code, totals(result)) == (0, EXPECTED | written)
        rows = await db.fetch_all("SELECT event_type, payload, dedup_key FROM cleaned_events")
        assert len(rows) == len({bytes(row["dedup_key"]) for row in rows}) == EXPECTED["unique"]
        assert {row["event_type"] for row in rows} == {"click", "page_view", "purchase", "search", "signup"}
        assert len({row["payload"]["event_no"] for row in rows}) == EXPECTED["unique"]
