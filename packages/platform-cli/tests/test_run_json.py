"""The result of a run as one JSON object, however it ends."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from platform_interfaces import FailureKind

Platform = Callable[..., tuple[int, str, str]]
Module = Callable[..., Path]
Start = Callable[..., "subprocess.Popen[str]"]

DOCUMENTATION = Path(__file__).parents[3] / "docs" / "run-json.md"
NAMES = {
    "version": int,
    "run_id": str | None,
    "module": str,
    "module_version": str | None,
    "entry": str,
    "status": str,
    "exit_code": int,
    "failure_kind": str | None,
    "error": str | None,
    "started_at": str | None,
    "seconds": float | None,
    "environment": str | None,
    "database": str | None,
    "root": str | None,
    "arguments": dict,
    "dry_run": bool,
    "figures": dict,
    "rejects": dict,
    "next": list,
}
INTERRUPTED = "import os, signal; os.kill(os.getpid(), signal.SIGINT); await asyncio.Event().wait()"
REFUSED = "from platform_interfaces import ConfigurationError; raise ConfigurationError('x')"


@pytest.fixture
def result(module: Module, raw_platform: Platform) -> Callable[..., dict[str, Any]]:
    """Runs a module with ``--json`` and returns the object, whose shape is checked."""

    def result(*args: str, ending: str = "return 0") -> dict[str, Any]:
        module(
            f"import asyncio\n\nasync def run(ctx):\n    ctx.run.figures['rows'] = 3\n"
            f"    ctx.run.rejects['bad'] = 1\n    {ending}\n",
            args=[{"name": "whom", "type": "string"}],
            dependencies={"interfaces": ["filesystem", "logging"]},
        )
        code, out, _ = raw_platform("run", "hello", "--json", *args)
        assert (out.count("\n"), out[-1]) == (1, "\n")
        found: dict[str, Any] = json.loads(out)
        assert list(found) == list(NAMES)
        assert [name for name, kind in NAMES.items() if not isinstance(found[name], kind)] == []
        assert found["exit_code"] == code
        return found

    return result


Result = Callable[..., dict[str, Any]]


def test_a_run_that_succeeds_reports_all_of_itself(result: Result, project: Path) -> None:
    found = result("--whom", "Ada", "--env", "test")
    assert (len(found.pop("run_id")), found.pop("seconds") > 0) == (32, True)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT.*\+00:00", found.pop("started_at"))
    assert found == {
        "version": 1,
        "module": "hello",
        "module_version": "1.0.0",
        "entry": "run",
        "status": "succeeded",
        "exit_code": 0,
        "failure_kind": None,
        "error": None,
        "environment": "test",
        "database": None,
        "root": str(project / "files"),
        "arguments": {"whom": "Ada"},
        "dry_run": False,
        "figures": {"rows": 3},
        "rejects": {"bad": 1},
        "next": ["platform rejects list --env test"],
    }


@pytest.mark.parametrize(
    ("ending", "status", "code", "error"),
    [
        (
            "raise KeyError('x')",
            "failed",
            1,
            "module 'hello' failed: KeyError: 'x' (hello_job/main.py:6 in run)",
        ),
        ("return 4", "failed", 1, "module 'hello' returned 4: its log says why"),
        (INTERRUPTED, "interrupted", 130, None),
        (REFUSED, "failed", 2, "x"),
    ],
)
def test_a_run_that_does_not_succeed_reports_why(
    result: Result, ending: str, status: str, code: int, error: str | None
) -> None:
    found = result(ending=ending)
    assert (found["status"], found["exit_code"], found["error"]) == (status, code, error)
    assert found["failure_kind"] in set(FailureKind)
    assert (found["figures"], found["rejects"]) == ({"rows": 3}, {"bad": 1})


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["--wom", "Ada"], "unknown option '--wom' (did you mean '--whom'?)"),
        (["--whom"], "option '--whom' needs a value"),
        (["--fs", "nowhere"], "unknown file system 'nowhere'"),
        (["--env", "nowhere"], "unknown env 'nowhere'"),
        (["-v", "-q"], "options '--verbose' and '--quiet' exclude each other"),
        (["--log", "json"], "LOG_LEVEL is 'LOUD'"),
    ],
)
def test_what_is_refused_before_it_runs_is_reported_too(
    result: Result, words: list[str], error: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOG_LEVEL", "LOUD")
    found = result(*words)
    assert (found["exit_code"], found["status"], found["failure_kind"]) == (2, "failed", "configuration")
    assert found["error"].startswith(error)
    assert found["run_id"] is None


def test_an_error_that_has_no_text_is_reported_all_the_same(module: Module, raw_platform: Platform) -> None:
    module("class OddError(Exception):\n    __str__ = None\n\nasync def run(ctx):\n    raise OddError\n")
    code, out, err = raw_platform("run", "hello", "--json")
    assert (code, json.loads(out)["status"], err.count("Run failed")) == (1, "failed", 1)
    assert json.loads(out)["error"].startswith("module 'hello' failed: OddError (hello_job/main.py:5 in run)")


PRINTS = "print('a', flush=True); os.write(1, b'b'); subprocess.run(['echo', 'c'])"


def test_nothing_else_is_printed_whatever_the_module_prints(module: Module, raw_platform: Platform) -> None:
    module(f"import os, subprocess\n\nasync def run(ctx):\n    {PRINTS}; return 0\n")
    code, out, err = raw_platform("run", "hello", "--json")
    assert (code, json.loads(out)["status"]) == (0, "succeeded")
    assert {"a", "bc"} <= set(err.splitlines())
    print("d")
    assert raw_platform("run", "hello")[1].startswith("a\nbc\nhello succeeded")


def test_secrets_are_hidden(result: Result) -> None:
    ending = "ctx.run.rejects[ctx.config['whom']] = 1; raise KeyError(ctx.config['whom'])"
    found = result("--whom", "postgresql://u:canary@h/d", ending=ending)
    assert "canary" not in json.dumps(found)


def test_a_result_that_cannot_be_written_fails(
    module: Module, raw_platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(text: str = "", **options: Any) -> None:
        if not options.get("err"):
            raise OSError(28, "No space left on device")
        sys.stderr.write(f"{text}\n")

    module()
    monkeypatch.setattr("click.echo", fail)
    code, _, err = raw_platform("run", "hello", "--json")
    assert (code, err.splitlines()[-1]) == (
        1,
        "error: standard output cannot be written: No space left on device",
    )


@pytest.mark.skipif(not DOCUMENTATION.is_file(), reason="the package is tested without its repository")
def test_each_name_is_documented() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", DOCUMENTATION.read_text(), re.MULTILINE)
    assert rows == list(NAMES)


LATE = """
import atexit, subprocess, threading, time

