"""``--executor`` and ``--workers``: the context of a worker, its log, and its end."""

import json
import os
import pickle
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from platform_cli.settings import resolve
from platform_cli.worker_context import WorkerContext
from platform_interfaces import Run

Platform = Callable[..., tuple[int, str, str]]
Module = Callable[..., Path]

INTERFACES = ["filesystem", "logging", "secrets", "executor"]
MAIN = """
import asyncio
import os
from contextlib import aclosing


async def work(ctx, item):
    ctx.log.info("Working", item=item, number=ctx.config["number"])
    ctx.log.debug("In detail")
    await ctx.fs.write(f"out/{item}-{os.getpid()}", ctx.secrets.require("SOME_TOKEN").encode())
    if item == 13:
        raise ValueError("unlucky")
    while item == 99:
        await asyncio.sleep(0.05)
    return os.getpid(), ctx.run.id, ctx.executor.is_in_process


async def run(ctx):
    items = [ctx.config["number"], ctx.config["number"]]
    async with aclosing(ctx.executor.map_unordered(work, items, max_in_flight=4)) as outcomes:
        async for outcome in outcomes:
            if outcome.error:
                raise outcome.error
            process, run_id, is_inline = outcome.result
            is_here = process == os.getpid()
            ctx.log.info("Done", here=is_here, same_run=run_id == ctx.run.id, is_inline=is_inline)
    return 0
"""


@pytest.fixture
def workers(module: Module, monkeypatch: pytest.MonkeyPatch) -> None:
    """Install a module that works on two items with a file system."""
    monkeypatch.setenv("SOME_TOKEN", "canary-of-a-secret")
    number = {"name": "number", "type": "integer", "default": 1, "description": "An item."}
    module(MAIN, dependencies={"interfaces": INTERFACES}, args=[number])


