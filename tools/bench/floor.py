"""The floor: rows that are clean already, into the table by the fastest plain way that is known here.

python -m tools.bench.floor prepare ROOT BLOCKS     writes blocks of rows, as COPY takes them
python -m tools.bench.floor load BLOCKS URL         loads them, and prints the seconds that took
"""

import asyncio
import struct
import sys
import time
from collections.abc import AsyncIterator, Iterator
from datetime import date
from itertools import islice
from pathlib import Path

import asyncpg

from tools.bench.cleaning import Cleaned, cleaned_rows
from tools.bench.inputs import DATE

BLOCK_ROWS, CONNECTIONS = 20_000, 2
COLUMNS = ("event_type", "payload", "source", "event_date", "dedup_key")
# https://www.postgresql.org/docs/current/sql-copy.html: "Binary Format"
_HEADER, _TRAILER = b"PGCOPY\n\xff\r\n\0" + bytes(8), b"\xff\xff"
_DAY = struct.pack("!ii", 4, (date.fromisoformat(DATE) - date(2000, 1, 1)).days)


def prepare(root: Path, target: Path) -> None:
    """Write all valid events, duplicates too, in blocks that are each in the order of the key."""
    rows = cleaned_rows(root)
    number = 0
    while block := sorted(islice(rows, BLOCK_ROWS), key=lambda row: row.key):
        (target / f"{number:06}.copy").write_bytes(_HEADER + b"".join(map(_encode, block)) + _TRAILER)
        number += 1


async def load(blocks: list[bytes], url: str) -> None:
    """Load the blocks; returns when all is on disk.

    Both connections insert in the order of the key, so blocks that share keys never wait crosswise. Three
    connections, no ORDER BY on blocks that are sorted already, and a flush with each commit were not faster.
    """
    waiting = iter(blocks)
    async with asyncio.TaskGroup() as tasks:
        for _ in range(CONNECTIONS):
            tasks.create_task(_load_some(waiting, url))


async def _load_some(blocks: Iterator[bytes], url: str) -> None:
    names = ", ".join(COLUMNS)
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(
            f"CREATE TEMPORARY TABLE staging ON COMMIT DELETE ROWS AS "
            f"SELECT {names} FROM cleaned_events WITH NO DATA; SET synchronous_commit = off"
        )
        for block in blocks:
            async with connection.transaction():
                await connection.copy_to_table(
                    "staging", schema_name="pg_temp", columns=COLUMNS, format="binary", source=_stream(block)
                )
                await connection.execute(
                    f"INSERT INTO cleaned_events ({names}) SELECT {names} FROM staging "
                    "ORDER BY dedup_key ON CONFLICT (dedup_key) DO NOTHING"
                )
        # Written and flushed like a commit, so everything before it is on disk, too.
        await connection.execute(
            "SET synchronous_commit = on; SELECT pg_logical_emit_message(true, 'bench', '')"
        )
    finally:
        await connection.close()


async def _stream(block: bytes) -> AsyncIterator[bytes]:
    yield block


def _encode(row: Cleaned) -> bytes:
    return b"".join(
        (
            struct.pack("!h", len(COLUMNS)),
            _field(row.event_type.encode()),
            _field(b"\x01" + row.payload.encode()),  # the version of jsonb's wire format
            _field(row.source.encode()),
            _DAY,
            _field(row.key),
        )
    )


def _field(value: bytes) -> bytes:
    return struct.pack("!i", len(value)) + value


def main() -> None:
    match sys.argv[1:]:
        case ["prepare", root, target]:
            prepare(Path(root), Path(target))
        case ["load", folder, url]:
            blocks = [path.read_bytes() for path in sorted(Path(folder).iterdir())]
            start = time.perf_counter()
            asyncio.run(load(blocks, url))
            print(time.perf_counter() - start)
        case _:
            raise SystemExit(__doc__)


if __name__ == "__main__":
    main()
