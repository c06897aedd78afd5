"""The history of runs: a row for each, however it ends, and never a reason to fail."""

import json
import signal
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from platform_cli.history import recorder
from platform_cli.history.record import RunRecord, RunStatus
from platform_cli.history.rivals import name_rivals
from platform_cli.history.runs_table import _COLUMNS, find_runs, lock_name, save_run
from platform_interfaces import FailureKind, Run
from platform_memory import MemoryDatabase

Platform = Callable[..., tuple[int, str, str]]
Module = Callable[..., Path]
Install = Callable[..., Path]

USES = {"interfaces": ["database", "logging"]}
ARGS = [
    {"name": "date", "type": "string"},
    {"name": "api-token", "type": "string"},
    {"name": "dry-run", "type": "boolean", "default": False},
]
RUN = """
    import asyncio
    import os
    import signal

    from platform_interfaces import ConfigurationError, FailureKind, LockTimeoutError


    async def fail():
        raise RuntimeError("cannot let go")


    async def run(ctx):
        ctx.run.figures.update(inserted=2, names=["a", "b"])
        ctx.run.rejects["not_utf8"] = 3
        {}


    async def retry(ctx):
        return 0
"""


pytestmark = pytest.mark.usefixtures("lasting")


@pytest.fixture
def hello(module: Module) -> Callable[..., None]:
    """Install a module whose run ends with ``ending``."""

    def hello(ending: str = "return 0", **changes: Any) -> None:
        module(RUN.replace("{}", ending), **{"dependencies": USES, "args": ARGS} | changes)

    return hello


def recorded(platform: Platform) -> list[dict[str, Any]]:
    code, out, _ = platform("runs", "--json")
    assert code == 0
    found: dict[str, Any] = json.loads(out)
    assert found.pop("version") == 1
    runs: list[dict[str, Any]] = found.pop("runs")
    assert not found
    return runs


def test_a_run_is_recorded_with_all_that_it_was(hello: Callable[..., None], platform: Platform) -> None:
    hello()
    code, _, err = platform("run", "hello", "--date", "2026-01-15", "--api-token", "canary")
    [run] = recorded(platform)
    assert (code, err.count("not in the history")) == (0, 0)
    assert len(run.pop("id")) == 32
    assert run.pop("host")
    assert run.pop("user")
    assert run.pop("process_id")
    assert run.pop("started_at") < run.pop("ended_at")
    assert run.pop("seconds") > 0
    assert run == {
        "module": "hello",
        "version": "1.0.0",
        "entry": "run",
        "arguments": {"date": "2026-01-15", "api-token": "***", "dry-run": False},
        "environment": "local",
        "adapters": {
            "database": "lasting",
            "filesystem": "local",
            "logging": "pretty",
            "secrets": "env",
            "executor": "inline",
        },
        "status": "succeeded",
        "exit_code": 0,
        "failure_kind": "",
        "error": "",
        "figures": {"inserted": 2, "names": ["a", "b"]},
        "rejects": {"not_utf8": 3},
        "undone": {},
    }


@pytest.mark.parametrize(
    ("ending", "expected"),
    [
        ("return 1", ("failed", 1, "module_error", "module 'hello' returned 1: its log says why")),
        (
            "ctx.run.failures.append(FailureKind.NO_INPUT); return 1",
            ("failed", 1, "no_input", "module 'hello' returned 1: its log says why"),
        ),
        ("raise ConfigurationError('no such day')", ("failed", 2, "configuration", "no such day")),
        (
            "raise RuntimeError('password=canary')",
            ("failed", 1, "module_error", "module 'hello' failed: RuntimeError: password=***"),
        ),
        (
            "ctx.lifecycle.on_shutdown(fail); return 0",
            ("failed", 1, "shutdown_failed", "shutdown failed: module 'hello' failed: RuntimeError: cannot"),
        ),
        (
            "os.kill(os.getpid(), signal.SIGINT); await asyncio.Event().wait()",
            ("interrupted", 130, "interrupted", ""),
        ),
        (
            "os.kill(os.getpid(), signal.SIGTERM); await asyncio.Event().wait()",
            ("interrupted", 143, "interrupted", ""),
        ),
    ],
)
def test_however_a_run_ends_the_history_says_so(
    hello: Callable[..., None], platform: Platform, ending: str, expected: tuple[str, int, str, str]
) -> None:
    hello(ending)
    code, _, _ = platform("run", "hello")
    [run] = recorded(platform)
    status, exit_code, kind, error = expected
    assert (code, run["status"], run["exit_code"], run["failure_kind"]) == (exit_code, status, code, kind)
    assert run["error"].startswith(error)
    assert run["figures"]["inserted"] == 2


