"""Completion: what the command answers to the scripts of the shells, and the shells themselves."""

import json
import os
import pty
import re
import select
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

Platform = Callable[..., tuple[int, str, str]]
Module = Callable[..., Path]

ARGS = [
    {"name": "whom", "type": "string", "required": True},
    {"name": "style", "type": "string", "choices": ["plain", "loud"]},
    {"name": "dry-run", "type": "boolean"},
]
SECONDS = 30
"""How long a shell may take to answer: a failure of the test, not a measure."""


@pytest.fixture(autouse=True)
def hello(module: Module, project: Path) -> None:
    folder = module(args=ARGS, migrations="migrations", dependencies={"interfaces": ["database"]})
    (folder / "migrations").mkdir()
    (project / ".env/staging-eu.env").touch()


@pytest.fixture
def complete(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], list[str]]:
    """Return what bash offers for the last word of a line."""

    def complete(line: str) -> list[str]:
        monkeypatch.setenv("_PLATFORM_COMPLETE", "bash_complete")
        monkeypatch.setenv("COMP_WORDS", line)
        monkeypatch.setenv("COMP_CWORD", str(len(line.split(" ")) - 1))
        _, out, err = platform()
        assert err == ""
        return [word.removeprefix("plain,") for word in out.splitlines() if word]

    return complete


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("platform ru", ["run", "runs"]),
        ("platform run hel", ["hello"]),
        ("platform run hello --w", ["--whom", "--workers"]),
        ("platform run hello --d", ["--dry-run", "--db", "--debug", "--detailed-exit-codes"]),
        ("platform run hello --no-d", ["--no-dry-run"]),
        ("platform run hello --whom Ada --style ", ["plain", "loud"]),
        ("platform run hello --style=lo", ["loud"]),
        ("platform --db me", ["memory"]),
        ("platform run hello --log js", ["json"]),
        ("platform run --env stag", ["staging", "staging-eu"]),
        ("platform rejects retry hel", ["hello"]),
        ("platform migrate up --module ", ["platform", "hello"]),
        ("platform migrate down --module p", ["platform"]),
        ("platform runs --module hel", ["hello"]),
        ("platform migrate mark --app", ["--applied"]),
        ("platform completion ", ["bash", "zsh", "fish"]),
        ("platform completion z", ["zsh"]),
        # an option that was given is not offered again
        ("platform run hello --whom Ada --wh", []),
    ],
)
def test_commands_options_and_values_are_completed(
    complete: Callable[[str], list[str]], line: str, words: list[str]
) -> None:
    assert complete(line) == words


@pytest.mark.usefixtures("lasting")
@pytest.mark.parametrize("command", ["show", "compare 3f", "undo"])
def test_ids_of_runs_are_completed(
    complete: Callable[[str], list[str]], platform: Platform, command: str
) -> None:
    for _ in range(2):
        assert platform("run", "hello", "--whom", "Ada")[0] == 0
    first, second = (run["id"][:8] for run in json.loads(platform("runs", "--json")[1])["runs"])
    assert complete(f"platform runs {command} ") == [first, second]
    assert complete(f"platform runs {command} {second[:7]}") == [second]


@pytest.mark.usefixtures("lasting")
@pytest.mark.parametrize("flag", ["--db unreachable", "--db missing", "--db nothing", "--env nowhere"])
def test_ids_of_runs_that_cannot_be_read_are_not_completed(
    complete: Callable[[str], list[str]], flag: str
) -> None:
    assert complete(f"platform runs {flag} show ") == []
    assert complete(f"platform runs show {flag} ") == []


@pytest.mark.parametrize(
    "line",
    ["platform rum ", "platform run nothing --w", "platform run hello --db --whom --st", "platform 'run --"],
)
def test_a_wrong_line_is_completed_without_an_error(complete: Callable[[str], list[str]], line: str) -> None:
    complete(line)


@pytest.mark.parametrize("instruction", ["bash_complete", "bash", "nothing", "csh_complete"])
def test_an_error_of_completion_is_silent(
    platform: Platform, monkeypatch: pytest.MonkeyPatch, instruction: str
) -> None:
    monkeypatch.setenv("_PLATFORM_COMPLETE", instruction)  # and no words
    assert platform() == (1, "", "")


def test_a_module_that_is_broken_is_not_offered(complete: Callable[[str], list[str]], site: Path) -> None:
    (site / "hello_job/module.json").write_text("{")
    assert "hello" not in complete("platform run ")
    assert complete("platform migrate up --module ")[0] == "platform"


def test_a_broken_project_does_not_stop_completion(
    complete: Callable[[str], list[str]], project: Path
) -> None:
    (project / ".env/local.env").write_text("nonsense\n")
    assert complete("platform run hel") == ["hello"]


@pytest.mark.parametrize(
    ("shell", "part"),
    [("bash", "complete -o nosort -F"), ("zsh", "#compdef platform"), ("fish", "complete --no-files")],
)
def test_the_script_of_each_shell_is_printed(
    platform: Platform, project: Path, shell: str, part: str
) -> None:
    (project / ".env/local.env").write_text("nonsense\n")
    code, out, err = platform("completion", shell)
    assert (code, err) == (0, "")
    assert part in out


@contextmanager
def terminal(command: list[str], environment: dict[str, str]) -> Iterator[Any]:
    """Run a command in a pseudo-terminal; yield what types and waits for an answer."""
    controller, terminal = pty.openpty()
    process = subprocess.Popen(
        command, env=environment, preexec_fn=lambda: os.login_tty(terminal), close_fds=False
    )
    os.close(terminal)
    screen = ""

    def type_and_wait(text: str, expected: str) -> str:
        nonlocal screen
        screen = ""
        os.write(controller, text.encode())
        while not re.search(expected, screen):
            assert select.select([controller], [], [], SECONDS)[0], f"no {expected!r} in {screen!r}"
            screen += os.read(controller, 4096).decode(errors="replace")
        return screen

    try:
        yield type_and_wait
    finally:
        process.kill()
        process.wait()
        os.close(controller)


SHELLS = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], 'eval "$(platform completion bash)"'),
    "zsh": (["zsh", "-f", "-i"], 'autoload -U compinit; compinit -u; eval "$(platform completion zsh)"'),
    "fish": (["fish", "--no-config", "-i"], "platform completion fish | source"),
}
INSTALLED = [shell for shell in SHELLS if shutil.which(shell)]


@pytest.mark.parametrize("shell", INSTALLED)
def test_a_shell_completes_what_is_typed(tmp_path: Path, site: Path, shell: str) -> None:
    program = tmp_path / "bin/platform"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m platform_cli "$@"\n')
    program.chmod(0o755)
    environment = {
        **os.environ,
        "PATH": f"{program.parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(site),
        "TERM": "dumb",
        "HOME": str(tmp_path),
    }
    command, setup = SHELLS[shell]
    with terminal(command, environment) as type_and_wait:
        type_and_wait(f"{setup}; echo re''ady\n", r"ready\r?\n")
        type_and_wait("platform run hel\t--st\tlo\t", "loud")
        screen = type_and_wait("\n", "needs a value|missing option")
        assert "missing option '--whom'" in screen
