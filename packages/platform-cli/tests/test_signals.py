"""Signals as a terminal or a scheduler sends them, to a process of its own."""

import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Module = Callable[..., Path]
Start = Callable[..., subprocess.Popen[str]]

RUN = ("-m", "platform_cli", "run", "hello")
WAITING = """
    import asyncio
    import threading


    async def write(text):
        print(text, flush=True)


    async def run(ctx):
        ctx.lifecycle.on_shutdown(lambda: write("first undone"))
        ctx.lifecycle.on_shutdown({hook})
        await write("ready")
        {wait}


    async def hang():
        await write("stopping")
        await asyncio.Event().wait()
"""


@pytest.fixture
def running(module: Module, start: Start) -> Callable[..., subprocess.Popen[str]]:
    """Yield a run of the module that is at work."""

    def running(
        hook: str = "lambda: write('second undone')",
        wait: str = "await asyncio.Event().wait()",
        command: tuple[str, ...] = RUN,
    ) -> subprocess.Popen[str]:
        module(WAITING.replace("{hook}", hook).replace("{wait}", wait))
        process = start(*command)
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        return process

    return running


Running = Callable[..., subprocess.Popen[str]]


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_the_first_signal_ends_a_run_cleanly(running: Running, number: signal.Signals, code: int) -> None:
    process = running()
    process.send_signal(number)
    out, err = process.communicate()
    assert process.returncode == code
    assert out.startswith("second undone\nfirst undone\nhello was interrupted after ")
    [_, line, end] = err.splitlines()  # the first one says where it runs
    assert f"warn  Interrupted signal={number.name} run_id=" in line
    assert f"error Run failed version=1.0.0 exit_code={code} seconds=" in end


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_a_signal_that_was_ignored_before_stays_ignored(running: Running, number: signal.Signals) -> None:
    ignore = f"import signal, sys; signal.signal({number:d}, signal.SIG_IGN)"
    process = running(
        command=("-c", f"{ignore}\nfrom platform_cli.__main__ import main\nsys.exit(main())", "run", "hello")
    )
    process.send_signal(number)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate()
    assert (process.returncode, "warn  Interrupted signal=SIGTERM" in err) == (143, True)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_second_signal_ends_it_at_once(running: Running, number: signal.Signals) -> None:
    process = running(hook="hang")
    process.send_signal(signal.SIGTERM)
    assert process.stdout
    assert process.stdout.readline() == "stopping\n"
    process.send_signal(number)
    out, _ = process.communicate()
    assert (process.returncode, out) == (-number, "")


def test_a_run_that_does_not_let_go_is_ended_after_the_limit(running: Running) -> None:
    limited = (
        "from platform_cli import __main__, _signals; _signals.STOP_SECONDS = 0.01; exit(__main__.main())"
    )
    process = running(wait="threading.Event().wait()", command=("-c", limited, "run", "hello"))
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate()
    assert (process.returncode, out) == (143, "")
