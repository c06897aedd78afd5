"""A format that is added has its lines read, rejected and retried like JSON lines."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

import platform_migrate
from batch_etl.ingest import LineCode, RecordFormat, Rejected, formats
from batch_etl.ingest.json_lines import JsonLines
from batch_etl.main import retry, run
from platform_interfaces.testing import JobHarness
from platform_memory import MemoryDatabase, MemoryFileSystem, MemoryLogger

FOLDER = "raw/events/2026-01-15"
KEPT = f"rejected/{FOLDER}/rejects.jsonl"
HINT = "A file is not one JSON object a line"
HEADER, GOOD = b"event_type|payload|source", b'click|{"n": 1}|web'


class BarSeparated(RecordFormat):
    has_header = True

    @classmethod
    def recognises(cls, path: str, first_line: bytes) -> bool:
        return path.endswith(".psv")

    def decode(self, line: bytes) -> Any:
        names, values = self.header.decode().split("|"), line.decode().split("|")
        is_row = len(names) == len(values)
        return dict(zip(names, values, strict=True)) if is_row else Rejected((LineCode.MALFORMED_JSON,))

    def is_beginning(self, line: bytes) -> bool:
        return line.count(b"|") < self.header.count(b"|")


@pytest.fixture
async def job(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[JobHarness]:
    monkeypatch.setattr(formats, "FORMATS", (BarSeparated, JsonLines))
    arguments = {"date": "2026-01-15", "source-path": "raw/events"}
    async with MemoryDatabase() as db:
        await platform_migrate.up(db)
        yield JobHarness(
            run, retry=retry, log=MemoryLogger, db=db, fs=MemoryFileSystem(), arguments=arguments
        )


async def test_the_header_is_not_a_record_and_serves_a_retry(job: JobHarness) -> None:
    await job.fs.write(f"{FOLDER}/a.psv", b"\n".join([HEADER, GOOD, b"", b"click|bad", b'click|{"n": 2']))
    figures = (await job.run()).figures
    assert (figures["lines"], figures["blank"], figures["inserted"]) == (4, 1, 1)
    assert figures["invalid_by_reason"] == {"malformed_json": 1, "truncated_line": 1}
    mended = (await job.fs.read(KEPT)).replace(b"click|bad", b"click|{}|app")
    await job.fs.write(KEPT, mended)
    figures = (await job.retry()).figures
    assert (figures["inserted"], figures["invalid_by_reason"]) == (1, {"truncated_line": 1})


async def test_a_file_with_nothing_but_a_header_has_no_lines(job: JobHarness) -> None:
    await job.fs.write(f"{FOLDER}/a.psv", HEADER)
    await job.fs.write(f"{FOLDER}/b.jsonl", b'{"event_type": "a", "payload": {}, "source": "b"}')
    assert (await job.run()).figures["lines"] == 1


@pytest.mark.parametrize(("name", "hints"), [("a.psv", 0), ("a.jsonl", 1)])
async def test_only_json_lines_are_hinted_to_be_another_format(
    job: JobHarness, name: str, hints: int
) -> None:
    await job.fs.write(f"{FOLDER}/b.jsonl", b'{"event_type": "a", "payload": {}, "source": "b"}\n')
    await job.fs.write(f"{FOLDER}/{name}", b"\n".join([HEADER, *[b'click|{"n": 1}'] * 9]))
    result = await job.run()
    assert sum(event.message == HINT for event in result.events) == hints
