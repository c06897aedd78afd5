"""The sections of the page: one for each module, and in it the charts of each of its loads."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

from platform_cli._command_line import to_command
from platform_cli.history.words import list_words
from platform_cli.report.charts import Chart
from platform_cli.report.day_charts import Reasons, find_reasons, records_chart, rejected_chart
from platform_cli.report.loads import Gap, Load
from platform_cli.report.months import Month, find_months
from platform_cli.report.run_charts import rate_chart, seconds_chart

MAX_GAPS = 20


class LoadView(NamedTuple):
    """What is shown of a load; charts are None where there is nothing to draw."""

    load: Load
    records: Chart | None
    rejected: Chart | None
    reasons: Reasons
    seconds: Chart | None
    rate: Chart | None
    gaps: Sequence[Gap]
    months: Sequence[Month]
    backfill: str


class Section(NamedTuple):
    """A module and its loads."""

    module: str
    loads: Sequence[LoadView]


def group_sections(loads: Iterable[Load]) -> list[Section]:
    """Return a section for each module, in the order of the loads."""
    by_module: dict[str, list[LoadView]] = {}
    for load in loads:
        by_module.setdefault(load.key.module, []).append(_view(load))
    return [Section(module, views) for module, views in by_module.items()]


def _view(load: Load) -> LoadView:
    return LoadView(
        load=load,
        records=records_chart(load),
        rejected=rejected_chart(load),
        reasons=find_reasons(load),
        seconds=seconds_chart(load),
        rate=rate_chart(load),
        gaps=load.gaps[:MAX_GAPS],
        months=find_months(load),
        backfill=_name_backfill(load) if load.gaps else "",
    )


def _name_backfill(load: Load) -> str:
    """Return the command that loads the missing dates: it leaves out those that are done."""
    first, last = load.gaps[-1][0], load.gaps[0][1]
    words = ["backfill", load.key.module, "--from", str(first), "--to", str(last)]
    words += ["--env", load.key.environment]
    words += list_words(replace(load.runs[-1], arguments=load.key.arguments))
    return to_command(*words)
