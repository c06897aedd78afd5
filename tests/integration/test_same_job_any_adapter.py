"""The first promise: the same job on any pair of adapters ends with the same sums and the same rows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import platform_migrate
from batch_etl.main import run
from platform_interfaces import DatabaseInterface, FileSystemInterface, PlatformContext
from platform_localfs import LocalFileSystem
from platform_memory import MemoryDatabase, MemoryFileSystem, MemoryLogger, MemorySecrets
from platform_postgres import PostgresDatabase

SAMPLES = Path(__file__).parents[2] / "modules" / "batch_etl" / "samples"
FOLDER = "raw/events/2026-01-15"
EXPECTED = json.loads((SAMPLES / "expected.json").read_text())


@pytest.fixture(params=["memory", "postgres"])
def db(request: pytest.FixtureRequest) -> DatabaseInterface:
    if request.param == "memory":
        return MemoryDatabase()
    return PostgresDatabase(MemorySecrets({"DB_POSTGRES_URL": request.getfixturevalue("postgres_url")}))


@pytest.fixture(params=["memory", "local"])
def fs(request: pytest.FixtureRequest, tmp_path: Path) -> FileSystemInterface:
    if request.param == "memory":
        return MemoryFileSystem()
    return LocalFileSystem(MemorySecrets({"FS_LOCAL_ROOT": str(tmp_path)}))


async def load(db: DatabaseInterface, fs: FileSystemInterface) -> dict[str, Any]:
    log = MemoryLogger()
    config = {"date": "2026-01-15", "source-path": "raw/events"}
    assert await run(PlatformContext(log=log, db=db, fs=fs, config=config)) == 0
    return dict(log.events[-1].fields)


async def test_the_sums_and_rows_of_the_samples_are_the_same_on_every_pair(
    db: DatabaseInterface, fs: FileSystemInterface
) -> None:
    for path in sorted((SAMPLES / FOLDER).iterdir()):
        await fs.write(f"{FOLDER}/{path.name}", path.read_bytes())
    async with db:
        await platform_migrate.up(db)
        assert await load(db, fs) == {**EXPECTED, "inserted": EXPECTED["unique"], "skipped": 0}
        assert await load(db, fs) == {**EXPECTED, "inserted": 0, "skipped": EXPECTED["unique"]}
        rows = await db.fetch_all("SELECT event_type, payload, dedup_key FROM cleaned_events")
        assert len(rows) == len({bytes(row["dedup_key"]) for row in rows}) == EXPECTED["unique"]
        assert {row["event_type"] for row in rows} == {"click", "page_view", "purchase", "search", "signup"}
        assert len({row["payload"]["event_no"] for row in rows}) == EXPECTED["unique"]
