"""The end of a run, as people read it."""

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Platform = Callable[..., tuple[int, str, str]]
Module = Callable[..., Path]

LOADED = {
    "table": "events",
    "folder": "raw/2026-01-15",
    "rejects_file": "/rejects.jsonl",
    "lines": 1_234_567,
    "blank": 16,
    "raw": 1_234_551,
    "valid": 1_234_492,
    "invalid": 59,
    "invalid_by_reason": {"no_type": 59},
    "duplicates": 115,
    "unique": 1_234_377,
    "inserted": 1_231_567,
    "skipped": 2_810,
}
REJECTS = {"malformed_json": 40, "no_type": 11, "not_utf8": 8}
MODULE = """
    import asyncio, os, signal
    from platform_interfaces import DatabaseError, FailureKind, LockTimeoutError

    async def run(ctx):
        ctx.run.figures.update({figures})
        ctx.run.rejects.update({rejects})
        ctx.run.progress.seconds = {seconds}
        {ending}

    async def retry(ctx):
        return await run(ctx)
"""
ARGS = [
    {"name": "date", "type": "string", "required": True},
    {"name": "table", "type": "string", "default": "events"},
    {"name": "api-token", "type": "string"},
    {"name": "dry-run", "type": "boolean", "default": False},
    {"name": "wait", "type": "boolean", "default": True},
]
ON_DISK = ("--date", "2026-01-15")


@pytest.fixture
def finished(module: Module, raw_platform: Platform) -> Callable[..., str]:
    """Runs a module with these figures, rejects and ending, and returns its summary."""

    def finished(
        *args: str,
        figures: Any = LOADED,
        rejects: Any = REJECTS,
        ending: str = "return 0",
        entry: str = "run",
        seconds: float = 2.0,
    ) -> str:
        main = MODULE.format(figures=figures, rejects=rejects, ending=ending, seconds=seconds)
        module(main, args=ARGS, dependencies={"interfaces": ["filesystem", "logging"]})
        command = ["rejects", "retry"] if entry == "retry" else ["run"]
        _, out, _ = raw_platform(*command, "hello", *ON_DISK, *args)
        return re.sub(r"[\d,]+ lines/s|\d+ ms|\d+(\.\d+)? s\b|\b[0-9a-f]{32}\b", "#", out)

    return finished


Finished = Callable[..., str]


def test_a_summary_says_how_it_ended_where_it_went_and_where_every_line_is(
    finished: Finished, project: Path
) -> None:
    assert (
        finished("--env", "test", "--fs", "local")
        == f"""\
hello succeeded in #

  arguments    --date 2026-01-15
  environment  test
  table        events
  files        {project / "files"}
  run          #

    read         1,234,567   #
  = blank               16
  + rejected            59   malformed_json 40, no_type 11, not_utf8 8
  + duplicates         115   met before in this run
  + skipped          2,810   in the table before this run
  + inserted     1,231,567

  next
    platform rejects show raw/2026-01-15 --env test --fs local
    # edit /rejects.jsonl, or mend the rule, then
    platform rejects retry hello --date 2026-01-15 --env test --fs local
    platform query "SELECT * FROM events LIMIT 10" --env test
"""
    )


def test_a_module_without_an_account_has_its_figures_shown(finished: Finished) -> None:
    figures = {"greetings": 12_000, "rate": 0.5, "by_kind": {"a": 1}, "lines": 3}
    summary = finished(figures=figures, rejects={})
    block = summary.split("\n\n")[2]
    assert block.splitlines() == [
        "  greetings  12,000",
        "  rate       0.5",
        "  by_kind    {'a': 1}",
        "  lines      3",
    ]
    assert "next" not in summary


def test_rejects_of_a_module_without_an_account_are_shown(finished: Finished) -> None:
    assert "  rejected for malformed_json 40, no_type 11, not_utf8 8\n" in finished(figures={})


def test_other_figures_stand_below_the_account(finished: Finished) -> None:
    figures = {**LOADED, "created_after": "2026-11-28T08:51:02+00:00", "files": 3}
    assert "+ inserted     1,231,567\n  files  3\n" in finished(figures=figures)