def read_log(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.usefixtures("workers")
def test_workers_have_the_adapters_the_arguments_and_the_run(platform: Platform, project: Path) -> None:
    code, _, err = platform("run", "hello", "--workers", "2", "--log", "json", "--number", "7")
    assert code == 0, err
    done = [line for line in read_log(err) if line["event"] == "Done"]
    assert [(line["here"], line["same_run"], line["is_inline"]) for line in done] == [(False, True, True)] * 2
    assert {file.read_text() for file in (project / "files/out").iterdir()} == {"canary-of-a-secret"}


@pytest.mark.usefixtures("workers")
def test_what_workers_log_is_in_the_log_of_the_run_and_nothing_else_is(platform: Platform) -> None:
    code, _, err = platform("run", "hello", "--workers", "2", "--log", "json")
    assert code == 0, err
    lines = read_log(err)
    assert sorted(line["event"] for line in lines) == ["Done", "Done", "Working", "Working"]
    for line in lines:
        assert (line["module"], len(line["run_id"])) == ("hello", 32)
        assert ("worker" in line) == (line["event"] == "Working")


@pytest.mark.usefixtures("workers")
@pytest.mark.parametrize(("option", "events"), [("-v", {"Working", "In detail"}), ("-q", set())])
def test_workers_log_as_much_as_the_run(platform: Platform, option: str, events: set[str]) -> None:
    _, _, err = platform("run", "hello", "--workers", "2", "--log", "json", option)
    assert {line["event"] for line in read_log(err) if "worker" in line} >= events


@pytest.mark.usefixtures("workers")
@pytest.mark.parametrize("words", [("--workers", "2"), ("--executor", "processes")])
def test_with_an_adapter_of_this_process_alone_the_work_is_done_here(
    platform: Platform, words: tuple[str, ...]
) -> None:
    code, _, err = platform("run", "hello", "--fs", "memory", "--log", "json", *words)
    assert code == 0, err
    [warning] = [line for line in read_log(err) if line["level"] == "warn"]
    assert (warning["event"], warning["executor"]) == ("Workers are not used", "processes")
    assert warning["reason"] == "only this process can use file system 'memory'"
    assert all(line["here"] for line in read_log(err) if line["event"] == "Done")


@pytest.mark.usefixtures("workers")
def test_without_options_the_work_is_done_here(platform: Platform) -> None:
    code, _, err = platform("run", "hello", "--log", "json")
    assert code == 0, err
    assert [line.get("here") for line in read_log(err)] == [None, True, None, True]


@pytest.mark.usefixtures("workers")
def test_an_error_on_a_worker_is_that_of_the_run_and_debug_shows_its_trace(platform: Platform) -> None:
    code, _, err = platform("run", "hello", "--workers", "2", "--number", "13")
    assert (code, "module 'hello' failed: ValueError: unlucky" in err) == (1, True)
    code, _, err = platform("run", "hello", "--workers", "2", "--number", "13", "--debug")
    assert code == 1
    assert "On worker " in err
    assert 'main.py", line 12, in work' in err


@pytest.mark.parametrize("number", ["0", "-1", "2.5", "many", "10000"])
def test_another_number_of_workers_is_refused(platform: Platform, number: str, module: Module) -> None:
    module()
    code, out, err = platform("run", "hello", f"--workers={number}")
    assert (code, out) == (2, "")
    assert f"--workers is {number!r}: give a number of workers from 1 to 9999, or auto" in err


def test_a_mistyped_executor_is_answered_with_the_nearest(platform: Platform, module: Module) -> None:
    module()
    code, _, err = platform("run", "hello", "--executor", "inlin")
    assert code == 2
    assert "did you mean 'inline'" in err


@pytest.mark.usefixtures("workers")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_workers_end_with_the_run_however_it_ends(
    start: Callable[..., subprocess.Popen[str]], project: Path, number: signal.Signals
) -> None:
    run = start("-m", "platform_cli", "run", "hello", "--workers", "2", "--number", "99", "--log", "json")
    wait_until(lambda: len([*(project / "files/out").glob("99-*")]) == 2)
    processes = [int(file.name.removeprefix("99-")) for file in (project / "files/out").iterdir()]
    run.send_signal(number)
    _, err = run.communicate(timeout=30)
    wait_until(lambda: not any(map(is_running, processes)))
    assert run.returncode == (-number if number == signal.SIGKILL else 128 + number)
    assert [line["event"] for line in read_log(err) if line["level"] in ("warn", "error")] == (
        [] if number == signal.SIGKILL else ["Interrupted", "Run failed"]
    )


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def is_running(process: int) -> bool:
    with suppress(ProcessLookupError):
        os.kill(process, 0)
        return "\nState:\tZ" not in Path(f"/proc/{process}/status").read_text()
    return False


def test_what_is_sent_to_workers_has_no_secret(monkeypatch: pytest.MonkeyPatch, project: Path) -> None:
    monkeypatch.setenv("DB_POSTGRES_URL", "postgresql://user:canary-one@host/name")
    (project / ".env" / "local.env").write_text("SOME_TOKEN=canary-two\n")
    recipe = WorkerContext.of(resolve({"db": "postgres", "workers": "3"}), ["database"], Run())
    sent = pickle.dumps(recipe)
    assert b"canary" not in sent
    assert pickle.loads(sent) == recipe


async def test_workers_make_no_database_and_have_few_connections(
    install: Callable[..., Path], project: Path
) -> None:
    adapter = """
        from platform_memory import MemoryDatabase

        asked = {}


        class Asking(MemoryDatabase):
            def __init__(self, secrets):
                super().__init__(secrets)
                for key in ("DB_POSTGRES_POOL_MAX", "DB_EMBEDDED_CREATE"):
                    asked[key] = secrets.get(key)
    """
    install("asking", {"platform.database": {"asking": "asking.adapters:Asking"}}, adapters=adapter)
    recipe = WorkerContext.of(resolve({"db": "asking"}), ["database", "logging"], Run())
    async with recipe("1") as context:
        assert await context.db.fetch_all("SELECT 1 AS one") == [{"one": 1}]
    from asking.adapters import asked  # type: ignore[import-not-found]

    assert asked == {"DB_POSTGRES_POOL_MAX": "4", "DB_EMBEDDED_CREATE": "false"}
