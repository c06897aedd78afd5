"""Report what was measured, as tables and as JSON."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from statistics import median
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from tools.bench.measure import Run

STYLE: dict[str, Any] = {"box": SIMPLE_HEAD, "padding": (0, 1, 0, 0), "show_edge": False, "pad_edge": False}


@dataclass(frozen=True)
class Ratio:
    """A result beside its bar: at most so much, or, with ``is_least``, at least; None: without one."""

    name: str
    value: float
    bar: float | None = None
    is_least: bool = False
    unit: str = ""

    @property
    def is_met(self) -> bool | None:
        """Return whether the bar holds, or None without a bar."""
        if self.bar is None:
            return None
        return self.value >= self.bar if self.is_least else self.value <= self.bar

    @property
    def bar_text(self) -> str:
        """Return the bar in words."""
        if self.bar is None:
            return ""
        return f"{'at least' if self.is_least else 'at most'} {self.bar:g}{self.unit}"


@dataclass
class Part:
    """The results of one part: the runs of each contender, its lines, and ratios of medians.

    ``bases`` are labels, and all times are shown as ratios to theirs; ``note`` says how to read the numbers;
    ``problems`` are what makes them worthless, such as missing rows.
    """

    name: str
    bases: tuple[str, ...] = ()
    note: str = ""
    lines: dict[str, int] = field(default_factory=dict)
    runs: dict[str, list[Run]] = field(default_factory=dict)
    ratios: list[Ratio] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def add(self, label: str, lines: int, run: Run) -> None:
        """Keep a run that has loaded so many lines."""
        self.lines[label] = lines
        self.runs.setdefault(label, []).append(run)

    def expect(self, label: str, found: object, expected: object) -> None:
        """Note a problem when the two are not equal."""
        if found != expected:
            self.problems.append(f"{self.name}, {label}: {found}, expected {expected}")

    def median(self, label: str) -> Run:
        """Return the medians of the runs of a contender."""
        return medians(self.runs[label])

    def as_json(self) -> dict[str, Any]:
        """Return the part as JSON values."""
        return {
            "part": self.name,
            "runs": {
                label: {"lines": self.lines[label], "runs": [asdict(run) for run in runs]}
                for label, runs in self.runs.items()
            },
            "note": self.note,
            "ratios": [asdict(ratio) | {"is_met": ratio.is_met} for ratio in self.ratios],
            "problems": self.problems,
        }


def medians(runs: Sequence[Run]) -> Run:
    """Return the median of each number; they may come from different runs."""
    return Run(**{number.name: median(getattr(run, number.name) for run in runs) for number in fields(Run)})


def show(console: Console, part: Part) -> None:
    """Print the tables of a part."""
    if part.runs:
        console.print(_runs_table(part), "")
    table = Table("", "", "bar", "", **STYLE)
    for ratio in part.ratios:
        mark = {None: "", True: "[green]met", False: "[red]missed"}[ratio.is_met]
        table.add_row(ratio.name, f"{ratio.value:.2f}{ratio.unit}", ratio.bar_text, mark)
    console.print(table, "")
    if part.note:
        console.print(part.note)
    for problem in part.problems:
        console.print(f"[red]{problem}")


def _runs_table(part: Part) -> Table:
    table = Table(title=f"{part.name}: medians", title_justify="left", **STYLE)
    bases = [label for label in part.bases if label in part.runs]
    table.add_column("", no_wrap=True)
    for heading in (
        *("runs", "s", "lines/s"),
        *(f"time /\n{label}" for label in bases),
        *("client\nCPU s", "client\nMiB", "server\nCPU s", "server\nMiB"),
    ):
        table.add_column(heading, justify="right", no_wrap=True)
    for label, runs in part.runs.items():
        run, lines = medians(runs), part.lines[label]
        table.add_row(
            label,
            *(str(len(runs)), f"{run.seconds:.2f}", f"{lines / run.seconds:,.0f}"),
            *(f"{run.seconds / part.median(base).seconds:.2f}" for base in bases),
            *(f"{run.client_cpu_seconds:.2f}", f"{run.client_peak_mib:.0f}"),
            *(f"{run.server_cpu_seconds:.2f}", f"{run.server_peak_mib:.0f}"),
        )
    return table


def write(file: Path, about: Mapping[str, Any], parts: Sequence[Part]) -> None:
    """Write all results as JSON."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({**about, "parts": [part.as_json() for part in parts]}, indent=2) + "\n")
