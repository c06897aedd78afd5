"""The page of a report: what it shows, that any value is only text in it, and that its size is bounded."""

import datetime as dt
import re
from collections.abc import Callable, Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from platform_cli._masking import remember_settings
from platform_cli.history.record import RunRecord, RunStatus
from platform_cli.report import render_report

MakeRun = Callable[..., RunRecord]

NOW = dt.datetime(2026, 2, 1, tzinfo=dt.UTC)
FAILED = {"status": RunStatus.FAILED, "exit_code": 1}
FIGURES = {"inserted": 2_800, "skipped": 5, "duplicates": 115}
HOSTILE = [
    "<script>alert(1)</script>",
    "\"'><img src=x onerror=alert(1)>",
    "{{ 7 * 7 }}{% raw %}",
    "--><!--",
    "\x00\x1b[31m\r\n\x85\ud800",
    "\u202eevil\u2066",
    "&lt;b&gt;&#60;",
    "x" * 10_000,
]


class Page(HTMLParser):
    """A page that was parsed: its tags, its attributes, and its text, with blanks as they are seen."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.texts: list[str] = []
        self.titles: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.texts.append(data)
        if self.tags[-1:] == ["title"]:
            self.titles.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())


def render(*runs: RunRecord, **options: Any) -> Page:
    return Page(render_report(runs, NOW, **options))


def test_a_day_shows_what_became_of_its_records(make_run: MakeRun) -> None:
    page = render(make_run("2026-01-15", figures=FIGURES, rejects={"no_source": 50, "no_type": 9}))
    assert "2026-01-15: 2,800 inserted, 5 skipped, 115 duplicates, 59 rejected" in page.titles
    assert "2026-01-15: 59 rejected" in page.titles
    assert "no_source 50 no_type 9" in page.text
    assert "2026-01-20 06:00:00 for 2026-01-15, succeeded: 2 s" in page.titles
    assert "Records per second of each run 1 run, median 1.49k" in page.text
    assert "runs 1 1 succeeded success rate 100% of the runs that ended rows inserted 2,800" in page.text


def test_dates_that_are_missing_are_listed_and_marked(make_run: MakeRun) -> None:
    page = render(
        make_run("2026-01-15", figures=FIGURES),
        make_run("2026-01-17", **FAILED),
        make_run("2026-01-19", figures=FIGURES),
    )
    assert "3 without a run that loaded them: 2026-01-16 to 2026-01-18" in page.text
    command = "platform backfill hello --from 2026-01-16 --to 2026-01-18 --env local --source-path raw"
    assert f"To load them: {command} " in page.text
    titles = {value for name, value in page.attributes if name == "title"}
    assert {
        "2026-01-15: loaded",
        "2026-01-16: no run",
        "2026-01-17: the last run failed",
        "2026-01-18: no run",
    } <= titles
    assert "17×" in page.text
    assert "2026-01-16: nothing loaded" in page.titles


def test_the_command_that_loads_missing_dates_gives_flags_as_they_are_typed(make_run: MakeRun) -> None:
    arguments = {"full": True, "is-strict": False, "since": "-1", "wait": None}
    runs = (make_run(date, arguments={"date": date, **arguments}) for date in ("2026-01-15", "2026-01-17"))
    command = "platform backfill hello --from 2026-01-16 --to 2026-01-16 --env local --full --since=-1"
    assert f"To load them: {command} " in render(*runs).text


def test_the_command_that_loads_missing_dates_has_no_argument_that_only_says_how_a_run_works(
    make_run: MakeRun, module: Callable[..., Path]
) -> None:
    module(
        args=[
            {"name": "date", "type": "string"},
            {"name": "source-path", "type": "string"},
            {"name": "max-rejected", "type": "string", "part_of_load": False},
        ]
    )
    arguments = {"source-path": "raw", "max-rejected": "5%"}
    page = render(*(make_run(date, arguments=arguments) for date in ("2026-01-15", "2026-01-17")))
    command = "platform backfill hello --from 2026-01-16 --to 2026-01-16 --env local --source-path raw"
    assert f"To load them: {command} " in page.text


def test_the_latest_runs_are_a_table(make_run: MakeRun) -> None:
    failed = make_run("2026-01-15", day=1, id="ab" * 16, error="the disk is full", **FAILED)
    running = make_run("2026-01-16", status=RunStatus.RUNNING, ended_at=None, exit_code=None)
    page = render(failed, running)
    assert "abababab hello 2026-01-15 failed 2026-01-21 06:00:00 2 s 0 the disk is full" in page.text
    assert "hello 2026-01-16 running 2026-01-20 06:00:00 0" in page.text
    assert "success rate 0%" in page.text


def test_a_success_rate_of_100_percent_means_all(make_run: MakeRun) -> None:
    runs = [make_run() for _ in range(2_999)]
    assert "success rate 99.9%" in render(*runs, make_run(**FAILED)).text


def test_modules_and_what_they_load_have_sections_of_their_own(make_run: MakeRun) -> None:
    other = {"source-path": "raw", "target-table": "copy"}
    page = render(
        make_run("2026-01-15", figures=FIGURES),
        make_run("2026-01-16", figures=FIGURES, arguments=other),
        make_run("2026-01-15", module="orders", figures=FIGURES),
    )
    assert page.tags.count("article") == 3
    assert page.tags.count("h2") == 3  # two modules and the table
    assert page.text.count("1 run, the last one succeeded") == 3


def test_without_runs_the_page_says_what_to_do() -> None:
    assert "No run yet platform run MODULE makes the first one" in render().text
    page = render(scope={"module": "hello"})
    assert "No such run" in page.text
    assert "module hello" in page.text


def test_each_chart_has_a_text_for_those_who_cannot_see_it(make_run: MakeRun) -> None:
    page = render(make_run("2026-01-15", figures=FIGURES, rejects={"a": 1}))
    charts = page.attributes.count(("class", "chart"))
    assert charts == page.attributes.count(("role", "img")) == page.tags.count("figure") - 1 == 4
    assert "Records per day: 2,921 of 2026-01-15" in page.titles


@pytest.mark.parametrize("value", HOSTILE)
def test_a_value_is_only_text(make_run: MakeRun, value: str) -> None:
    def runs(value: str) -> list[RunRecord]:
        common = {"module": value, "environment": value, "version": value, "entry": value, "error": value}
        arguments = {value: value, "list": [value], "source-path": value}
        return [
            make_run(
                arguments=arguments, rejects={value: 3}, figures={value: value, "inserted": value}, **common
            ),
            make_run("2026-01-15", **FAILED, id=value, arguments=arguments, rejects={value: 3}, error=value),
        ]

    html = render_report(runs(value), NOW, scope={"module": value})
    word = "x" * len(value)
    harmless = render_report(runs(word), NOW, scope={"module": word})
    assert Page(html).tags == Page(harmless).tags
    assert [name for name, _ in Page(html).attributes] == [name for name, _ in Page(harmless).attributes]
    assert all(character.isprintable() or character == "\n" for character in html)
    assert html.encode()
    assert "x" * 301 not in html


def test_the_page_needs_nothing_else(make_run: MakeRun) -> None:
    page = render(make_run("2026-01-15", figures=FIGURES), make_run(module="other"))
    links = [value for name, value in page.attributes if name in ("href", "src", "action", "data", "srcset")]
    assert links
    assert all(link and link.startswith("#") for link in links)
    assert not {"script", "img", "link", "iframe", "object", "embed", "base"} & {*page.tags}
    policy = ("content", "default-src 'none'; style-src 'unsafe-inline'")
    assert policy in page.attributes
    styles = " ".join(page.texts)
    assert not re.search(r"@import|url\((?!#)|@font-face", styles)


def test_secrets_are_hidden(make_run: MakeRun) -> None:
    remember_settings({"DB_POSTGRES_URL": "postgresql://user:hunter2hunter2@host/db"})
    error = "x" * 290 + " postgresql://user:hunter2hunter2@host/db and hunter2hunter2"
    page = render_report(
        [make_run(module="hunter2hunter2", error=error, arguments={"token": "t0psecret"})], NOW
    )
    assert "hunter2" not in page
    assert "t0psecret" not in page


def test_ten_thousand_runs_are_a_page_of_bounded_size(make_run: MakeRun) -> None:
    first = dt.date(2000, 1, 1)
    runs = [
        make_run(str(first + dt.timedelta(index)), day=index, figures=FIGURES, rejects={f"r{index}": 1})
        for index in range(10_000)
    ]
    html = render_report(runs, NOW, has_older=True)
    page = Page(html)
    assert len(html) < 250_000
    assert "Older runs are left out" in page.text
    assert "Records per year" in page.text
    assert "Duration, the median of 100 runs each 10,000 runs" in page.text
    assert "The last 100 of 10,000" in page.text
    assert "9,988 rarer reasons are left out" in page.text


def test_many_loads_are_a_page_of_bounded_size(make_run: MakeRun) -> None:
    runs = [make_run("2026-01-15", module=f"module_{index}", figures=FIGURES) for index in range(1_000)]
    page = render(*runs)
    assert page.tags.count("article") == 30
    assert "970 further combinations of module, environment and arguments" in page.text


def test_timestamps_at_the_ends_of_time_are_shown(make_run: MakeRun) -> None:
    runs = [
        make_run(
            "0001-01-01", started_at=dt.datetime.min.replace(tzinfo=dt.UTC), ended_at=None, figures=FIGURES
        ),
        make_run(
            "9999-12-31", started_at=dt.datetime.max.replace(tzinfo=dt.UTC), ended_at=None, figures=FIGURES
        ),
    ]
    page = render(*runs)
    assert "0001-01-01 00:00:00 to 9999-12-31 23:59:59" in page.text
    assert "3,652,057 without a run that loaded them" in page.text


def test_loads_that_never_loaded_anything_are_one_table_and_their_dates_are_not_missing(
    make_run: MakeRun,
) -> None:
    page = render(
        make_run("2026-01-15", figures=FIGURES),
        make_run(
            "2026-01-15", arguments={"source-path": "raww"}, error="no folder raww", status=RunStatus.FAILED
        ),
        make_run(
            "2026-01-18", arguments={"source-path": "evnts"}, figures={"lines": 0, "nothing_read": "no evnts"}
        ),
    )
    assert "dates missing 0 between" in page.text
    assert "platform backfill" not in page.text
    never = page.text.partition("Never loaded anything")[2].partition("Latest runs")[0]
    assert "source-path raww 1" in never
    assert "no folder raww" in never
    assert "no evnts" in never
