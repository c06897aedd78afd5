"""The report of runs in a real browser: on a phone and on a desktop, light and dark."""

import datetime as dt
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from platform_cli.history.record import RunRecord, RunStatus
from platform_cli.report import render_report
from tests.helpers.browser import NAMES, Page, find_browser, open_browser

WIDTHS = {"phone": 390, "desktop": 1440}
HOSTILE = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>\u202e" + "x" * 10_000

# The texts whose contrast to what is behind them is below 4.5, which WCAG's level AA asks for.
CONTRASTS = """
[...document.querySelectorAll("h1, h2, p, li, b, code, span, td, th, dd, small, summary, text")].map(node => {
  const rgb = text => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(c => c / 255)
    .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  let behind = node;
  while (behind && (rgb(getComputedStyle(behind).backgroundColor)[3] ?? 1) < 1) behind = behind.parentElement;
  const {fill, color} = getComputedStyle(node);
  const colours = [node instanceof SVGElement ? fill : color, getComputedStyle(behind).backgroundColor];
  const [dark, bright] = colours.map(rgb).map(light).sort((a, b) => a - b);
  return [(bright + 0.05) / (dark + 0.05), node.textContent.slice(0, 40)];
}).filter(([ratio]) => ratio < 4.5)
"""
# Labels of a chart that leave the window, or that lie on one another.
BAD_LABELS = """
[...document.querySelectorAll("svg.chart")].flatMap(chart => {
  const labels = [...chart.querySelectorAll("text")]
    .map(text => [text.textContent, text.getBoundingClientRect()])
    .filter(([, box]) => box.width);
  return labels.filter(([, box], index) =>
    box.left < 0 || box.right > innerWidth || labels.slice(0, index).some(([, other]) =>
      box.left < other.right && other.left < box.right && box.top < other.bottom && other.top < box.bottom)
  ).map(([text]) => text);
})
"""
# Columns and points that are drawn outside of their chart.
STRAYS = """
[...document.querySelectorAll("svg.chart")].flatMap(chart => {
  const frame = chart.getBoundingClientRect();
  return [...chart.querySelectorAll("rect, circle, polyline")].map(shape => shape.getBoundingClientRect())
    .filter(box => box.left < frame.left - 4 || box.right > frame.right + 4
      || box.top < frame.top - 4 || box.bottom > frame.bottom + 4);
}).length
"""


def make_run(date: dt.date, number: int, **changes: Any) -> RunRecord:
    start = dt.datetime.combine(date, dt.time(6, tzinfo=dt.UTC)) + dt.timedelta(days=1)
    values: dict[str, Any] = {
        "id": f"{number:032x}",
        "module": "batch_etl",
        "version": "1.0.0",
        "entry": "run",
        "arguments": {"date": str(date), "source-path": "raw/events", "target-table": "cleaned_events"},
        "environment": "local",
        "adapters": {"database": "embedded", "filesystem": "local"},
        "host": "host",
        "user": "user",
        "process_id": 1,
        "started_at": start,
        "ended_at": start + dt.timedelta(seconds=2 + number % 7),
        "status": RunStatus.SUCCEEDED,
        "exit_code": 0,
        "failure_kind": "",
        "error": "",
        "figures": {"inserted": 2_000 + number * 37 % 900, "skipped": number % 3 * 400, "duplicates": 90},
        "rejects": {"missing_source": 20 + number % 5, "malformed_json": number % 4},
    }
    return RunRecord(**values | changes)


def two_months() -> list[RunRecord]:
    """Return the runs of two months, in which two dates failed and two have no run."""
    first = dt.date(2026, 1, 1)
    days = [number for number in range(60) if number not in (8, 40)]
    runs = [make_run(first + dt.timedelta(number), number) for number in days if number not in (9, 20)]
    failed = {
        "status": RunStatus.FAILED,
        "exit_code": 1,
        "error": "the disk is full: /data/lake; free some space",
    }
    return [*runs, *(make_run(first + dt.timedelta(number), number, **failed) for number in (9, 20))]


