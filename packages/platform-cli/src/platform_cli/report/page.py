"""The page: what it shows, and the template that shows it."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from platform_cli._durations import format_duration
from platform_cli._masking import hide_secrets
from platform_cli._text import printable
from platform_cli.history.record import RunRecord
from platform_cli.report.figures import counts_of, date_of, rate_of
from platform_cli.report.headline import find_figures
from platform_cli.report.loads import group_loads
from platform_cli.report.sections import group_sections
from platform_cli.report.units import format_count, format_short

MAX_LOADS = 30
MAX_LISTED_RUNS = 100
MAX_TEXT = 300
"""Of a value in the page; ``platform runs show`` has the whole of it."""


def render_report(
    records: Sequence[RunRecord],
    made_at: dt.datetime,
    *,
    scope: Mapping[str, str] | None = None,
    has_older: bool = False,
) -> str:
    """Return a page of HTML about the runs, which needs no other file, no server and no script.

    Args:
        records: the runs, in any order.
        made_at: when they were read; aware.
        scope: what the runs were chosen by, for the heading.
        has_older: whether older runs were left out, because there are too many.
    """
    runs = sorted(records, key=lambda record: record.started_at, reverse=True)
    all_loads = group_loads(runs)
    loads = [load for load in all_loads if load.has_loaded]
    return (
        _environment()
        .get_template("page.html.jinja")
        .render(
            max_text=MAX_TEXT,
            made_at=made_at.astimezone(dt.UTC),
            scope=scope or {},
            has_older=has_older,
            runs=runs,
            listed_runs=runs[:MAX_LISTED_RUNS],
            figures=find_figures(runs, loads),
            sections=group_sections(loads[:MAX_LOADS]),
            loads_left_out=loads[MAX_LOADS:],
            never_loaded=[load for load in all_loads if not load.has_loaded][:MAX_LOADS],
        )
    )


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader(__package__, ""),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_show,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "thousands": format_count,
        "short": format_short,
        "seconds": format_duration,
        "utc": lambda time: time.astimezone(dt.UTC).replace(tzinfo=None).isoformat(" ", "seconds"),
    }
    environment.globals |= {
        "counts_of": counts_of,
        "date_of": date_of,
        "rate_of": rate_of,
    }
    return environment


def _show(value: Any) -> Any:
    """Return what the page has in the place of a value; the template engine escapes it afterwards."""
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    text = printable(hide_secrets(value))
    return text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}…"
