"""The whole suite is run by several processes at once; a part of it by one, unless ``-n`` says otherwise.

Tests that use a PostgreSQL server have the mark ``server``: ``make test-quick`` leaves them out. Those of the
template of adapters fail as they should: by what is to be written, and by nothing else.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

PROCESSES = 3
"""One more than the cores it has to do with: tests wait for servers, disks and other processes."""

ADAPTER_TEMPLATE = Path(__file__).with_name("packages") / "platform-cli/src/platform_cli/templates/adapter"
NOT_WRITTEN = pytest.RaisesExc(NotImplementedError, match="^[a-z][a-z_ ]+ is not written yet$")

FIXTURES_WITH_SERVER = {"embedded_dir", "postgres_server"}


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """Run the whole suite in several processes: ``pytest`` without paths, called in this folder."""
    _heed_signals()
    os.environ.pop("UV_RUN_RECURSION_DEPTH", None)  # commands that are advised would begin with "uv run"
    options = config.option
    is_whole = config.args_source is pytest.Config.ArgsSource.TESTPATHS
    # The processes come here, too, and so does what their tests start: none of these may start more.
    is_started_by_us = "PYTEST_XDIST_WORKER" in os.environ
    # A member tested alone has no pytest-xdist, and so not its options.
    is_open = getattr(options, "numprocesses", 0) is None and not options.usepdb
    if is_whole and is_open and not is_started_by_us:
        options.numprocesses, options.dist = PROCESSES, "worksteal"


def _heed_signals() -> None:
    """Let what tests start be stopped by signals: in the background of a script they begin as ignored."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)


@pytest.hookimpl(tryfirst=True)  # before those that ``-m`` deselects are chosen
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests whose fixtures start a server, and those of the template of adapters."""
    for item in items:
        if item.path.is_relative_to(ADAPTER_TEMPLATE):
            item.add_marker(pytest.mark.xfail(raises=NOT_WRITTEN, strict=False))
        if not FIXTURES_WITH_SERVER.isdisjoint(getattr(item, "fixturenames", ())):
            item.add_marker("server")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> None:
    """Show the last line alone of what is to be written: pytest would parse the suite again for each test."""
    failed = call.excinfo
    if failed and item.path.is_relative_to(ADAPTER_TEMPLATE) and NOT_WRITTEN.matches(failed.value):
        last = failed.tb
        while last.tb_next:
            last = last.tb_next
        call.excinfo = pytest.ExceptionInfo.from_exc_info((failed.type, failed.value, last))