def test_a_run_that_its_check_fails_is_recorded_and_one_that_is_refused_is_not(
    module: Module, platform: Platform
) -> None:
    main = """
        from platform_interfaces import ConfigurationError, FileMissingError

        async def check_run(ctx):
            raise FileMissingError("no data")

        async def check_retry(ctx):
            raise ConfigurationError("no such day")

        async def run(ctx):
            return 0

        retry = run
    """
    module(main, dependencies=USES)
    assert platform("migrate", "up")[0] == 0
    assert platform("run", "hello")[0] == 1
    assert platform("rejects", "retry", "hello")[0] == 2
    assert [(run["status"], run["error"]) for run in recorded(platform)] == [("failed", "no data")]


def test_a_run_that_ends_before_migrations_were_applied_does_not_complain_of_the_table(
    module: Module, platform: Platform
) -> None:
    module(
        "async def check_run(ctx):\n    return 1\n\nasync def run(ctx):\n    return 0\n", dependencies=USES
    )
    code, _, err = platform("run", "hello")
    assert (code, "not in the history" in err) == (1, False)
    assert recorded(platform) == []


def test_a_dry_run_is_not_recorded(hello: Callable[..., None], platform: Platform) -> None:
    hello()
    assert platform("run", "hello", "--dry-run")[0] == 0
    assert recorded(platform) == []


def test_a_retry_is_recorded_as_one(hello: Callable[..., None], platform: Platform) -> None:
    hello()
    assert platform("rejects", "retry", "hello")[0] == 0
    assert [run["entry"] for run in recorded(platform)] == ["retry"]
    assert "hello (retry)" in platform("runs")[1]


@pytest.mark.parametrize("interfaces", [["database", "logging"], ["logging"]], ids=["uses it", "does not"])
def test_two_runs_are_two_rows_the_newest_first(
    hello: Callable[..., None], platform: Platform, interfaces: list[str]
) -> None:
    hello(dependencies={"interfaces": interfaces})
    for date in ("2026-01-15", "2026-01-16"):
        assert platform("run", "hello", "--date", date)[0] == 0
    assert [run["arguments"]["date"] for run in recorded(platform)] == ["2026-01-16", "2026-01-15"]


@pytest.mark.parametrize("name", ["unreachable", "missing"])
def test_where_a_database_was_chosen_that_cannot_be_opened_the_run_of_a_module_without_one_warns(
    hello: Callable[..., None], platform: Platform, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    hello(dependencies={"interfaces": ["logging"]})
    code, _, err = platform("run", "hello", "--db", name)
    assert (code, err.count("warn  The run is not in the history reason=")) == (0, 1)


def test_where_no_database_was_chosen_a_module_without_one_makes_none(
    hello: Callable[..., None], platform: Platform, monkeypatch: pytest.MonkeyPatch, project: Path
) -> None:
    monkeypatch.delenv("PLATFORM_DB")
    monkeypatch.setenv("LOG_LEVEL", "DEBUG")
    hello(dependencies={"interfaces": ["logging"]})
    code, _, err = platform("run", "hello")
    assert (code, "debug The run is not in the history" in err, "warn " in err) == (0, True, False)
    assert not (project / ".platform").exists()


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("denied", "'permission denied for table _runs'"),
        ("hangs", "'the database did not answer within 0.05 s'"),
    ],
)
@pytest.mark.parametrize("ending", ["return 0", "return 1"])
def test_a_history_that_cannot_be_written_is_warned_of_once_and_changes_no_exit_code(
    hello: Callable[..., None],
    platform: Platform,
    monkeypatch: pytest.MonkeyPatch,
    fault: str,
    reason: str,
    ending: str,
) -> None:
    monkeypatch.setattr(recorder, "WRITE_SECONDS", 0.05)
    hello(ending)
    monkeypatch.setenv("FAULT", fault)
    code, _, err = platform("run", "hello")
    assert code == int(ending[-1])
    assert err.count(f"warn  The run is not in the history reason={reason}") == 1


