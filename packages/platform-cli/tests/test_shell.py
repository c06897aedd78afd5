"""What shells and editors do: closed pipes (C19), byte order marks, names and directories (C25)."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal
from unicodedata import normalize

import pytest

Platform = Callable[..., tuple[int, str, str]]
Module = Callable[..., Path]
Install = Callable[..., Path]
Form = Literal["NFC", "NFD"]

COMPOSED: list[Form] = ["NFC", "NFD"]


@pytest.fixture
def run_closed(site: Path) -> Callable[..., tuple[int, str]]:
    """Run a command whose standard output has no reader: its exit code and standard error."""

    def run_closed(*words: str) -> tuple[int, str]:
        reader, writer = os.pipe()
        os.close(reader)
        done = subprocess.run(
            [sys.executable, "-m", "platform_cli", *words],
            env={**os.environ, "PYTHONPATH": str(site), "LOG_LEVEL": "WARN"},
            stdout=writer,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
        os.close(writer)
        return done.returncode, done.stderr

    return run_closed


@pytest.mark.parametrize(
    "words",
    [
        "--help",
        "--version",
        "run hello --help",
        "migrate status --db memory",
        "migrate status --db memory --json",
        "migrate status --offline",
        "migrate up --db memory",
        "rejects list --fs memory",
    ],
)
def test_c19_a_closed_pipe_ends_a_command_quietly(
    module: Module, run_closed: Callable[..., tuple[int, str]], words: str
) -> None:
    module()
    assert run_closed(*words.split()) == (141, "")


def test_c19_a_job_whose_log_has_no_reader_goes_on(module: Module, site: Path) -> None:
    module("async def run(ctx):\n    ctx.log.info('said')\n    print('done')\n    return 3\n")
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "platform_cli", "run", "hello"],
        env={**os.environ, "PYTHONPATH": str(site)},
        stdout=subprocess.PIPE,
        stderr=writer,
        text=True,
        check=False,
    )
    os.close(writer)
    assert (done.returncode, done.stdout.splitlines()[0]) == (1, "done")
    assert "hello failed after " in done.stdout


@pytest.mark.parametrize("closed", ["stdout", "stderr"])
def test_a_process_without_an_output_runs(module: Module, site: Path, closed: str) -> None:
    module("async def run(ctx):\n    ctx.log.info('said')\n    return 0\n")
    number = {"stdout": 1, "stderr": 2}[closed]
    for words in ("run hello", "migrate status --db memory"):
        done = subprocess.run(
            ["/bin/sh", "-c", f'"$0" -m platform_cli {words} {number}>&-', sys.executable],
            env={**os.environ, "PYTHONPATH": str(site)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, "rror" in done.stderr) == (0, False)


def test_c25_a_byte_order_mark_in_module_json_is_not_part_of_it(module: Module, platform: Platform) -> None:
    file = module() / "module.json"
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    assert platform("run", "hello") == (0, "", "")


@pytest.mark.parametrize("typed", COMPOSED)
@pytest.mark.parametrize("installed", COMPOSED)
def test_c25_a_name_is_found_however_its_letters_are_composed(
    install: Install, platform: Platform, typed: Form, installed: Form
) -> None:
    name = "gr\u00fc\u00dfe"
    manifest = {"name": normalize(installed, name), "dependencies": {"interfaces": []}}
    install(
        "greet",
        {"platform.modules": {normalize(installed, name): "greet"}},
        main="async def run(ctx):\n    return 0\n",
        module_json=json.dumps(manifest),
    )
    assert platform("run", normalize(typed, name))[0] == 0


@pytest.fixture
def deleted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Make the working directory is deleted."""
    folder = tmp_path / "gone"
    folder.mkdir()
    monkeypatch.chdir(folder)
    folder.rmdir()
    yield
    os.chdir(tmp_path)  # so that what comes after finds a directory


@pytest.mark.usefixtures("deleted")
@pytest.mark.parametrize("words", ["run hello", "migrate status --db memory --dir x", "rejects list"])
def test_c25_a_working_directory_that_is_gone_is_named(
    module: Module, platform: Platform, words: str
) -> None:
    module()
    assert platform(*words.split()) == (
        2,
        "",
        "error: the working directory cannot be used: No such file or directory; cd to one that exists\n",
    )
    assert platform("--help")[0] == 0


@pytest.mark.parametrize(
    ("name", "file"),
    [("add users", "001_add_users"), (" Add-Users ", "001_add_users"), ("x", "001_x")],
)
def test_c25_the_name_of_a_migration_may_have_blanks(platform: Platform, name: str, file: str) -> None:
    code, out, _ = platform("migrate", "create", "--dir", "versions", "--", name)
    assert (code, out) == (0, f"created {Path('versions').resolve() / file}.py\n")


def test_c25_a_name_with_other_signs_is_refused(platform: Platform) -> None:
    code, _, err = platform("migrate", "create", "it's; rm", "--dir", "versions")
    assert (code, "cannot name a migration" in err, Path("versions").exists()) == (2, True, False)
