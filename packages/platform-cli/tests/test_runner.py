import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from platform_cli.run import runner

Platform = Callable[..., tuple[int, str, str]]
Module = Callable[..., Path]
Install = Callable[..., Path]

SPIES = """
    from platform_interfaces import ConnectionLostError
    from platform_memory import MemoryDatabase


    class Database(MemoryDatabase):
        async def connect(self):
            await super().connect()
            print("connected")

        async def disconnect(self):
            await super().disconnect()
            print("disconnected")


    class Unreachable(Database):
        async def connect(self):
            raise ConnectionLostError("no answer")
"""
DATABASES = {"spy": "spies.adapters:Database", "unreachable": "spies.adapters:Unreachable"}
HOOKS = """
    import asyncio
    import os
    import signal

    from platform_interfaces import ConfigurationError


    def print_later(text):
        async def hook():
            print(text)

        return hook


    async def run(ctx):
        ctx.lifecycle.on_shutdown(print_later("first undone"))
        ctx.lifecycle.on_shutdown(print_later("second undone"))
        print("runs")
        {}
"""
UNDONE = ["connected", "runs", "second undone", "first undone", "disconnected"]
USES_DATABASE = {"interfaces": ["database", "logging"]}


@pytest.fixture(autouse=True)
def spies(install: Install) -> None:
    """Install databases that print what is done to them."""
    install("spies", {"platform.database": DATABASES}, adapters=SPIES)


def errors(err: str) -> list[str]:
    return [line for line in err.splitlines() if line.startswith("error: ")]


@pytest.mark.parametrize(
    ("ending", "code", "message"),
    [
        ("return 0", 0, None),
        ("return 1", 1, "module 'hello' returned 1: its log says why"),
        ("return 3", 1, "module 'hello' returned 3: its log says why"),
        ("raise SystemExit(0)", 0, None),
        ("raise SystemExit(4)", 1, "module 'hello' returned 4: its log says why"),
        (
            "raise RuntimeError('two\\nlines')",
            1,
            "module 'hello' failed: RuntimeError: two lines (hello_job/main.py:20 in run)",
        ),
        (
            "raise KeyboardInterrupt",
            1,
            "module 'hello' failed: KeyboardInterrupt (hello_job/main.py:20 in run)",
        ),
        ("raise ConfigurationError('--date is not a day')", 2, "--date is not a day"),
        ("await ctx.db.execute('SELEC 1')", 1, None),
        ("asyncio.current_task().cancel(); await asyncio.Event().wait()", 1, "the job cancelled itself"),
        ("os.kill(os.getpid(), signal.SIGINT); await asyncio.Event().wait()", 130, None),
        ("os.kill(os.getpid(), signal.SIGTERM); await asyncio.Event().wait()", 143, None),
    ],
)
def test_however_a_run_ends_everything_is_undone_in_reverse_order(
    module: Module, platform: Platform, ending: str, code: int, message: str | None
) -> None:
    module(HOOKS.replace("{}", ending), dependencies=USES_DATABASE)
    found, out, err = platform("run", "hello", "--db", "spy")
    assert (found, out.splitlines()) == (code, UNDONE)
    assert not message or errors(err) == [f"error: {message}"]
    assert "Traceback" not in err


def test_the_last_line_says_why_with_the_errors_that_the_module_logged_last(
    module: Module, platform: Platform
) -> None:
    ending = """
        ctx.log.error("Old")
        ctx.log.info("Next")
        ctx.log.error("No room", token="canary", disk="/d")
        ctx.log.bind(a=1).error("Stopped", reason="it is full", rows=7)
        ctx.log.info("Done")
        return 1
    """.strip()
    module(HOOKS.replace("{}", ending), dependencies=USES_DATABASE)
    code, _, err = platform("run", "hello", "--db", "spy")
    assert (code, errors(err)) == (1, ["error: No room (token=***, disk=/d); Stopped: it is full"])


def test_a_job_that_cleans_up_when_interrupted_may_take_its_time(module: Module, platform: Platform) -> None:
    ending = """
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            print("cleaned up")
    """.strip()
    module(HOOKS.replace("{}", ending), dependencies=USES_DATABASE)
    code, out, err = platform("run", "hello", "--db", "spy")
    assert (code, out.splitlines()) == (143, [*UNDONE[:2], "cleaned up", *UNDONE[2:]])
    assert "Interrupted signal=SIGTERM" in err


def test_a_database_that_cannot_be_reached_fails_the_run_before_the_module_starts(
    module: Module, platform: Platform
) -> None:
    module(HOOKS.replace("{}", "return 0"), dependencies=USES_DATABASE)
    code, out, err = platform("run", "hello", "--db", "unreachable")
    assert (code, out, errors(err)) == (1, "", ["error: no answer"])
    assert "error Run failed version=1.0.0 exit_code=1 seconds=" in err


