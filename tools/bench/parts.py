"""The parts of the benchmark; each compares medians of runs that take turns."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from examples import events_by_day
from platform_memory import MemorySecrets
from platform_postgres import PostgresDatabase
from tools.bench.contenders import DLT_VENV, Contender, all_contenders, ours
from tools.bench.inputs import Input, Inputs
from tools.bench.measure import Run, measure
from tools.bench.report import Part, Ratio
from tools.bench.server import ROOT, Rows, Server, environment

START_LINES, START_ROUNDS = 10, 7
LARGE = 10  # times the lines
PARTITIONED = "events_by_day"
SAME_ROWS = (
    "Rows are compared by event_type, payload and event_date; those of dlt, which rounds numbers in JSON "
    "when given rows, by number and trace of the event. source is left out: of equal events any may stay."
)
MICRO_BARS = {"fetch_all": 1.3, "bulk_insert": 1.3}


@dataclass(frozen=True)
class Bench:
    """What all parts need; ``show_progress`` is called with what is being done."""

    server: Server
    inputs: Inputs
    folder: Path
    lines: int
    rounds: int
    dlt_rounds: int
    show_progress: Callable[[str], None]

    def load(self, part: Part, label: str, day: Input) -> Run:
        """Run ours on a fresh database, check the number of rows, and keep the run."""
        return self.load_into(self.server.fresh(), part, label, day)

    def load_into(self, url: str, part: Part, label: str, day: Input) -> Run:
        """Run ours on the database as it is, check the number of rows, and keep the run."""
        self.show_progress(f"{part.name}: {label}")
        run = ours(self.server, day, url)
        part.add(label, day.lines, run)
        part.expect(label, self.server.count(), day.unique)
        return run

    def take_turns(self, part: Part, days: dict[str, Input]) -> None:
        """Load each of some inputs in each round."""
        for _ in range(self.rounds):
            for label, day in days.items():
                self.load(part, label, day)


def contenders(bench: Bench) -> Part:
    """Compare all contenders on the same input."""
    part = Part("contenders", bases=("floor", "dlt"), note=SAME_ROWS)
    day = bench.inputs.day(bench.lines)
    expected: dict[str, Rows] = {}
    for number in range(bench.rounds):
        for label, contender in all_contenders(bench.folder / DLT_VENV).items():
            if label.startswith("dlt") and number >= bench.dlt_rounds:
                continue
            bench.show_progress(f"{part.name}: {label}")
            part.add(label, day.lines, contender.load(bench.server, day, bench.server.fresh()))
            if not expected:
                expected = _expected(bench.server, bench.folder)
            part.expect(label, _rows(bench.server, contender), expected[contender.payload])
    seconds = {label: part.median(label).seconds for label in part.runs}
    part.ratios.append(Ratio("ours / floor, time", seconds["ours"] / seconds["floor"], 1.25))
    part.ratios.append(Ratio("ours / sql, time", seconds["ours"] / seconds["sql"], 1))
    if bench.dlt_rounds:
        part.ratios.append(Ratio("dlt / ours, time", seconds["dlt"] / seconds["ours"], 7, is_least=True))
        for tuned in ("dlt-csv", "dlt-arrow"):
            part.ratios.append(Ratio(f"{tuned} / ours, time", seconds[tuned] / seconds["ours"]))
    return part


def _rows(server: Server, contender: Contender) -> Rows:
    return server.rows(contender.table, contender.payload)


def _expected(server: Server, folder: Path) -> dict[str, Rows]:
    """Return the rows of the floor, which was just loaded, by each of the payload expressions."""
    expressions = {contender.payload for contender in all_contenders(folder).values()}
    return {payload: server.rows(payload=payload) for payload in expressions}


def rerun(bench: Bench) -> Part:
    """Compare a second load of the same input with the first."""
    part, day = Part("rerun"), bench.inputs.day(bench.lines)
    for _ in range(bench.rounds):
        url = bench.server.fresh()
        for label in ("first", "again"):
            bench.load_into(url, part, label, day)
    part.ratios.append(_time_ratio(part, "again", "first", 0.7))
    return part


def scale(bench: Bench) -> Part:
    """Compare ten times the lines, all distinct, with the usual number."""
    part = Part("scale")
    days = [bench.inputs.day(factor * bench.lines, is_distinct=True) for factor in (1, LARGE)]
    bench.take_turns(part, {f"{day.lines:,} lines": day for day in days})
    small, large = (part.median(label) for label in part.runs)
    part.ratios += [
        *(
            Ratio(f"client peak, {label}", part.median(label).client_peak_mib, 200, unit=" MiB")
            for label in part.runs
        ),
        Ratio("larger / smaller, client peak", large.client_peak_mib / small.client_peak_mib, 1.15),
        Ratio("larger / smaller, time per line", large.seconds / small.seconds / LARGE, 1.25),
    ]
    return part


def partitions(bench: Bench) -> Part:
    """Compare the first load into a partitioned table with that into a plain one, for two sizes of a day."""
    part = Part("partitions")
    days = [bench.inputs.day(factor * bench.lines, is_distinct=True) for factor in (1, LARGE)]
    for _ in range(bench.rounds):
        for day in days:
            bench.load(part, f"{day.lines:,} plain", day)
            label = f"{day.lines:,} partitioned"
            bench.show_progress(f"{part.name}: {label}")
            url = bench.server.fresh()
            asyncio.run(_create_partitioned(url))
            run = ours(bench.server, day, url, "--target-table", PARTITIONED)
            part.add(label, day.lines, run)
            part.expect(label, bench.server.count(PARTITIONED), day.unique)
    small, large = (f"{day.lines:,} partitioned" for day in days)
    growth = part.median(large).seconds / part.median(small).seconds / LARGE
    part.ratios += [
        _time_ratio(part, large, f"{days[1].lines:,} plain", 0.65),
        Ratio("larger / smaller, time per line", growth, 1.1),
        Ratio(f"client peak, {large}", part.median(large).client_peak_mib, 200, unit=" MiB"),
    ]
    return part


async def _create_partitioned(url: str) -> None:
    async with PostgresDatabase(MemorySecrets({"DB_POSTGRES_URL": url})) as db:
        await events_by_day.up(db)


def many_files(bench: Bench) -> Part:
    """Compare files of a hundred lines with 16 files of the same lines."""
    day = bench.inputs.day(bench.lines)
    return _compare(bench, "many-files", "16 files", day, "many files", bench.inputs.split(day, 100))


def large_file(bench: Bench) -> Part:
    """Compare one file of ten times the lines (of a million: 2.3 GB) with 16 files."""
    day = bench.inputs.day(LARGE * bench.lines, is_distinct=True)
    return _compare(bench, "large-file", "16 files", day, "one file", bench.inputs.joined(day))


def gz(bench: Bench) -> Part:
    """Compare compressed files with plain ones."""
    day = bench.inputs.day(bench.lines)
    return _compare(bench, "gz", "plain", day, "gz", bench.inputs.compressed(day))


def _compare(bench: Bench, name: str, plain: str, day: Input, other: str, changed: Input) -> Part:
    part = Part(name)
    bench.take_turns(part, {plain: day, other: changed})
    part.ratios.append(_time_ratio(part, other, plain, 1.3))
    return part


def start(bench: Bench) -> Part:
    """Compare a load of ten lines with a Python that does nothing."""
    part, day = Part("start"), bench.inputs.day(START_LINES)
    nothing = (sys.executable, "-c", "pass")
    for _ in range(START_ROUNDS):
        bench.show_progress(part.name)
        part.add("nothing", 0, measure(bench.server, nothing, environment(bench.server.url())))
        bench.load(part, "ten lines", day)
    more = part.median("ten lines").seconds - part.median("nothing").seconds
    part.ratios.append(Ratio("ten lines - nothing", more, 0.5, unit=" s"))
    return part


def micro(bench: Bench) -> Part:
    """Compare each call of the database interface with the same by plain asyncpg."""
    part = Part("micro")
    bench.show_progress(part.name)
    command = (sys.executable, "-m", "tools.bench.micro", bench.server.fresh(), str(max(bench.rounds, 5)))
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True)
    for name, (ours_seconds, plain_seconds) in json.loads(done.stdout).items():
        label = f"{name}, {ours_seconds * 1000:.0f} ms / asyncpg, {plain_seconds * 1000:.0f} ms"
        part.ratios.append(Ratio(label, ours_seconds / plain_seconds, MICRO_BARS.get(name)))
    return part


def _time_ratio(part: Part, label: str, other: str, bar: float) -> Ratio:
    value = part.median(label).seconds / part.median(other).seconds
    return Ratio(f"{label} / {other}, time", value, bar)


PARTS: dict[str, Callable[[Bench], Part]] = {
    "contenders": contenders,
    "rerun": rerun,
    "scale": scale,
    "partitions": partitions,
    "many-files": many_files,
    "large-file": large_file,
    "gz": gz,
    "start": start,
    "micro": micro,
}
USUAL = ("contenders", "rerun", "many-files", "gz", "start", "micro")
"""Unless others are named: scale, partitions and large-file take 2.3 GB of input each, and long."""