def hostile() -> list[RunRecord]:
    """Return runs all of whose texts would like to be more than text."""
    arguments = {HOSTILE: HOSTILE, "source-path": HOSTILE, "date": "2026-01-02"}
    texts = {"module": HOSTILE, "environment": HOSTILE, "error": HOSTILE, "id": HOSTILE, "version": HOSTILE}
    figures = {"inserted": 10**300, "skipped": HOSTILE}
    return [
        make_run(dt.date(2026, 1, 2), 1, **texts, arguments=arguments, figures=figures, rejects={HOSTILE: 9}),
        make_run(dt.date(1, 1, 1), 2, started_at=dt.datetime(2026, 1, 1, tzinfo=dt.UTC)),
        make_run(dt.date(2026, 1, 1), 3),
    ]


RUNS = {
    "two months": two_months(),
    "hostile values": hostile(),
    "one run": two_months()[:1],
    "many modules": [make_run(dt.date(2026, 1, 1), 1, module=f"module_{index}") for index in range(100)],
    "no run": [],
}


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """Yield the page of a browser; skip where the machine has none, unless it is to check everything."""
    executable = find_browser()
    if not executable:
        missing = f"there is no browser: none of {', '.join(NAMES)} is on the PATH"
        if "CI" in os.environ:
            pytest.fail(missing)
        pytest.skip(missing)
    with open_browser(executable, tmp_path_factory.mktemp("browser")) as page:
        yield page


def open_report(browser: Page, file: Path, runs: list[RunRecord], width: int, scheme: str) -> None:
    file.write_text(render_report(runs, dt.datetime(2026, 3, 2, tzinfo=dt.UTC)), encoding="utf-8")
    mobile = width == WIDTHS["phone"]
    browser.call(
        "Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=mobile
    )
    scheme_feature = {"name": "prefers-color-scheme", "value": scheme}
    browser.call("Emulation.setEmulatedMedia", media="screen", features=[scheme_feature])
    browser.open(file)


@pytest.mark.parametrize("name", RUNS)
@pytest.mark.parametrize("device", WIDTHS)
def test_a_page_fits_the_window_and_asks_for_nothing(
    browser: Page, tmp_path: Path, name: str, device: str
) -> None:
    file = tmp_path / "report.html"
    open_report(browser, file, RUNS[name], WIDTHS[device], "light")
    assert browser.evaluate("document.documentElement.scrollWidth") == WIDTHS[device]
    assert browser.evaluate("document.scripts.length") == 0
    assert browser.find("Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown") == []
    assert browser.find("Page.javascriptDialogOpening") == []
    requests = [each["request"]["url"] for each in browser.find("Network.requestWillBeSent")]
    assert requests == [file.as_uri()]
    assert browser.evaluate(BAD_LABELS) == []
    assert browser.evaluate(STRAYS) == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("device", WIDTHS)
def test_every_text_stands_out_from_what_is_behind_it(
    browser: Page, tmp_path: Path, device: str, scheme: str
) -> None:
    open_report(browser, tmp_path / "report.html", RUNS["two months"], WIDTHS[device], scheme)
    is_dark = browser.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    assert is_dark == (scheme == "dark")
    assert browser.evaluate(CONTRASTS) == []


def test_a_script_in_the_page_would_not_run(browser: Page, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    open_report(browser, file, [], WIDTHS["desktop"], "light")
    html = file.read_text(encoding="utf-8")
    file.write_text(
        html.replace("<main>", "<main><script>document.title = 'changed'</script>"), encoding="utf-8"
    )
    browser.open(file)
    assert browser.evaluate("document.title") == "Runs"
    [entry] = browser.find("Log.entryAdded")
    assert "Content Security Policy" in entry["entry"]["text"]
