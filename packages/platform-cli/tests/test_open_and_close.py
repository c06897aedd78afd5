"""Adapters of every interface are opened in order and closed in reverse, whatever fails in between."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

Platform = Callable[..., tuple[int, str, str]]
Module = Callable[..., Path]
Install = Callable[..., Path]

SPIES = """
    import os

    from platform_cli.logger import JsonLogger
    from platform_interfaces import ConnectionLostError
    from platform_memory import MemoryDatabase, MemoryFileSystem, MemorySecrets


    class Spy:
        async def connect(self):
            self.act("connect")
            await super().connect()

        async def disconnect(self):
            self.act("disconnect")
            await super().disconnect()

        def act(self, what):
            print(what, type(self).__name__)
            if os.environ.get("FAULT") == f"{what} {type(self).__name__}":
                raise (ConnectionLostError if os.environ.get("KNOWN") else RuntimeError)("no route")


    class Database(Spy, MemoryDatabase): ...
    class Files(Spy, MemoryFileSystem): ...
    class Remote(JsonLogger):
        async def connect(self):
            self.session = []

        async def disconnect(self):
            print(*self.session, sep="\\n")

        def _write(self, level, message, fields):
            if hasattr(self, "session"):
                self.session.append(message)


    class Delegating(Remote):
        def bind(self, **fields):
            bound = Bound.__new__(Bound)
            bound.write = self._write
            return bound


    class Bound(Remote):
        def _write(self, level, message, fields):
            self.write(level, message, fields)


    class Logger(Spy, JsonLogger):
        def _write(self, level, message, fields):
            if message in os.environ.get("SHOWN", "").split(","):
                print(message)
            super()._write(level, message, fields)
    class Store(Spy, MemorySecrets):
        def __init__(self, secrets):
            super().__init__()
"""
ENTRY_POINTS = {
    "platform.database": {"spy": "spies.adapters:Database"},
    "platform.filesystem": {"spy": "spies.adapters:Files"},
    "platform.logging": {
        "copying": "spies.adapters:Remote",
        "delegating": "spies.adapters:Delegating",
        "spy": "spies.adapters:Logger",
    },
    "platform.secrets": {"spy": "spies.adapters:Store"},
}
RUN = ("run", "hello", "--db", "spy", "--fs", "spy", "--log", "spy", "--secrets", "spy")
OPENED = ["connect Logger", "connect Store", "connect Database", "connect Files"]
CLOSED = ["disconnect Files", "disconnect Database", "disconnect Store", "disconnect Logger"]


@pytest.fixture(autouse=True)
def hello(install: Install, module: Module, monkeypatch: pytest.MonkeyPatch) -> None:
    """Install a module that uses every interface, and adapters that show when they are opened and closed."""
    install("spies", ENTRY_POINTS, adapters=SPIES)
    module(
        "async def run(ctx):\n    print('run')\n    return 0\n",
        dependencies={"interfaces": ["database", "filesystem", "logging", "secrets"]},
    )
    monkeypatch.setenv("PLATFORM_AUTO_MIGRATE", "true")


def assert_names(err: str, call: str) -> None:
    """Assert that the adapter is named; all of its package are, for a line belongs to any of them."""
    last = err.splitlines()[-1]
    assert f"'spy' (spies.adapters:{call.split()[1]})" in last
    assert re.search(r" failed: RuntimeError: no route \(spies/adapters.py:\d+ in act\)$", last)


def test_adapters_of_every_interface_are_opened_and_closed_in_reverse_order(platform: Platform) -> None:
    code, out, _ = platform(*RUN)
    assert (code, out.splitlines()) == (0, [*OPENED, "run", *CLOSED])


@pytest.mark.parametrize("returned", [0, 1])
def test_the_logger_is_closed_after_the_last_line(
    platform: Platform, site: Path, monkeypatch: pytest.MonkeyPatch, returned: int
) -> None:
    monkeypatch.setenv("SHOWN", "Run complete,Run failed")
    (site / "hello_job" / "main.py").write_text(f"async def run(ctx):\n    return {returned}\n")
    code, out, _ = platform(*RUN)
    last = ["Run complete", "Run failed"][returned]
    assert (code, out.splitlines()[-2:]) == (returned, [last, "disconnect Logger"])


@pytest.mark.parametrize("name", ["copying", "delegating"])
def test_what_a_logger_opens_is_there_for_those_bound_from_it(platform: Platform, name: str) -> None:
    code, out, _ = platform("run", "hello", "--db", "spy", "--fs", "spy", "--log", name)
    assert (code, "Run" in out.splitlines(), out.splitlines()[-1]) == (0, True, "Run complete")


def test_a_module_that_declares_nothing_has_logger_and_secret_store_only(
    platform: Platform, site: Path
) -> None:
    """The database is opened for the history, beside the run, because it was chosen."""
    manifest = site / "hello_job" / "module.json"
    manifest.write_text(manifest.read_text().replace('"database", "filesystem", "logging", "secrets"', ""))
    code, out, _ = platform(*RUN)
    assert (code, out.splitlines()) == (0, [*OPENED[:2], "run", OPENED[2], *CLOSED[1:]])


@pytest.mark.parametrize("number", range(4), ids=OPENED)
def test_what_was_opened_before_an_adapter_that_cannot_be_opened_is_closed(
    platform: Platform, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    monkeypatch.setenv("FAULT", OPENED[number])
    code, out, err = platform(*RUN)
    assert (code, out.splitlines()) == (1, [*OPENED[: number + 1], *CLOSED[4 - number :]])
    assert_names(err, OPENED[number])


@pytest.mark.parametrize("number", range(4), ids=CLOSED)
def test_an_adapter_that_cannot_be_closed_is_named_and_the_others_are_closed(
    platform: Platform, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    monkeypatch.setenv("FAULT", CLOSED[number])
    code, out, err = platform(*RUN)
    assert (code, out.splitlines()) == (1, [*OPENED, "run", *CLOSED])
    assert "error: shutdown failed: " in err
    assert_names(err, CLOSED[number])


@pytest.mark.parametrize("fault", [OPENED[3], CLOSED[0]])
def test_an_error_of_ours_says_enough_by_itself(
    platform: Platform, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    monkeypatch.setenv("FAULT", fault)
    monkeypatch.setenv("KNOWN", "1")
    code, _, err = platform(*RUN)
    assert (code, err.splitlines()[-1].removeprefix("error: ").removeprefix("shutdown failed: ")) == (
        1,
        "no route",
    )
