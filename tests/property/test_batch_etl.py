"""Whatever is in the files, every line ends where a naive account of the same bytes says it must.

Of the cases of bad input, drawn here in any combination: 1 to 9, 14 (bytes and lines), 15 to 19, 21 to 26
(values), 30 to 33 and 35 (identity of events).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from batch_etl.ingest import LIMITS, Limits
from platform_interfaces import Row
from platform_interfaces.testing import JobResult
from platform_memory import MemoryDatabase, MemoryFileSystem
from tests.helpers.event_job import FOLDER, EventJob, totals
from tests.helpers.tables import make_tables
from tests.property.event_files import Account, as_stored, event_files

files = st.dictionaries(st.sampled_from([f"{FOLDER}/{name}" for name in ("a", "b", "c/d")]), event_files())


class BlockFileSystem(MemoryFileSystem):
    """Streams files in blocks of a given size."""

    def __init__(self, block_bytes: int) -> None:
        super().__init__()
        self._block_bytes = block_bytes

    async def stream(self, path: str, *, offset: int = 0) -> AsyncGenerator[bytes, None]:
        data = await self.read(path)
        for start in range(offset, len(data), self._block_bytes):
            yield data[start : start + self._block_bytes]


async def load(job: EventJob, files: dict[str, bytes], **arguments: Any) -> JobResult:
    """Run the job with these files as its whole input."""
    for path in await job.fs.list(FOLDER):
        await job.fs.delete(path)
    for path, data in files.items():
        await job.fs.write(path, data)
    return await job.run(**arguments)


def make_limits(batch_lines: int, chunk_lines: int) -> Limits:
    """Return limits that make many batches of a few events, and remember only the keys of those under way."""
    return Limits(
        chunk_lines=chunk_lines,
        batch_lines=batch_lines,
        min_recent_keys=LIMITS.concurrent_batches * (batch_lines + chunk_lines),
    )


def assert_accounted(result: JobResult, account: Account, **written: int) -> None:
    """Assert that each total is that of the account, and that each rejected line is named."""
    found = totals(result)
    assert sum(found["invalid_by_reason"].values()) == found["invalid"]
    expected = {
        "lines": account.lines,
        "blank": account.blank,
        "raw": account.lines - account.blank,
        "valid": account.valid,
        "invalid": len(account.invalid),
        "duplicates": account.valid - len(account.rows),
        "unique": len(account.rows),
        **written,
    }
    assert {name: found[name] for name in expected} == expected
    rejected = [event.fields for event in result.events if event.message == "Invalid line"]
    assert sorted((fields["file"], fields["line"]) for fields in rejected) == sorted(account.invalid)


async def stored(db: MemoryDatabase) -> list[Any]:
    return comparable(await db.fetch_all("SELECT event_type, payload, source FROM cleaned_events"))


def comparable(rows: list[Row]) -> list[Any]:
    return sorted(repr({**row, "payload": as_stored(row["payload"])}) for row in rows)


@settings(max_examples=settings().max_examples // 3)  # each of them runs the job four times
@given(
    files,
    event_files(),
    st.sampled_from([1, 7, 100, 100, 10_000]),
    st.integers(1, 5),
    st.none() | st.tuples(st.integers(1, 3), st.integers(1, 2)),
)
def test_every_line_is_where_a_naive_account_says(
    files: dict[str, bytes],
    later: bytes,
    block_bytes: int,
    batch_size: int,
    batches: tuple[int, int] | None,
) -> None:
    async def check() -> None:
        first, more = Account.of(files), {**files, f"{FOLDER}/bb": later}
        both = Account.of(more)
        async with MemoryDatabase() as db:
            await make_tables(db)
            job = EventJob(db, BlockFileSystem(block_bytes), limits)
            code = int(bool(first.invalid) and not first.valid)  # 1 where lines were read and none is valid
            result = await load(job, files, batch_size=batch_size, dry_run=True)
            assert_accounted(result, first, inserted=0, skipped=0)
            assert result.code == code
            assert await stored(db) == []

            new = len(first.rows)
            result = await load(job, files, batch_size=batch_size)
            assert_accounted(result, first, inserted=new, skipped=0)
            assert await stored(db) == comparable(list(first.rows.values()))
            result = await load(job, files, batch_size=batch_size)
            assert_accounted(result, first, inserted=0, skipped=new)
            assert result.code == code

            added = {key: row for key, row in both.rows.items() if key not in first.rows}
            result = await load(job, more, batch_size=batch_size)
            assert_accounted(result, both, inserted=len(added), skipped=new)
            assert await stored(db) == comparable([*first.rows.values(), *added.values()])

    limits = make_limits(*batches) if batches else LIMITS
    asyncio.run(check())
