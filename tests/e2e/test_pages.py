"""What the pages show works: commands are run, or at least exist, and other blocks are valid."""

from __future__ import annotations

import ast
import configparser
import doctest
import json
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from platform_cli.__main__ import main
from tests.helpers.pages import PAGES, REPOSITORY, Block, find_commands, read_blocks

BLOCKS = {page: read_blocks(page) for page in PAGES}
RUN = [page for page in PAGES if any(block.is_run for block in BLOCKS[page])]
OBJECT_STORE_PAGE = "docs/object-store.md"
# Into an environment of the clone's own, which takes seconds.
INSTALLING = ("docs/modules.md", "docs/tutorial.md")
# Whoever has followed the docs has a module and an adapter of their names.
NEW_NAMES = (("page_views", "sample_views"), ("filesystem acme", "filesystem sample_acme"))
OURS = ("DB_", "FS_", "PLATFORM_", "LOG_", "PG", "MIGRATIONS_")


@pytest.fixture
def clone(tmp_path: Path, embedded_dir: Path) -> Path:
    """Return a copy of the repository, whose files go to a new root."""
    folder = tmp_path / "clone"
    listed = ("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    names = subprocess.run(listed, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout
    # With the versions that are installed here, so that uv need not look for newer ones.
    for name in filter(None, (*names.split("\0"), "uv.lock")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(REPOSITORY / name, folder / name)
    for settings in (folder / ".env").iterdir():
        settings.write_text(settings.read_text().replace("/tmp/", f"{embedded_dir.parent}/"))
    return folder


@pytest.fixture
def object_store(request: pytest.FixtureRequest) -> dict[str, str]:
    """Return what the page on object stores says, and what it is here; for others, nothing."""
    if request.getfixturevalue("page") != OBJECT_STORE_PAGE:
        return {}
    settings = request.getfixturevalue("s3_settings")
    return {
        "http://localhost:9000": settings["FS_S3_ENDPOINT"],
        "BUCKET=lake": f"BUCKET={settings['FS_S3_BUCKET']}",
        "ACCESS_KEY_ID=minioadmin": f"ACCESS_KEY_ID={settings['FS_S3_ACCESS_KEY_ID']}",
        "SECRET_ACCESS_KEY=minioadmin": f"SECRET_ACCESS_KEY={settings['FS_S3_SECRET_ACCESS_KEY']}",
    }


@pytest.mark.parametrize("page", RUN)
def test_the_commands_of_a_page_run(
    page: str, clone: Path, embedded_dir: Path, postgres_url: str, object_store: dict[str, str]
) -> None:
    script = "set -euo pipefail\n" + "\n".join(
        _script(block, number) for number, block in enumerate(BLOCKS[page]) if block.is_run
    )
    for example, here in (
        ("postgresql://user:password@host:5432/name", postgres_url),
        *object_store.items(),
        ("/data/", f"{embedded_dir.parent}/"),
        ("/tmp/", f"{embedded_dir.parent}/"),
        *(NEW_NAMES if page.startswith("docs/") else ()),
    ):
        script = script.replace(example, here)
    if page in INSTALLING:
        subprocess.run(["uv", "venv", "--quiet", "--python", sys.executable], cwd=clone, check=True)
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=clone,
        env=_environment(page, embedded_dir),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for number, output in _outputs(done.stdout):
        if BLOCKS[page][number].language == "console":
            _check_output(BLOCKS[page][number], output)


def _environment(page: str, embedded_dir: Path) -> dict[str, str]:
    """Return that of a user; uv uses the packages of these tests, but where the page installs some."""
    ours = (*OURS, "UV_PROJECT_ENVIRONMENT", "UV_PYTHON", "VIRTUAL_ENV")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    shared = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "UV_PROJECT_ENVIRONMENT": sys.prefix,
        "UV_NO_SYNC": "1",
    }
    return {
        **clean,
        "DB_EMBEDDED_DIR": str(embedded_dir),
        **({} if page in INSTALLING else shared),
    }


def _script(block: Block, number: int) -> str:
    """Return the commands of a block, after a line that announces their output."""
    if block.language == "python":
        text = f"python - <<'END OF BLOCK'\n{block.text}END OF BLOCK\n"
    elif block.language == "console":
        lines = (line[2:] for line in block.text.splitlines() if line.startswith("$ "))
        text = "{\n" + "\n".join(lines) + "\n} 2>&1"
    else:
        text = block.text
    if block.exit_code:
        text = f"set +e\n(\n{text}\n)\ntest $? = {block.exit_code}\nset -e"
    return f"echo '--- block {number}'\n{text}"


def _outputs(stdout: str) -> Iterator[tuple[int, str]]:
    for part in stdout.split("--- block ")[1:]:
        number, _, output = part.partition("\n")
        yield int(number), output


def _check_output(block: Block, output: str) -> None:
    """Compare what a block shows with what it printed; ``...`` stands for anything."""
    shown = "".join(line for line in block.text.splitlines(keepends=True) if not line.startswith("$ "))
    options = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    assert doctest.OutputChecker().check_output(shown, output, options), output


@pytest.mark.parametrize("page", PAGES)
def test_the_blocks_of_a_page_are_valid(page: str) -> None:
    for block in BLOCKS[page]:
        if not block.language.startswith("{"):  # a directive of Sphinx, which `make docs` checks
            CHECKS[block.language](block.text)


@pytest.mark.parametrize("page", PAGES)
def test_a_command_that_is_not_run_has_the_options_it_is_given(
    page: str, orders_site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(orders_site)
    for block in BLOCKS[page]:
        if not block.is_run:
            for arguments in find_commands(block.text):
                assert main([*arguments, "--help"]) == 0, f"line {block.line}: {arguments}"


def _check_nothing(text: str) -> None:
    """Accept what has no parser here."""


def _check_shell(text: str) -> None:
    subprocess.run(["bash", "-n", "-c", text], check=True)


def _check_python(text: str) -> None:
    compile(text, "<page>", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


def _check_unit(text: str) -> None:
    configparser.ConfigParser(strict=False, interpolation=None).read_string(f"[settings]\n{text}")


CHECKS: dict[str, Callable[[str], Any]] = {
    **dict.fromkeys(("", "console", "dockerfile", "text"), _check_nothing),
    "bash": _check_shell,
    "ini": _check_unit,
    "json": json.loads,
    "python": _check_python,
    "toml": tomllib.loads,
    "yaml": yaml.safe_load,
}