def test_a_missing_table_is_warned_of_with_the_command_that_makes_it(
    hello: Callable[..., None], platform: Platform, monkeypatch: pytest.MonkeyPatch, project: Path
) -> None:
    (project / "own").mkdir()
    monkeypatch.setenv("MIGRATIONS_DIR", "own")
    hello()
    code, _, err = platform("run", "hello")
    assert code == 0
    assert "table '_runs' does not exist: apply the platform's migrations with 'platform migrate up'" in err
    assert platform("runs") == (0, "no run is recorded yet: start one with 'platform run MODULE'\n", "")


@pytest.mark.parametrize("fault", ["lost once", "lost 3 times", "no lock"])
def test_a_lost_connection_loses_no_row(
    hello: Callable[..., None], platform: Platform, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    hello()
    assert platform("migrate", "up")[0] == 0
    monkeypatch.setenv("FAULT", fault)
    code, _, err = platform("run", "hello")
    assert (code, "not in the history" in err) == (0, False)
    assert [run["status"] for run in recorded(platform)] == ["succeeded"]


@pytest.mark.parametrize(
    ("figures", "stored"),
    [
        ({"text": "a\0b", "key\0": [{"x": "\ud800"}]}, {"text": "a\\x00b", "key\\x00": [{"x": "\\ud800"}]}),
        ({"large": "x" * 100_000, "small": 1}, {"small": 1}),
        ({"a": "x" * 30_000, "b": "y" * 40_000, "small": 1}, {"a": "x" * 30_000, "small": 1}),
        ({"token": "canary", "password=canary": 1}, {"token": "***", "password=***": 1}),
    ],
    ids=["not storable", "large", "large together", "secret"],
)
def test_figures_that_no_database_can_or_should_have_are_changed(
    hello: Callable[..., None], platform: Platform, figures: dict[str, Any], stored: dict[str, Any]
) -> None:
    hello(f"ctx.run.figures.clear(); ctx.run.figures.update({figures!r}); return 0")
    assert platform("run", "hello")[0] == 0
    [run] = recorded(platform)
    assert (run["status"], run["figures"]) == ("succeeded", stored)


def test_figures_are_in_the_history_as_soon_as_the_module_saves_them(
    hello: Callable[..., None], platform: Platform
) -> None:
    hello(
        """
        await ctx.run.save_figures()
        row = await ctx.db.fetch_one("SELECT status, figures FROM _runs")
        print(row["status"], row["figures"]["inserted"])
        return 0
    """.strip()
    )
    assert platform("run", "hello")[1] == "running 2\n"


@pytest.mark.parametrize("value", ["float('nan')", "{1, 2}", "ctx.run.figures", "'x' * 100_000", "nest(600)"])
def test_a_figure_that_cannot_be_stored_keeps_no_other_from_it(
    hello: Callable[..., None], platform: Platform, value: str
) -> None:
    hello(
        f"""
        def nest(levels):
            return [nest(levels - 1)] if levels else 1
        ctx.run.figures["odd"] = {value}
        ctx.run.rejects["odd"] = "many"
        await ctx.run.save_figures()
        row = await ctx.db.fetch_one("SELECT figures FROM _runs")
        print(row["figures"]["inserted"], row["figures"]["names"])
        return 0
    """.strip()
    )
    assert platform("run", "hello")[1] == "2 ['a', 'b']\n"
    [run] = recorded(platform)
    assert (run["figures"]["inserted"], run["rejects"]) == (2, {"not_utf8": 3})


def test_a_run_goes_on_as_long_as_its_lock_is_held(hello: Callable[..., None], platform: Platform) -> None:
    hello(
        """
        from platform_cli.history.runs_table import _COLUMNS, find_runs, lock_name

        print([run.status.value for run in await find_runs(ctx.db)])
        await ctx.db.execute("UPDATE _runs SET id = 'dead'")
        print([run.status.value for run in await find_runs(ctx.db)])
        return 0
    """.strip()
    )
    assert platform("run", "hello")[1] == "['running']\n['interrupted']\n"


def test_handlers_and_locks_are_free_when_the_run_has_ended(
    hello: Callable[..., None], platform: Platform
) -> None:
    before = signal.getsignal(signal.SIGINT)
    hello("os.kill(os.getpid(), signal.SIGINT); await asyncio.Event().wait()")
    assert platform("run", "hello")[0] == 130
    assert signal.getsignal(signal.SIGINT) is before
    assert {each.value for each in FailureKind} > {run["failure_kind"] for run in recorded(platform)}


async def test_the_runs_of_some_dates_are_found_and_no_others_are_read(
    make_run: Callable[..., RunRecord],
) -> None:
    dates = ("2026-01-14", "2026-01-15", "2026-01-16", "")
    async with MemoryDatabase() as db:
        await import_module("platform_migrate.versions.005_create_runs_table").up(db)
        for day, date in enumerate(dates):
            await save_run(db, make_run(date, day=day))
            await save_run(db, make_run(date, day=day, module="other"))
        asked = ["2026-01-14", "2026-01-15", "2026-01-17"]
        found = await find_runs(db, module="hello", dates=asked)
    assert [run.arguments["date"] for run in found] == ["2026-01-15", "2026-01-14"]


async def test_a_run_that_finds_its_date_locked_names_the_one_that_has_it(
    make_run: Callable[..., RunRecord],
) -> None:
    running = {"status": RunStatus.RUNNING, "ended_at": None, "exit_code": None}
    async with MemoryDatabase() as db:
        await import_module("platform_migrate.versions.005_create_runs_table").up(db)
        mine, other, dead = (make_run("2026-01-15", host=name, **running) for name in ("me", "there", "gone"))
        for record in (mine, other, dead, make_run("2026-01-16", **running), make_run("2026-01-15")):
            await save_run(db, record)
        run = Run(module="hello", version="1", arguments={"date": "2026-01-15"}, id=mine.id)
        async with db.lock(lock_name(mine.id), timeout=0), db.lock(lock_name(other.id), timeout=0):
            assert await name_rivals(db, run) == f"{other.short_id} on there since 2026-01-20 06:00 UTC"
        assert await name_rivals(db, run) == ""


OTHER = "ab" * 16
COPIED = ", ".join(name for name in _COLUMNS if name != "id")
LOCKED_OUT = f"""
        await ctx.db.execute("INSERT INTO _runs (id, {COPIED}) SELECT '{OTHER}', {COPIED} FROM _runs")
        fail.lock = ctx.db.lock("platform run {OTHER}", timeout=0)
        await fail.lock.__aenter__()
        raise LockTimeoutError("another run has it")
"""


def test_the_error_of_a_run_that_was_locked_out_has_the_id_of_the_other_one(
    hello: Callable[..., None], raw_platform: Platform
) -> None:
    hello(LOCKED_OUT.strip())
    code, out, _ = raw_platform("run", "hello", "--date", "2026-01-15", "--json")
    found = json.loads(out)
    assert (code, found["failure_kind"]) == (1, "locked")
    assert found["error"].startswith("another run has it; of the same date, these runs go on: abababab on ")
