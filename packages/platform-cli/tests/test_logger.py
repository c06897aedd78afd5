import json
import os
import sys
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
import structlog

from platform_cli.logger import JsonLogger, PrettyLogger
from platform_cli.secrets import EnvSecrets, Layer
from platform_interfaces import ConfigurationError, LogEvent
from platform_interfaces.testing import LoggingContract


def secrets(**values: str) -> EnvSecrets:
    return EnvSecrets([Layer("the test", values)])


def as_event(line: Mapping[str, Any]) -> LogEvent:
    own = ("timestamp", "level", "event")
    fields = {
        name.removesuffix("_") if name.removesuffix("_") in own else name: value
        for name, value in line.items()
        if name not in own
    }
    return LogEvent(line["level"], line["event"], fields)


def json_lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


class TestJsonLogger(LoggingContract):
    @pytest.fixture
    def log(self) -> JsonLogger:
        return JsonLogger(secrets(LOG_LEVEL="DEBUG"))

    @pytest.fixture
    def events(self, capsys: pytest.CaptureFixture[str]) -> Callable[[], list[LogEvent]]:
        found: list[LogEvent] = []

        def events() -> list[LogEvent]:
            found.extend(as_event(line) for line in json_lines(capsys.readouterr().err))
            return found

        return events


def test_json_has_the_time_in_utc_then_level_event_and_fields(capsys: pytest.CaptureFixture[str]) -> None:
    JsonLogger(secrets()).info("Read file", file="a", lines=3)
    [line] = json_lines(capsys.readouterr().err)
    assert list(line) == ["timestamp", "level", "event", "file", "lines"]
    assert datetime.fromisoformat(line["timestamp"]).tzinfo == UTC


def test_json_keeps_numbers_and_shows_everything_else_as_text(capsys: pytest.CaptureFixture[str]) -> None:
    cycle: dict[str, Any] = {}
    cycle["self"] = cycle
    JsonLogger(secrets()).info(
        "m",
        big=12345678901234567890123,
        price=Decimal("0.10"),
        at=datetime(2026, 1, 15, tzinfo=UTC),
        raw=b"\xff",
        nan=float("nan"),
        keys={(1, 2): "x"},
        cycle=cycle,
        text="é\u2028\x9b\n",
    )
    text = capsys.readouterr().err
    line = json.loads(text)
    assert text.count("\n") == 1
    assert "\u2028" not in text
    assert "\x9b" not in text
    assert (line["big"], line["price"]) == (12345678901234567890123, "0.10")
    assert (line["at"], line["raw"], line["nan"]) == ("2026-01-15T00:00:00+00:00", "b'\\xff'", "nan")
    assert line["keys"] == "{(1, 2): 'x'}"
    assert line["cycle"] == "{'self': {...}}"
    assert line["text"] == "é\u2028\x9b\n"


def test_pretty_is_one_line_of_time_level_message_and_fields(capsys: pytest.CaptureFixture[str]) -> None:
    PrettyLogger(secrets()).bind(run="r1").warn("Bad line", reason="two words", line=3, empty="", on=True)
    line = capsys.readouterr().err
    assert line.partition(" ")[2] == "warn  Bad line reason='two words' line=3 empty='' on=True run=r1\n"


def test_pretty_shows_a_text_of_several_lines_below_its_event(capsys: pytest.CaptureFixture[str]) -> None:
    PrettyLogger(secrets()).error("Failed", query="SELECT 1\n  FROM t\n", code=7)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].endswith("error Failed code=7")
    assert lines[1:] == ["  | query:", "  | SELECT 1", "  |   FROM t"]


def test_pretty_lets_no_value_steer_the_terminal_or_pose_as_an_event(
    capsys: pytest.CaptureFixture[str],
) -> None:
    PrettyLogger(secrets()).info("m\x1b[2J", bad="\x1b]0;title\x07", forged="x\n2026 error Forged")
    text = capsys.readouterr().err
    assert "\x1b" not in text
    assert "\x07" not in text
    assert "\n  | 2026 error Forged" in text


