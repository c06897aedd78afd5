"""Progress of a run: rows of a terminal that change, or a line of the log now and then."""

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from platform_cli._masking import hide_secrets
from platform_cli.progress.meter import Meter, Reading
from platform_cli.run.options import RunOptions
from platform_cli.settings import Settings
from platform_interfaces import LoggingInterface, Run

REFRESH_SECONDS = 0.25
LOG_SECONDS = 10.0


@contextmanager
def show_progress(
    run: Run, find_log: Callable[[], LoggingInterface], settings: Settings, options: RunOptions
) -> Iterator[None]:
    """Return a block in which the progress of a run is shown, and ends with nothing of it left on a terminal.

    A thread of its own shows it: what the module does may keep the event loop busy.
    """
    meter = Meter(run.progress)
    if options.is_quiet:
        yield
    elif can_draw(settings):
        from platform_cli.progress.rows import ProgressRows

        rows = ProgressRows(run.module, sys.stderr)
        with draw_rows(lambda: rows.render(meter.read())):
            yield
    else:
        with _repeat(lambda: log_reading(find_log(), meter.read()), LOG_SECONDS):
            yield


def log_reading(log: LoggingInterface, reading: Reading) -> None:
    """Log how far a run has come, as far as its module reports that."""
    progress, share = reading.progress, reading.share
    fields: dict[str, Any] = {"seconds": round(reading.seconds)}
    if progress.records:
        fields |= {progress.unit: progress.records, "per_second": round(reading.per_second or 0)}
        fields["rejected"] = progress.rejected
    if progress.read_bytes:
        fields["read_bytes"] = progress.read_bytes
    if share is not None:
        fields |= {"total_bytes": progress.total_bytes, "percent": int(100 * share)}
    if reading.seconds_left is not None:
        fields["seconds_left"] = round(reading.seconds_left)
    if progress.current:
        fields["current"] = hide_secrets(progress.current)
    log.info("Progress", **fields)


def can_draw(settings: Settings) -> bool:
    """Return whether rows can be drawn: standard error is a terminal, and the log is for people."""
    stream: TextIO | None = sys.stderr
    is_for_people = settings.implementations["logging"].value == "pretty"
    has_rows = os.environ.get("TERM", "") not in ("", "dumb", "unknown")
    return is_for_people and has_rows and stream is not None and not stream.closed and stream.isatty()


@contextmanager
def draw_rows(render: Callable[[], str]) -> Iterator[None]:
    """Return a block in which what ``render`` returns is drawn on the terminal, and all else above it."""
    from platform_cli.progress.live_block import LiveBlock, write_above

    block = LiveBlock(sys.stderr, render)
    with write_above(block), _repeat(block.refresh, REFRESH_SECONDS):
        yield


@contextmanager
def _repeat(action: Callable[[], object], seconds: float) -> Iterator[None]:
    """Return a block during which a thread calls ``action`` each time that so many seconds have passed."""
    is_over = threading.Event()

    def work() -> None:
        while not is_over.wait(seconds):
            try:
                action()
            except Exception:  # noqa: BLE001 - a terminal that is gone, a logger that raises: the job matters more
                return

    thread = threading.Thread(target=work, name="progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()