def test_a_module_that_another_needs_must_be_installed(module: Module, platform: Platform) -> None:
    module(dependencies={"interfaces": [], "modules": ["other"]})
    code, _, err = platform("run", "hello")
    assert (code, "unknown module 'other'" in err) == (2, True)


@pytest.mark.parametrize("main", ["import gone_and_away", "x = 1"])
def test_a_module_that_cannot_be_loaded_is_named(module: Module, platform: Platform, main: str) -> None:
    module(main)
    code, _, err = platform("run", "hello")
    assert (code, "module 'hello' cannot be loaded from 'hello_job.main:run': " in err) == (2, True)


FAILING_HOOK = """
    import asyncio


    async def run(ctx):
        ctx.lifecycle.on_shutdown({})
        return 0


    async def failing():
        raise RuntimeError("cannot let go")


    async def hanging():
        await asyncio.Event().wait()
"""


def test_a_failed_shutdown_fails_the_run(module: Module, platform: Platform) -> None:
    module(FAILING_HOOK.replace("{}", "failing"))
    code, _, err = platform("run", "hello")
    failure = "module 'hello' failed: RuntimeError: cannot let go (hello_job/main.py:11 in failing)"
    assert (code, errors(err)) == (1, [f"error: shutdown failed: {failure}"])


@pytest.mark.parametrize(
    ("raised", "name"),
    [
        ("asyncio.CancelledError", "CancelledError"),
        ("KeyboardInterrupt", "KeyboardInterrupt"),
        ("SystemExit(0)", "SystemExit: 0"),
    ],
)
def test_what_would_end_the_process_fails_the_run_and_everything_is_undone(
    module: Module, platform: Platform, raised: str, name: str
) -> None:
    module(FAILING_HOOK.replace("{}", "failing").replace('RuntimeError("cannot let go")', raised))
    code, _, err = platform("run", "hello")
    failure = f"shutdown failed: module 'hello' failed: {name} (hello_job/main.py:11 in failing)"
    assert (code, errors(err)) == (1, [f"error: {failure}"])
    assert "error Run failed " in err


def test_a_shutdown_that_hangs_is_given_up(
    module: Module, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "SHUTDOWN_SECONDS", 0)
    module(FAILING_HOOK.replace("{}", "hanging"))
    code, _, err = platform("run", "hello")
    assert (code, errors(err)) == (1, ["error: shutdown took longer than 0 s and was given up"])


@pytest.mark.parametrize(
    ("failure", "is_traced"),
    [
        ("RuntimeError('x')", True),
        ("interfaces.QueryError('x')", True),
        ("interfaces.ConfigurationError('x')", False),
        ("interfaces.ConnectionLostError('x')", False),
        ("interfaces.MigrationError('x')", False),
    ],
)
def test_at_debug_a_failure_is_traced_where_code_may_be_to_blame(
    module: Module, platform: Platform, monkeypatch: pytest.MonkeyPatch, failure: str, is_traced: bool
) -> None:
    monkeypatch.setenv("LOG_LEVEL", "DEBUG")
    module(f"import platform_interfaces as interfaces\n\nasync def run(ctx):\n    raise {failure}\n")
    _, _, err = platform("run", "hello")
    assert ("Traceback" in err) is is_traced
    assert "Settings env='local (default)'" in err


def test_a_refused_configuration_is_reported_once_and_not_as_a_failed_run(
    module: Module, platform: Platform
) -> None:
    module(HOOKS.replace("{}", "raise ConfigurationError('x')"))
    code, _, err = platform("run", "hello")
    assert (code, err) == (2, "error: x\n")


def test_handlers_of_signals_are_put_back(module: Module, platform: Platform) -> None:
    before = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]
    module(HOOKS.replace("{}", "os.kill(os.getpid(), signal.SIGTERM); await asyncio.Event().wait()"))
    assert platform("run", "hello")[0] == 143
    assert [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)] == before


def test_an_env_file_with_secrets_for_all_to_read_is_warned_of_once(
    platform: Platform, module: Module, project: Path
) -> None:
    module(main="async def run(ctx):\n    return 0\n")
    file = project / ".env" / "local.env"
    file.write_text("API_TOKEN=canary\n")
    for mode, times in ((0o644, 1), (0o600, 0)):
        file.chmod(mode)
        code, _, err = platform("run", "hello")
        assert (code, err.count("chmod 600"), err.count("canary")) == (0, times, 0)
