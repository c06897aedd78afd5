"""The geometry of the charts, in percent of the width and of the height from the top.

Percents, and not units of a ``viewBox``, so that text and lines are as large on a phone as on a desktop.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from platform_cli.report.units import round_ticks

MAX_X_TICKS = 6
MAX_COLUMN_PERCENT = 12


class Tick(NamedTuple):
    """A label at an axis; on a narrow screen there is no room for the minor ones."""

    at: float
    label: str
    is_minor: bool = False


class Segment(NamedTuple):
    """A layer of a column."""

    kind: str
    y: float
    height: float


class Column(NamedTuple):
    """What is stacked in one slot of the x axis; ``title`` says it in words."""

    x: float
    width: float
    title: str
    segments: Sequence[Segment]
    is_missing: bool


class Point(NamedTuple):
    """A value at one slot of the x axis; ``title`` says it in words."""

    x: float
    y: float
    title: str
    kind: str


class Chart(NamedTuple):
    """What a template draws: columns or points, and the ticks of both axes."""

    title: str
    summary: str
    y_ticks: Sequence[Tick]
    x_ticks: Sequence[Tick]
    columns: Sequence[Column] = ()
    points: Sequence[Point] = ()


class Slot(NamedTuple):
    """What a chart shows at one position of its x axis."""

    label: str
    title: str
    values: Sequence[tuple[str, float]]
    is_missing: bool = False


def column_chart(title: str, summary: str, slots: Sequence[Slot], format_y: Callable[[float], str]) -> Chart:
    """Return a chart whose columns stack the values of each slot."""
    ticks = round_ticks(max(sum(value for _, value in slot.values) for slot in slots))
    width = min(80 / len(slots), MAX_COLUMN_PERCENT)
    columns = [
        Column(
            _percent(_center(index, slots) - width / 2),
            _percent(width),
            slot.title,
            [*_stack(slot.values, ticks[-1])],
            slot.is_missing,
        )
        for index, slot in enumerate(slots)
    ]
    return Chart(title, summary, _y_ticks(ticks, format_y), _x_ticks(slots), columns=columns)


def point_chart(
    title: str,
    summary: str,
    slots: Sequence[Slot],
    format_y: Callable[[float], str],
    make_ticks: Callable[[float], Sequence[float]] = round_ticks,
) -> Chart:
    """Return a chart with a line through the one value of each slot."""
    ticks = make_ticks(max(value for slot in slots for _, value in slot.values))
    points = [
        Point(_percent(_center(index, slots)), _percent(100 - 100 * value / ticks[-1]), slot.title, kind)
        for index, slot in enumerate(slots)
        for kind, value in slot.values
    ]
    return Chart(title, summary, _y_ticks(ticks, format_y), _x_ticks(slots), points=points)


def _stack(values: Iterable[tuple[str, float]], top: float) -> Iterable[Segment]:
    y = 100.0
    for kind, value in values:
        if value:
            height = 100 * value / top
            y -= height
            yield Segment(kind, _percent(y), _percent(height))


def _y_ticks(ticks: Sequence[float], format_y: Callable[[float], str]) -> list[Tick]:
    return [Tick(_percent(100 - 100 * tick / ticks[-1]), format_y(tick)) for tick in ticks]


def _x_ticks(slots: Sequence[Slot]) -> list[Tick]:
    step = -(-len(slots) // MAX_X_TICKS)
    # Each in the middle of the slots that it stands for, so that none sticks out at the border.
    return [
        Tick(_percent(_center(index, slots)), slots[index].label, is_minor=number % 2 == 1)
        for number, index in enumerate(range((step - 1) // 2, len(slots), step))
    ]


def _center(index: int, slots: Sequence[Slot]) -> float:
    return (index + 0.5) * 100 / len(slots)


def _percent(value: float) -> float:
    return round(value, 2)
