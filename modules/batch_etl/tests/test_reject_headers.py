"""A format with a header: its rejects can be read again without their file."""

from typing import Any

import pytest

import platform_migrate
from batch_etl.ingest import RecordFormat, formats
from batch_etl.main import retry, run
from platform_interfaces import PlatformContext, find_rejects, rejects_path
from platform_memory import MemoryDatabase, MemoryFileSystem, MemoryLogger

FOLDER = "raw/events/2026-01-15"
HEADER = b"event_type\tpayload\tsource"
MARK = b"\xef\xbb\xbf"


class Tabbed(RecordFormat):
    """Values between tabs, named by the first line."""

    has_header = True

    @classmethod
    def recognises(cls, path: str, first_line: bytes) -> bool:
        return path.endswith(".tsv")

    def decode(self, line: bytes) -> Any:
        names, values = self.header.decode().split("\t"), line.decode().split("\t")
        return dict(zip(names, values, strict=False))


@pytest.mark.parametrize("mark", [b"", MARK])
async def test_a_reject_keeps_the_header_that_a_retry_reads_it_with(
    mark: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(formats, "FORMATS", (Tabbed, *formats.FORMATS))
    fs, log = MemoryFileSystem(), MemoryLogger()
    other_header, kept = b"source\tpayload\tevent_type", rejects_path(FOLDER)
    await fs.write(f"{FOLDER}/a.tsv", mark + HEADER + b"\nclick\t{}\tweb\n \t{}\tweb\n")
    await fs.write(f"{FOLDER}/b.tsv", other_header + b"\n \t{}\tview\n")
    async with MemoryDatabase() as db:
        await platform_migrate.up(db)
        config = {"date": "2026-01-15", "source-path": "raw/events"}
        assert await run(PlatformContext(log=log, db=db, fs=fs, config=config)) == 0
        first, second = [reject async for reject in find_rejects(fs, FOLDER)]
        assert (first.line, first.offset) == (3, len(mark + HEADER) + 1 + len(b"click\t{}\tweb\n"))
        assert (first.header, second.line, second.header) == (HEADER, 2, other_header)
        await fs.write(kept, (await fs.read(kept)).replace(rb'"raw": " ', rb'"raw": "mended'))
        assert await retry(PlatformContext(log=log, db=db, fs=fs, config=config)) == 0
        rows = await db.fetch_all("SELECT event_type, source FROM cleaned_events ORDER BY id")
    assert [tuple(row.values()) for row in rows] == [("click", "web"), ("mended", "web"), ("view", "mended")]
