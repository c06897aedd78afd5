"""Numbers for people, and the round ones for the ticks of an axis."""

import math
from collections.abc import Sequence

MAX_TICKS = 4


def format_count(value: float) -> str:
    """Return a whole number with its thousands separated."""
    return f"{value:,.0f}"


def format_short(value: float) -> str:
    """Return a number in few characters: 950, 1.2k, 30k, 4.5M."""
    for limit, letter in ((1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= limit:
            return f"{value / limit:.3g}{letter}"
    return f"{value:.3g}"


def round_ticks(largest: float) -> Sequence[float]:
    """Return the ticks from 0 to at least ``largest``: multiples of 1, 2 or 5 times a power of 10."""
    if largest <= 0:
        return (0.0, 1.0)
    power = 10.0 ** math.floor(math.log10(largest / MAX_TICKS))
    step = next(each * power for each in (1, 2, 5, 10) if largest <= each * power * MAX_TICKS * (1 + 1e-9))
    return [index * step for index in range(math.ceil(largest / step - 1e-9) + 1)]


def round_second_ticks(largest: float) -> Sequence[float]:
    """Return the ticks of an axis of durations: round ones in the unit that they are shown in."""
    unit = 3600 if largest > 2 * 3600 else 60 if largest > 2 * 60 else 1
    return [tick * unit for tick in round_ticks(largest / unit)]
