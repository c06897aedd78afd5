"""A project folder, packages as an installer leaves them, and the command in this or another process."""

import datetime as dt
import importlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from platform_cli.__main__ import main
from platform_cli.history.record import RunRecord, RunStatus

_ALL = re.DOTALL | re.MULTILINE
OURS = ("DB_", "FS_", "LOG_", "MIGRATIONS_", "PLATFORM_", "NO_COLOR", "FORCE_COLOR", "UV_RUN_")

# What one command writes, the next one reads: the data of the database outlive it.
LASTING = """
    import asyncio
    import os

    from platform_interfaces import ConnectionLostError, DatabaseMissingError, QueryError
    from platform_memory import MemoryDatabase

    state = {}


    class Lasting(MemoryDatabase):
        def __init__(self, secrets):
            if not state:
                super().__init__(secrets)
                state.update(self.__dict__)
            self.__dict__ = state

        async def execute(self, query, params=None):
            fault = os.environ.get("FAULT", "")
            if "INSERT INTO _runs" in query and fault == "hangs":
                await asyncio.Event().wait()
            if "INSERT INTO _runs" in query and fault == "denied":
                raise QueryError("permission denied for table _runs")
            if "INSERT INTO _runs" in query and fault.startswith("lost"):
                os.environ["FAULT"] = {"lost 3 times": "lost twice", "lost twice": "lost once"}.get(fault, "")
                raise ConnectionLostError("the server went away")
            return await super().execute(query, params)

        def lock(self, name, *, timeout):
            if os.environ.get("FAULT") == "no lock" and name.startswith("platform run"):
                raise ConnectionLostError("too many clients")
            return super().lock(name, timeout=timeout)


    class Unreachable(MemoryDatabase):
        async def connect(self):
            raise ConnectionLostError("no answer")


    class Missing(MemoryDatabase):
        async def connect(self):
            raise DatabaseMissingError("there is none")
"""
DATABASES = {name: f"lasting.adapters:{name.title()}" for name in ("lasting", "unreachable", "missing")}


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make and enter a project without env files, with no setting in the environment."""
    for name in [name for name in os.environ if name.startswith(OURS)]:
        monkeypatch.delenv(name)
    folder = tmp_path / "project"
    (folder / ".env").mkdir(parents=True)
    (folder / ".env" / "local.env").write_text("FS_LOCAL_ROOT=files\n")
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Yield a folder to install to, before all others on the search path."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    yield folder
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None)).startswith(str(folder)):
            del sys.modules[name]


@pytest.fixture
def install(site: Path) -> Callable[..., Path]:
    """Installs a distribution: its entry points by group, and its files."""

    def install(name: str, entry_points: Mapping[str, Mapping[str, str]], **files: str) -> Path:
        info = site / f"{name}-1.0.dist-info"
        info.mkdir()
        sections = [
            "\n".join([f"[{group}]", *(f"{name} = {target}" for name, target in targets.items())])
            for group, targets in entry_points.items()
        ]
        (info / "entry_points.txt").write_text("\n\n".join(sections))
        package = site / name
        package.mkdir()
        for file, text in {"__init__": "", **files}.items():
            (
                package / (file.replace("_json", ".json") if file.endswith("_json") else f"{file}.py")
            ).write_text(dedent(text))
        importlib.invalidate_caches()
        return package

    return install


@pytest.fixture
def module(install: Callable[..., Path]) -> Callable[..., Path]:
    """Installs the module ``hello``; keyword arguments change its ``module.json``."""

    def module(main: str = "async def run(ctx):\n    return 0\n", **changes: Any) -> Path:
        manifest = {
            "name": "hello",
            "display_name": "Hello",
            "description": "Greets a person.",
            "type": "job",
            "version": "1.0.0",
            "dependencies": {"interfaces": ["logging"], "modules": []},
            "args": [],
        } | changes
        groups = {"platform.modules": {"hello": "hello_job"}}
        return install("hello_job", groups, main=main, module_json=json.dumps(manifest))

    return module


@pytest.fixture
def raw_platform(capfd: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Runs a command line in this process: its exit code, standard output and standard error."""

    def raw_platform(*args: str) -> tuple[int, str, str]:
        capfd.readouterr()
        code = main(args)
        return code, *capfd.readouterr()

    return raw_platform


@pytest.fixture
def platform(raw_platform: Callable[..., tuple[int, str, str]]) -> Callable[..., tuple[int, str, str]]:
    """Runs a command line; it leaves out the summary, and of the log where it runs and that it succeeds."""

    def platform(*args: str) -> tuple[int, str, str]:
        code, out, err = raw_platform(*args)
        start, end = (rf"( info  {event} |, \"event\": \"{event}\")" for event in ("Run", "Run complete"))
        out = re.sub(
            r"^(retry of )?\S+ (succeeded in|failed after|was interrupted after) .*\Z", "", out, flags=_ALL
        )
        return code, out, re.sub(rf"\A.*{start}.*\n|.*{end}.*\n\Z", "", err)

    return platform


@pytest.fixture
def make_run() -> Callable[..., RunRecord]:
    """Makes the record of a successful run; ``date`` is its argument, and others change the record."""

    def make_run(date: str = "", *, day: int = 0, **changes: Any) -> RunRecord:
        start = dt.datetime(2026, 1, 20, 6, tzinfo=dt.UTC) + dt.timedelta(day)
        values: dict[str, Any] = {
            "id": os.urandom(16).hex(),
            "module": "hello",
            "version": "1.0.0",
            "entry": "run",
            "arguments": {"source-path": "raw"},
            "environment": "local",
            "adapters": {"database": "memory"},
            "host": "host",
            "user": "user",
            "process_id": 1,
            "started_at": start,
            "ended_at": start + dt.timedelta(seconds=2),
            "status": RunStatus.SUCCEEDED,
            "exit_code": 0,
            "failure_kind": "",
            "error": "",
            "figures": {},
            "rejects": {},
        }
        values |= changes
        values["arguments"] = {**values["arguments"], **({"date": date} if date else {})}
        return RunRecord(**values)

    return make_run


@pytest.fixture
def start(site: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts a Python process that finds what was installed; it is killed at the end of the test."""
    started = []

    def start(*args: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, *args],
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join(filter(None, [str(site), os.environ.get("PYTHONPATH")])),
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        with process:
            process.kill()


@pytest.fixture
def lasting(install: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """Install databases, and choose the one whose data outlive a command."""
    install("lasting", {"platform.database": DATABASES}, adapters=LASTING)
    monkeypatch.setenv("PLATFORM_DB", "lasting")
