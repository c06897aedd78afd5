"""Durations for people."""

import datetime as dt


def format_duration(seconds: float) -> str:
    """Return a duration in the one or two units that matter."""
    if 0 < seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.3g} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours:,} h {minutes} min" if minutes else f"{hours:,} h"


def format_clock(seconds: float) -> str:
    """Return a duration that grows as a clock shows it: always as wide, and in seconds."""
    return str(dt.timedelta(seconds=round(seconds)))
