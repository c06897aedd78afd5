"""``platform backfill``: the dates of a range, each in a process of its own."""

import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TextIO

import pytest

Platform = Callable[..., tuple[int, str, str]]
Module = Callable[..., Path]
Start = Callable[..., subprocess.Popen[str]]

DATE = {"name": "date", "type": "string", "required": True}
ARGUMENTS = [
    DATE,
    {"name": "whom", "type": "string", "default": "Ada"},
    {"name": "loud", "type": "boolean", "default": True},
    {"name": "times", "type": "float"},
]
RANGE = ("--from", "2026-01-01", "--to", "2026-01-03")
MAIN = """
    import os, signal, sys
    from platform_interfaces import ConfigurationError, FailureKind, PlatformError

    async def run(ctx):
        date = ctx.config["date"]
        print("not JSON")
        ctx.run.figures.update(lines=1000, inserted=999, invalid=1)
        {endings}
        return 0
"""


@pytest.fixture
def dated(module: Module, site: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Installs a module, also for the processes that are started; a day may end in a way of its own."""
    monkeypatch.setenv("PYTHONPATH", str(site), prepend=os.pathsep)

    def dated(endings: Mapping[int, str] = {}, check: str = "", **changes: Any) -> None:
        lines = [f'if date.endswith("0{day}"): {code}' for day, code in endings.items()]
        main = MAIN.replace("{endings}", "\n        ".join(lines))
        if check:
            main += f"\n    async def check_run(ctx):\n        {check}\n"
        module(main, args=ARGUMENTS, **changes)

    return dated


def dates_of(out: str) -> dict[str, Any]:
    """Return the dates of the JSON object, by date."""
    return {each["date"]: each for each in json.loads(out)["dates"]}


@pytest.mark.usefixtures("dated")
def test_each_date_is_a_row_of_the_table(platform: Platform, dated: Callable[..., None]) -> None:
    dated()
    code, out, err = platform("backfill", "hello", *RANGE, "--parallel", "2")
    assert code == 0, err
    head, *rows, blank, summary = out.splitlines()
    figures = ["read", "inserted", "skipped", "duplicates", "rejected"]
    assert head.split() == ["date", "status", *figures, "seconds", "run"]
    assert [row.split()[:5] for row in rows] == [
        [f"2026-01-0{day}", "succeeded", "1,000", "999", "1"] for day in (1, 2, 3)
    ]
    assert (blank, summary.partition(" in ")[0]) == ("", "3 dates: 3 succeeded")
    assert summary.endswith("2,997 rows inserted")
    assert err.count("Date succeeded date=2026-01-0") == 3


def test_a_run_has_the_arguments_and_flags_of_the_backfill(
    platform: Platform, dated: Callable[..., None]
) -> None:
    dated({2: "raise PlatformError(f'{dict(ctx.config)} {type(ctx.log).__name__}')"})
    code, out, _ = platform(
        *("backfill", "hello", "--json", "--from=2026-01-02", "--to=2026-01-02"),
        *("--whom=--B=c d", "--no-loud", "--times", "1e-7"),
    )
    [date] = dates_of(out).values()
    assert code == 1
    assert date["error"] == (
        "{'date': '2026-01-02', 'whom': '--B=c d', 'loud': False, 'times': 1e-07} JsonLogger"
    )


def test_a_date_that_fails_does_not_stop_the_others_and_its_problems_are_shown(
    platform: Platform, dated: Callable[..., None]
) -> None:
    dated({2: "ctx.log.warn('Careful', why='it is late'); raise PlatformError('no more paper')"})
    code, out, err = platform("backfill", "hello", *RANGE)
    assert code == 1
    assert "3 dates: 2 succeeded, 1 failed in " in out
    assert out.splitlines()[-2] == "  to run what is not done"
    [why] = [line for line in out.splitlines() if "no more paper" in line]
    assert why.startswith("2026-01-02 (run ")
    assert "warn  Careful why='it is late' date=2026-01-02" in err
    assert "error Date failed date=2026-01-02" in err


def test_dates_that_failed_for_the_same_cause_are_one_paragraph_and_the_command_to_copy_is_last(
    platform: Platform, dated: Callable[..., None]
) -> None:
    dated(
        dict.fromkeys((1, 2), "raise PlatformError(f'no file for {date}')")
        | {3: "ctx.run.figures['lines'] = 0"}
    )
    code, out, _ = platform("backfill", "hello", *RANGE, "--whom", "a b", "--parallel", "2", "--reverse")
    assert code == 1
    assert out.count("no file for") == 1
    assert "2 dates: platform_error: no file for DATE\n  2026-01-01 to 2026-01-02\n" in out
    assert "): nothing read: no line was read\n" in out
    assert "\n3 dates: 1 nothing read, 2 failed in " in out
    words = "--from 2026-01-01 --to 2026-01-03 --parallel 2 --reverse"
    assert out.endswith(f'    platform backfill hello {words} --whom "a b"\n')


def test_a_process_that_ends_in_any_other_way_has_failed(
    platform: Platform, dated: Callable[..., None]
) -> None:
    endings = {
        1: (
            "os.kill(os.getpid(), signal.SIGKILL)",
            "its process was killed by SIGKILL: was there enough memory?",
        ),
        2: ("print('last words', file=sys.stderr, flush=True); os._exit(7)", "exit code 7: last words"),
        3: ("return 3", "module 'hello' returned 3: its log says why"),
        4: ("raise ConfigurationError('it is Monday')", "it is Monday"),
        5: ("sys.stderr.write('x' * 3_000_000); return 1", "module 'hello' returned 1: its log says why"),
    }
    dated({day: code for day, (code, _) in endings.items()})
    code, out, _ = platform("backfill", "hello", "--from=2026-01-01", "--to=2026-01-06", "--json")
    *failed, last = json.loads(out)["dates"]
    assert (code, last["status"]) == (1, "succeeded")
    assert {each["status"] for each in failed} == {"failed"}
    for each, (_, error) in zip(failed, endings.values(), strict=True):
        assert error in each["error"]


def test_the_result_is_one_object_of_a_documented_shape(
    platform: Platform, dated: Callable[..., None]
) -> None:
    dated()
    code, out, _ = platform("backfill", "hello", *RANGE, "--reverse", "--json", "--parallel", "2")
    result = json.loads(out)
    assert code == 0
    assert list(result) == [
        *("version", "module", "status", "dry_run", "seconds", "stopped", "totals", "dates"),
    ]
    assert (result["version"], result["module"], result["status"]) == (1, "hello", "succeeded")
    totals = {"dates": 3, "succeeded": 3, "failed": 0, "interrupted": 0, "not_run": 0, "not_due": 0}
    figures = {"read": 3000, "inserted": 2997, "skipped": 0, "duplicates": 0, "rejected": 3}
    assert result["totals"] == totals | figures
    assert [each["date"] for each in result["dates"]] == ["2026-01-03", "2026-01-02", "2026-01-01"]
    assert {tuple(each) for each in result["dates"]} == {
        (*("date", "is_due", "reason", "status", "run_id", "seconds", "figures", "failure_kind", "error"),)
    }
    assert len({each["run_id"] for each in result["dates"]}) == 3


def test_a_dry_run_shows_the_plan_and_runs_nothing(platform: Platform, dated: Callable[..., None]) -> None:
    dated(check="raise ConfigurationError('not even checked')")
    code, out, err = platform("backfill", "hello", *RANGE, "--dry-run")
    assert code == 0, err
    assert [line.split() for line in out.splitlines()] == [
        ["date", "plan", "why"],
        *([f"2026-01-0{day}", "run", "no", "run"] for day in (1, 2, 3)),
        [],
        ["3", "dates", "would", "run,", "0", "would", "not"],
    ]


def test_arguments_that_the_module_refuses_start_no_date(
    platform: Platform, dated: Callable[..., None]
) -> None:
    dated(check="raise ConfigurationError(f'{ctx.config[\"date\"]}: --whom is unknown')")
    code, out, err = platform("backfill", "hello", *RANGE)
    assert (code, out) == (2, "")
    assert err.endswith("error: 2026-01-01: --whom is unknown\n")


def test_a_check_that_fails_for_the_first_date_stops_no_other(
    platform: Platform, dated: Callable[..., None]
) -> None:
    dated(check="if ctx.config['date'].endswith('1'): raise PlatformError('no input')")
    code, out, _ = platform("backfill", "hello", "--from=2026-01-01", "--to=2026-01-02", "--json")
    assert code == 1
    assert [each["status"] for each in dates_of(out).values()] == ["failed", "succeeded"]


def test_after_three_dates_in_a_row_with_a_failure_that_all_share_no_other_is_started(
    platform: Platform, dated: Callable[..., None], tmp_path: Path
) -> None:
    # The check of the first date passes, and removes what all of them need.
    (tmp_path / "needed").touch()
    remove = f"try: os.remove({str(tmp_path / 'needed')!r})"
    dated(check=f"{remove}\n        except OSError: raise ConfigurationError('gone')")
    code, out, _ = platform("backfill", "hello", "--from=2026-01-01", "--to=2026-01-05")
    assert code == 1
    assert "5 dates: 3 failed, 2 not run in " in out
    assert "3 dates in a row failed with configuration: no other date was started" in out


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (
            "--from 2026-01-02 --to 2026-01-01",
            "--from 2026-01-02 is after --to 2026-01-01: give the earlier date as --from",
        ),
        (
            "--from 2026-02-30 --to x",
            (
                "invalid value for '--from': '2026-02-30' is not a date: day is out of range for month\n"
                "error: invalid value for '--to': 'x' is not a date: give YYYY-MM-DD, such as 2026-01-31"
            ),
        ),
        (
            "--from 2026-01-01 --to 2026-01-02 --parallel 0",
            "invalid value for '--parallel': 0 is not at least 1",
        ),
        (
            "--from 2026-01-01 --to 2026-01-02 --all --failed-only",
            "options '--all' and '--failed-only' exclude each other: give one of them",
        ),
        ("--to 2026-01-02 --from", "option '--from' needs a value"),
        ("--from 2026-01-01 --to 2026-01-02 --date 2026-01-01", "unknown option '--date'"),
    ],
)
def test_a_command_line_with_invalid_values_is_refused(
    platform: Platform, dated: Callable[..., None], words: str, error: str
) -> None:
    dated()
    code, out, err = platform("backfill", "hello", *words.split())
    assert (code, out) == (2, "")
    assert err.startswith(f"error: {error}")


def test_a_module_without_a_date_is_not_listed_and_is_refused(platform: Platform, module: Module) -> None:
    module(args=[])
    assert "hello" not in platform("backfill", "--help")[1]
    code, _, err = platform("backfill", "hello", *RANGE)
    assert (code, err) == (
        2,
        (
            "error: module 'hello' cannot be backfilled: "
            "its module.json has no argument 'date' of the type string\n"
        ),
    )


def test_a_module_with_an_argument_of_the_name_of_an_option_is_refused(
    platform: Platform, module: Module
) -> None:
    module(args=[DATE, {"name": "parallel", "type": "integer"}])
    assert "its argument 'parallel' has the name of an option" in platform("backfill", "hello", *RANGE)[2]


def test_a_module_that_cannot_be_read_is_listed_with_why(platform: Platform, module: Module) -> None:
    module(type="service")
    assert "cannot be run:" in platform("backfill", "--help")[1]


Waiting = Callable[..., tuple[subprocess.Popen[str], TextIO]]
WAITING = """
    import asyncio, os, time

    async def run(ctx):
        pipe = open({pipe!r}, "w", buffering=1)
        print("started", ctx.config["date"], file=pipe)

        async def undo():
            print("undone", ctx.config["date"], file=pipe)

        ctx.lifecycle.on_shutdown(undo)
        {wait}
"""
BACKFILL = ("-m", "platform_cli", "backfill", "hello", *RANGE, "--parallel", "2")


@pytest.fixture
def waiting(module: Module, start: Start, tmp_path: Path) -> Iterator[Waiting]:
    """Starts a backfill; returns it when two dates run, and the pipe that they write to until they end."""
    opened = ExitStack()

    def waiting(
        wait: str = "await asyncio.Event().wait()", command: tuple[str, ...] = BACKFILL
    ) -> tuple[subprocess.Popen[str], TextIO]:
        pipe = tmp_path / "pipe"
        os.mkfifo(pipe)
        module(WAITING.replace("{pipe!r}", repr(str(pipe))).replace("{wait}", wait), args=[DATE])
        process = start(*command)
        lines = opened.enter_context(pipe.open())
        assert sorted([lines.readline(), lines.readline()]) == [
            "started 2026-01-01\n",
            "started 2026-01-02\n",
        ]
        return process, lines

    with opened:
        yield waiting


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_dates_that_run_cleanly_and_starts_no_other(
    waiting: Waiting, number: signal.Signals, code: int
) -> None:
    process, lines = waiting()
    process.send_signal(number)
    out, err = process.communicate()
    assert process.returncode == code, err
    assert sorted(lines.read().splitlines()) == ["undone 2026-01-01", "undone 2026-01-02"]
    assert [line.split()[1] for line in out.splitlines()[1:4]] == ["interrupted", "interrupted", "not"]
    assert "3 dates: 2 interrupted, 1 not run in " in out
    assert out.splitlines()[-2] == "  to run what is not done"


def test_when_the_backfill_is_killed_its_dates_end_cleanly(waiting: Waiting) -> None:
    process, lines = waiting()
    process.kill()
    assert sorted(lines.read().splitlines()) == ["undone 2026-01-01", "undone 2026-01-02"]


def test_a_date_that_does_not_end_after_a_signal_is_killed_within_the_limit(waiting: Waiting) -> None:
    limited = (
        "from platform_cli import __main__; from platform_cli.backfill import child; "
        "child.STOP_SECONDS = 0.01; exit(__main__.main())"
    )
    process, lines = waiting("time.sleep(1000)", ("-c", limited, *BACKFILL[2:]))
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate()
    assert (process.returncode, lines.read()) == (143, "")
    assert "its process did not end within 0.01 s after a signal, and was killed" in out
