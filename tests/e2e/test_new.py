"""What `platform new` writes obeys the rules of the workspace, and its own tests pass: a few of all kinds.

`make templates` tries all of them.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from platform_cli.scaffold import MODULES, NewPackage, create, parse_name
from tests.helpers.pages import PAGES, REPOSITORY, read_blocks

MODULE = NewPackage(
    MODULES, parse_name("zebra_sample"), frozenset({"database", "filesystem", "logging", "migrations"})
)
MEMBERS = ("modules/zebra_sample", "packages/platform-zebra-sample")
ADAPTER = NewPackage("filesystem", parse_name("zebra_sample"), frozenset({"filesystem"}))


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a workspace with the names of ours, and a new module and adapter, which sort behind them."""
    root = tmp_path_factory.mktemp("workspace")
    for name in ("LICENSE", "pyproject.toml"):
        shutil.copy(REPOSITORY / name, root)
    (root / "packages").mkdir()
    for member in REPOSITORY.glob("packages/*"):
        (root / "packages" / member.name).symlink_to(member)
    for new in (MODULE, ADAPTER):
        create(new, root, is_chosen=False)
    return root


def run(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    sources = os.pathsep.join(f"{cwd}/{member}/src" for member in MEMBERS)
    return subprocess.run(
        [sys.executable, "-m", *words, *MEMBERS],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": sources},
        capture_output=True,
        text=True,
        check=False,
    )


def test_they_are_linted_and_formatted(workspace: Path) -> None:
    for words in (("check",), ("format", "--check")):
        done = run("ruff", *words, cwd=workspace)
        assert done.returncode == 0, done.stdout


def test_the_tests_of_a_module_pass_and_those_of_an_adapter_fail_by_what_is_not_written_yet(
    workspace: Path,
) -> None:
    done = run("pytest", "--tb=line", "-q", cwd=workspace)
    assert done.returncode == 1, done.stdout
    assert "modules/zebra_sample" not in done.stdout
    errors = [line for line in done.stdout.splitlines() if "Error" in line]
    assert errors
    assert [line for line in errors if not line.endswith(" is not written yet")] == []


def test_the_parts_of_files_that_the_pages_show_are_in_them(tmp_path: Path) -> None:
    shutil.copy(REPOSITORY / "pyproject.toml", tmp_path)
    names = {
        "page_views": "sample_views",
        "acme": "sample_acme",
        "Acme": "SampleAcme",
    }  # users may have these
    create(NewPackage(MODULES, parse_name("sample_views"), MODULE.features), tmp_path, is_chosen=False)
    create(NewPackage("filesystem", parse_name("sample_acme"), ADAPTER.features), tmp_path, is_chosen=False)
    parts = [block for page in PAGES for block in read_blocks(page) if block.reason.startswith("a part of ")]
    assert len(parts) == 3
    for block in parts:
        file, text = block.reason.removeprefix("a part of "), block.text
        for shown, name in names.items():
            file, text = file.replace(shown, name), text.replace(shown, name)
        assert text in (tmp_path / file.replace("platform-sample_", "platform-sample-")).read_text()
