"""A model of how long a load takes, and what limits it; it prints the tables of docs/scale.md.

Costs are times of processors, measured on one rig. The model divides them by the processors that each side
has, and takes the slowest side.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass

BUSY = 0.85
"""The share of two processors that a load of a million lines used: (7.05 + 8.89) / (2 * 9.38)."""
ROWS_A_LINE = 0.94
"""Of the lines of the benchmark, 6 % are bad or duplicates."""
CONNECTIONS = 3
"""Batches that a worker writes at a time, each on a connection of its own."""
INDEX_PROCESSES = 3
"""Processes that build an index: PostgreSQL's ``max_parallel_maintenance_workers`` is 2."""
LOG_BYTES, TABLE_BYTES, INDEX_BYTES = 584, 253, 115
"""What a row leaves: measured with 280,518 rows, PostgreSQL 18."""
LOG_BYTES_A_SECOND = 300e6
"""What the disk of the server's log takes: assumed."""
GET_DOLLARS, LIST_DOLLARS = 0.0004 / 1000, 0.005 / 1000
"""List prices of S3 Standard; a list has 1,000 names."""
FIRST_BYTE_SECONDS = 0.03
"""From a request to the first byte of an object: assumed."""


@dataclass(frozen=True)
class Cost:
    """Microseconds of a processor.

    Attributes:
        client: for each line.
        server: for each row.
        afterwards: for each row, when all are there: its part of building the indexes.
    """

    client: float
    server: float
    afterwards: float = 0.0


PLAIN = Cost(6.9, 11.0)
PLAIN_LARGE = Cost(6.9, 17.0)
"""Ten million rows: each key goes to a page of its own, in an index larger than the processor's caches."""
PARTITION = Cost(6.9, 3.1, 3.8)
"""A table of its own, without indexes until all rows are in it: from 17 s and 21 s on two processors."""


@dataclass(frozen=True)
class Rig:
    """Workers and processors; without ``server_cores`` client and server share ``cores``."""

    workers: int
    cores: int
    server_cores: int = 0


LAPTOP = Rig(workers=1, cores=2)
PAIR = Rig(workers=2, cores=2)
MACHINES = Rig(workers=8, cores=8, server_cores=16)


@dataclass(frozen=True)
class Estimate:
    """How long a load takes, and what limits it."""

    seconds: float
    limit: str


def estimate(lines: float, cost: Cost, rig: Rig) -> Estimate:
    """Return how long ``lines`` take: as long as the slowest side, then what comes afterwards."""
    rows = lines * ROWS_A_LINE
    client, server = lines * cost.client / 1e6, rows * cost.server / 1e6
    server_cores = rig.server_cores or rig.cores
    sides = {
        "client": client / min(rig.workers, rig.cores),
        "server": server / min(rig.workers * CONNECTIONS, server_cores) / BUSY,
        "log": rows * LOG_BYTES / LOG_BYTES_A_SECOND,
    }
    if not rig.server_cores:
        sides["processors"] = (client + server) / rig.cores / BUSY
    limit = max(sides, key=sides.__getitem__)
    afterwards = rows * cost.afterwards / 1e6 / min(server_cores, INDEX_PROCESSES) / BUSY
    return Estimate(sides[limit] + afterwards, limit)


def request_dollars(files: float) -> float:
    """Return what S3 charges for reading ``files`` once: a request for each, and one to list a thousand."""
    return files * (GET_DOLLARS + LIST_DOLLARS / 1000)


def waiting_seconds(files: float, workers: int) -> float:
    """Return how long ``workers`` wait for first bytes when each reads one file after the other."""
    return files * FIRST_BYTE_SECONDS / workers


@dataclass(frozen=True)
class Point:
    """A load that was measured, and the model of it."""

    what: str
    measured: float
    modelled: float


_FIRST, _AGAIN = Cost(7.05, 8.89 / ROWS_A_LINE), Cost(5.39, 4.07 / ROWS_A_LINE)
POINTS = (
    Point("a million lines (`BUSY` is from it)", 9.38, estimate(1e6, _FIRST, LAPTOP).seconds),
    Point("the same again", 5.92, estimate(1e6, _AGAIN, LAPTOP).seconds),
    Point("a million lines, another day", 10.6, estimate(1e6, PLAIN, LAPTOP).seconds),
    Point("ten million lines, that day", 144.8, estimate(1e7, PLAIN_LARGE, LAPTOP).seconds),
    Point("9.4 million rows, without a client", 87.0, estimate(1e7, Cost(0, 17.0), PAIR).seconds),
)


def point_rows() -> Iterator[str]:
    """Yield a row of the table for each measured load."""
    for point in POINTS:
        ratio = point.modelled / point.measured
        yield f"| {point.what} | {point.measured:.1f} s | {point.modelled:.1f} s | {ratio:.2f} |"


def day_rows() -> Iterator[str]:
    """Yield a row of the table for each size of a day."""
    for power in (6, 7, 8, 9, 10, 12):
        lines = 10.0**power
        plain = PLAIN if power <= 6 else PLAIN_LARGE
        parts = [estimate(lines, plain, LAPTOP)]
        parts += [estimate(lines, PARTITION, rig) for rig in (LAPTOP, PAIR, MACHINES)]
        stored = _amount(lines * ROWS_A_LINE * (TABLE_BYTES + INDEX_BYTES))
        yield f"| 10^{power} | {stored} | {' | '.join(f'{_time(p.seconds)}, {p.limit}' for p in parts)} |"


def file_rows() -> Iterator[str]:
    """Yield a row of the table for each number of files."""
    for power in (4, 6, 9):
        files = 10.0**power
        waits = " | ".join(_time(waiting_seconds(files, workers)) for workers in (1, 64))
        yield f"| 10^{power} | {files / 1000:,.0f} | ${request_dollars(files):,.2f} | {waits} |"


def _time(seconds: float) -> str:
    for size, unit in ((86400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:,.0f} {unit}"
    return f"{seconds:.0f} s"


def _amount(size: float) -> str:
    for scale, unit in ((1e12, "TB"), (1e9, "GB")):
        if size >= scale:
            return f"{size / scale:,.0f} {unit}"
    return f"{size / 1e6:,.0f} MB"


if __name__ == "__main__":
    for rows in (point_rows, day_rows, file_rows):
        sys.stdout.write("\n".join(rows()) + "\n\n")