@pytest.mark.parametrize("width", [60, 80])
def test_many_reasons_are_shortened_and_wrapped(
    finished: Finished, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    summary = finished(rejects={f"a_reason_of_line_{number:02}": 100 - number for number in range(12)})
    assert summary.count("a_reason_of_line_") == 6
    assert "6 other reasons 549" in summary
    assert max(len(line) for line in summary.splitlines() if "a_reason" in line) <= width


@pytest.mark.parametrize("level", ["WARN", "ERROR"])
def test_the_summary_is_shown_whatever_the_log_leaves_out(
    finished: Finished, level: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOG_LEVEL", level)
    assert finished().startswith("hello succeeded in #\n")


def test_a_quiet_run_has_its_summary_and_no_log(module: Module, raw_platform: Platform) -> None:
    module("async def run(ctx):\n    ctx.log.warn('W')\n    ctx.log.error('E')\n    return 0\n")
    code, out, err = raw_platform("run", "hello", "-q")
    assert (code, out.startswith("hello succeeded"), len(err.splitlines()), " error E" in err) == (
        0,
        True,
        1,
        True,
    )


def test_a_verbose_run_logs_details_though_the_environment_asks_for_less(
    module: Module, raw_platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOG_LEVEL", "ERROR")
    module("async def run(ctx):\n    ctx.log.debug('D')\n    return 0\n")
    for flag in ("-v", "--verbose"):
        assert " debug D" in raw_platform("run", "hello", flag)[2]
    assert " debug D" in raw_platform("run", "hello", "-v", "--secrets", "env")[2]


def test_flags_win_over_every_secret_store(
    module: Module, raw_platform: Platform, install: Callable[..., Path]
) -> None:
    install(
        "vault",
        {"platform.secrets": {"vault": "vault.store:Store"}},
        store="""
            from platform_interfaces import SecretsInterface

            class Store(SecretsInterface):
                sources = "the vault"

                def __init__(self, secrets): ...

                def get(self, key):
                    return {"LOG_LEVEL": "ERROR"}.get(key)
        """,
    )
    module("async def run(ctx):\n    ctx.log.debug('D')\n    return 0\n")
    assert " debug D" in raw_platform("run", "hello", "-v", "--secrets", "vault")[2]


def test_verbose_and_quiet_exclude_each_other(module: Module, raw_platform: Platform) -> None:
    module()
    code, out, err = raw_platform("run", "hello", "-v", "-q")
    assert (code, out) == (2, "")
    assert err == "error: options '--verbose' and '--quiet' exclude each other: give one of them\n"


def test_a_dry_run_says_that_nothing_was_written_and_how_to_run_it(finished: Finished) -> None:
    summary = finished("--dry-run", "--no-wait", figures={**LOADED, "inserted": 0, "skipped": 0})
    assert summary.startswith("hello succeeded in #\n  a dry run: nothing was written\n")
    assert "  + not written  1,234,377\n" in summary
    assert summary.endswith("\n  next\n    platform run hello --date 2026-01-15 --no-wait\n")


def test_after_an_interruption_it_says_what_is_stored_and_how_to_complete_it(finished: Finished) -> None:
    ending = "os.kill(os.getpid(), signal.SIGINT); await asyncio.Event().wait()"
    summary = finished("--table", "my events", "--no-auto-migrate", ending=ending)
    stored = "  at least 1,231,567 inserted rows are stored; the same command completes the run\n"
    assert summary.startswith(f"hello was interrupted after #\n{stored}")
    command = 'platform run hello --date 2026-01-15 --table "my events" --no-auto-migrate'
    assert summary.endswith(f"\n  next\n    {command}\n")


def test_after_an_interruption_rows_in_memory_are_not_claimed(finished: Finished) -> None:
    ending = "os.kill(os.getpid(), signal.SIGINT); await asyncio.Event().wait()"
    assert finished("--db", "memory", ending=ending).splitlines()[1] == "  its database has ended with it"


def test_an_interrupted_module_without_figures_claims_none(finished: Finished) -> None:
    ending = "os.kill(os.getpid(), signal.SIGTERM); await asyncio.Event().wait()"
    summary = finished(figures={}, rejects={}, ending=ending)
    assert summary.splitlines()[1] == "  what it has stored stays"


@pytest.mark.parametrize(
    ("ending", "why", "command"),
    [
        ("raise DatabaseError('no answer')", "(database_error)\n  no answer", "platform doctor --env test"),
        (
            "raise LockTimeoutError('x')",
            "(locked)\n  x",
            "platform run hello --date 2026-01-15 --env test",
        ),
        (
            "ctx.run.failures.append(FailureKind.REJECTS_NOT_SAVED); return 1",
            "(rejects_not_saved)\n",
            "platform run hello --date 2026-01-15 --env test",
        ),
        (
            "raise KeyError('x')",
            "failed: KeyError: 'x'",
            "platform run hello --date 2026-01-15 --env test --debug",
        ),
    ],
)
def test_a_failure_says_why_and_what_to_do(finished: Finished, ending: str, why: str, command: str) -> None:
    summary = finished("--env", "test", ending=ending, rejects={})
    assert summary.startswith("hello failed after #")
    assert why in summary
    assert summary.endswith(f"\n  next\n    {command}\n")


def test_who_did_not_want_to_wait_is_advised_to_wait(finished: Finished) -> None:
    summary = finished("--no-wait", ending="raise LockTimeoutError('x')", rejects={})
    assert summary.endswith("\n  next\n    platform run hello --date 2026-01-15\n")


def test_a_success_names_a_notable_share_of_rejected_lines(finished: Finished) -> None:
    summary = finished(figures=LOADED | {"invalid": 617_283})
    assert summary.startswith("hello succeeded in #, with 50% of the lines rejected\n")


@pytest.mark.parametrize(("rejects", "colour"), [({}, 32), ({"no_type": 1}, 33)], ids=["green", "yellow"])
def test_a_success_with_rejects_has_the_colour_of_a_warning(
    finished: Finished, monkeypatch: pytest.MonkeyPatch, rejects: dict[str, int], colour: int
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert f"\x1b[1;{colour}mhello succeeded" in finished(rejects=rejects)


def test_a_retry_is_called_one(finished: Finished) -> None:
    assert finished(entry="retry").startswith("retry of hello succeeded in #\n")


def test_a_refused_run_has_no_summary(module: Module, raw_platform: Platform) -> None:
    module(
        "from platform_interfaces import ConfigurationError\n\n"
        "async def run(ctx):\n    raise ConfigurationError('x')\n"
    )
    code, out, err = raw_platform("run", "hello")
    assert (code, out, err.splitlines()[1:]) == (2, "", ["error: x"])


def test_rejects_in_memory_are_not_offered(finished: Finished) -> None:
    assert "rejects" not in finished("--fs", "memory").partition("next")[2]


def test_rows_in_memory_are_not_offered(finished: Finished) -> None:
    assert "query" not in finished("--db", "memory")


def test_what_uv_has_started_is_started_by_uv(finished: Finished, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_RUN_RECURSION_DEPTH", "1")
    assert "    uv run platform rejects show raw/2026-01-15\n" in finished()


def test_a_summary_shows_no_secret_and_no_control_character(finished: Finished) -> None:
    figures = {
        "token": "canary-1",
        "na\x1b[2Jme": "va\x1b[2Jlue\n\nhello failed after 1 s",
        "url": "x://u:canary-2@h/",
    }
    ending = "raise LockTimeoutError('postgresql://u:canary-3@h/d')"
    summary = finished("--api-token", "canary-4", figures=figures, rejects={"a\x1bb": 1}, ending=ending)
    assert "canary" not in summary
    assert "\x1b" not in summary
    assert summary.count("\nhello failed") == 0


def test_a_summary_that_cannot_be_written_does_not_fail_the_run(
    module: Module, raw_platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise BrokenPipeError

    module()
    monkeypatch.setattr("click.echo", fail)
    assert raw_platform("run", "hello")[0] == 0


@pytest.mark.parametrize("reason", ["raw/evnts does not exist: did you mean raw/events?", ""])
def test_a_run_that_read_nothing_says_so_in_its_head_with_the_reason(finished: Finished, reason: str) -> None:
    figures = {name: 0 if isinstance(value, int) else value for name, value in LOADED.items()}
    figures |= {"nothing_read": reason} if reason else {}
    out = finished("--fs", "local", figures=figures, rejects={})
    head, why, *rest = out.splitlines()
    assert (head, why) == ("hello found nothing to load in #", f"  {reason or 'no line was read'}")
    assert "nothing_read" not in "".join(rest)


def test_a_rate_of_a_few_milliseconds_is_not_shown(finished: Finished) -> None:
    assert "    read         1,234,567\n" in finished(seconds=0.01)


@pytest.mark.parametrize("entry", ["run", "retry"])
def test_before_a_retry_comes_what_has_to_be_mended(finished: Finished, entry: str) -> None:
    note, command = finished("--fs", "local", entry=entry).partition("next")[2].splitlines()[2:4]
    assert note == "    # edit /rejects.jsonl, or mend the rule, then"
    assert command.startswith("    platform rejects retry hello --date 2026-01-15")