@pytest.mark.parametrize(
    ("level", "shown"),
    [
        ("DEBUG", ["debug", "info", "warn", "error"]),
        ("info", ["info", "warn", "error"]),
        ("WARN", ["warn", "error"]),
        ("warning", ["warn", "error"]),
        ("ERROR", ["error"]),
    ],
)
def test_events_below_the_level_are_left_out(
    level: str, shown: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    log = JsonLogger(secrets(LOG_LEVEL=level))
    for each in ("debug", "info", "warn", "error"):
        getattr(log, each)(each)
    assert [line["event"] for line in json_lines(capsys.readouterr().err)] == shown


@pytest.mark.parametrize("logger", [JsonLogger, PrettyLogger])
def test_a_level_that_does_not_exist_is_refused(logger: type[JsonLogger]) -> None:
    with pytest.raises(ConfigurationError, match=r"LOG_LEVEL is 'DEBG': .*did you mean 'DEBUG'"):
        logger(secrets(LOG_LEVEL="DEBG"))


def test_pretty_shows_what_has_no_text_by_its_kind(capsys: pytest.CaptureFixture[str]) -> None:
    class Broken:
        def __repr__(self) -> str:
            raise RuntimeError("no text")

    PrettyLogger(secrets()).info("m", broken=Broken(), surrogate="\ud800", raw=b"\xff")
    assert capsys.readouterr().err.endswith("m broken=<Broken> surrogate='\\ud800' raw=b'\\xff'\n")


def test_threads_do_not_mix_their_lines(capsys: pytest.CaptureFixture[str]) -> None:
    log = JsonLogger(secrets())

    def write(name: str) -> None:
        for _ in range(50):
            log.info("m", name=name, text="x" * 500)

    threads = [threading.Thread(target=write, args=name) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(line["name"] for line in json_lines(capsys.readouterr().err)) == sorted("abcd" * 50)


class FullDisk(StringIO):
    def write(self, _text: str) -> int:
        raise OSError("No space left on device")


@pytest.mark.parametrize("logger", [JsonLogger, PrettyLogger])
def test_a_full_disk_or_a_closed_standard_error_does_not_stop_the_job(
    logger: type[JsonLogger], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stderr", FullDisk())
    log = logger(secrets())
    log.info("m")
    sys.stderr.close()
    log.info("m")


def test_structlogs_own_configuration_is_neither_used_nor_changed(capsys: pytest.CaptureFixture[str]) -> None:
    before = structlog.get_config()
    structlog.configure(processors=[])
    try:
        JsonLogger(secrets()).info("m")
        assert [line["event"] for line in json_lines(capsys.readouterr().err)] == ["m"]
        assert structlog.get_config()["processors"] == []
    finally:
        structlog.configure(**before)


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def test_pretty_is_coloured_on_a_terminal_unless_no_color_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    PrettyLogger(secrets()).info("m")
    assert "\x1b[32minfo" in terminal.getvalue()
    terminal.truncate(0)
    monkeypatch.setenv("NO_COLOR", "1")
    PrettyLogger(secrets()).info("m")
    assert "\x1b" not in terminal.getvalue()


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], tuple[PrettyLogger, Terminal]]:
    """Return a logger of a level on a terminal of 60 columns, and the terminal."""

    def short(level: str) -> tuple[PrettyLogger, Terminal]:
        terminal = Terminal()
        monkeypatch.setenv("NO_COLOR", "1")
        monkeypatch.setattr(terminal, "fileno", lambda: 2, raising=False)
        monkeypatch.setattr("os.get_terminal_size", lambda _: os.terminal_size((60, 20)))
        monkeypatch.setattr(sys, "stderr", terminal)
        return PrettyLogger(secrets(LOG_LEVEL=level)), terminal

    return short


Short = Callable[[str], tuple[PrettyLogger, Terminal]]


def test_on_a_terminal_a_line_of_info_takes_one_row_and_others_are_whole(short: Short) -> None:
    log, terminal = short("INFO")
    log.info("Read", file="a" * 20, lines=3)
    log.info("Read", file="a" * 20, next="b" * 20, lines=3)
    log.warn("Read", file="a" * 60)
    rows = [row[10:] for row in terminal.getvalue().splitlines()]
    assert rows == [
        f"info  Read file={'a' * 20} lines=3",
        f"info  Read file={'a' * 20} ...",
        f"warn  Read file={'a' * 60}",
    ]


def test_on_a_terminal_bound_fields_are_shown_where_they_change(short: Short) -> None:
    log, terminal = short("INFO")
    bound = log.bind(run_id="r1")
    for each in (bound, bound, log.bind(run_id="r2"), bound):
        each.info("m", x=1)
    assert [row[10:] for row in terminal.getvalue().splitlines()] == [
        "info  m x=1 run_id=r1",
        "info  m x=1",
        "info  m x=1 run_id=r2",
        "info  m x=1 run_id=r1",
    ]


def test_on_a_terminal_large_mappings_are_left_to_the_summary(short: Short) -> None:
    log, terminal = short("INFO")
    log.error("m", small={"a": 1}, large={str(number): number for number in range(50)})
    assert terminal.getvalue().endswith(
        " error m small=\"{'a': 1}\" large=...\n"
    ) or terminal.getvalue().endswith(" error m small={'a': 1} large=...\n")


def test_on_a_terminal_at_debug_all_is_shown(short: Short) -> None:
    log, terminal = short("DEBUG")
    for _ in range(2):
        log.bind(run_id="r1").info("Read", file="a" * 100)
    assert terminal.getvalue().count(f"Z info  Read file={'a' * 100} run_id=r1\n") == 2
    assert terminal.getvalue()[10] == "T"