async def run(ctx):
    ended = threading.Event()
    def late():
        threading.main_thread().join()
        print('thread', flush=True)
    threading.Thread(target=late).start()
    atexit.register(print, 'exit', flush=True)
    print('run')
    subprocess.Popen(['sh', '-c', 'read -r line; echo child'], stdin=subprocess.PIPE)
    return 0
"""


def test_what_a_module_prints_after_its_run_is_not_in_the_result(module: Module, start: Start) -> None:
    module(LATE)
    out, err = start("-m", "platform_cli", "run", "hello", "--json").communicate()
    assert json.loads(out)["status"] == "succeeded"
    assert {"run", "thread", "exit"} <= set(err.splitlines())


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_standard_stream_that_is_closed_gives_its_number_to_nothing_else(
    module: Module, project: Path, number: int, start: Start
) -> None:
    module(
        "import os\n\nasync def run(ctx):\n    has_none = os.path.samestat(os.fstat("
        f"{number}), os.stat(os.devnull))\n    with open('seen', 'w') as seen:\n"
        "        seen.write(str(has_none))\n    return 0\n"
    )
    words = [sys.executable, "-m", "platform_cli", "run", "hello"]
    run = start("-c", f"import os; os.close({number}); os.execv({sys.executable!r}, {words!r})")
    run.communicate()
    assert (run.returncode, (project / "seen").read_text()) == (0, "True")
