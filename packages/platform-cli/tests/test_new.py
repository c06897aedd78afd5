"""`platform new`: what it writes, what it says, and that it writes all or nothing."""

import os
import signal
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from platform_cli.__main__ import main
from platform_cli.scaffold import writing

Platform = Callable[..., tuple[int, str, str]]

MANIFEST = """\
# The root.
[project]
name = "root"
requires-python = ">=3.11"
dependencies = [
    "batch-etl", # the first
    # why the next one is here
    "platform-cli[all]",
]

[tool.uv.workspace]
members = ["packages/*", "modules/*", "examples/*"]

[tool.uv.sources]
platform-interfaces = { workspace = true } # the base

[tool.importlinter]
root_packages = [
    "platform_interfaces",
    "batch_etl",
]
"""
ENTERED = """\
# The root.
[project]
name = "root"
requires-python = ">=3.11"
dependencies = [
    "batch-etl", # the first
    # why the next one is here
    "odd-views",
    "platform-cli[all]",
]

[tool.uv.workspace]
members = ["packages/*", "modules/*", "examples/*"]

[tool.uv.sources]
platform-interfaces = { workspace = true } # the base
odd-views = { workspace = true }

[tool.importlinter]
root_packages = [
    "platform_interfaces",
    "batch_etl",
    "odd_views",
]
"""


@pytest.fixture
def workspace(project: Path) -> Path:
    (project / "pyproject.toml").write_text(MANIFEST)
    (project / "LICENSE").write_text("ours\n")
    (project / "modules").mkdir()
    return project


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def test_a_module_becomes_a_member_of_the_workspace(workspace: Path, platform: Platform) -> None:
    code, out, err = platform("new", "module", "odd-views")
    assert (code, err) == (0, "")
    assert (workspace / "pyproject.toml").read_text() == ENTERED
    assert (workspace / "modules/odd_views/LICENSE").read_text() == "ours\n"
    assert (
        out
        == f"""\
wrote {workspace}/modules/odd_views: 10 files
added odd-views to pyproject.toml: dependencies, sources and root_packages

Next, in {workspace}:

  uv run pytest modules/odd_views/tests
  FS_LOCAL_ROOT=modules/odd_views/samples uv run platform run odd_views --date 2026-01-15
  make check

What it does is an example, in modules/odd_views/src/odd_views/main.py: replace it.
"""
    )


def test_an_adapter_becomes_a_member_of_the_workspace(workspace: Path, platform: Platform) -> None:
    (workspace / "packages").mkdir()
    code, out, _ = platform("new", "adapter", "filesystem", "odd_store")
    assert (
        code,
        (workspace / "packages/platform-odd-store/src/platform_odd_store/filesystem.py").is_file(),
    ) == (
        0,
        True,
    )
    assert "  uv run pytest -x --tb=line packages/platform-odd-store/tests\n  make check\n" in out
    manifest = tomllib.loads((workspace / "pyproject.toml").read_text())
    assert manifest["project"]["dependencies"][-1] == "platform-odd-store"
    assert manifest["tool"]["importlinter"]["root_packages"][-1] == "platform_odd_store"


def test_the_line_ends_and_permissions_of_the_root_stay(workspace: Path, platform: Platform) -> None:
    root = workspace / "pyproject.toml"
    root.write_bytes(MANIFEST.replace("\n", "\r\n").encode())
    root.chmod(0o640)
    assert platform("new", "module", "odd_views")[0] == 0
    assert root.read_bytes() == ENTERED.replace("\n", "\r\n").encode()
    assert root.stat().st_mode & 0o777 == 0o640
    assert (workspace / "modules/odd_views").stat().st_mode & 0o777 == 0o777 & ~_umask()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_a_root_that_is_a_link_stays_one(workspace: Path, platform: Platform, tmp_path: Path) -> None:
    root, real = workspace / "pyproject.toml", tmp_path / "elsewhere.toml"
    root.rename(real)
    root.symlink_to(real)
    assert platform("new", "module", "odd_views")[0] == 0
    assert (root.is_symlink(), real.read_text()) == (True, ENTERED)


def test_it_is_found_from_a_folder_below(
    workspace: Path, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    below = workspace / "packages/platform-x/src"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert platform("new", "module", "odd_views")[0] == 0
    assert (workspace / "modules/odd_views").is_dir()


def test_in_a_folder_of_members_it_is_made_there(workspace: Path, platform: Platform) -> None:
    (workspace / "examples").mkdir()
    assert platform("new", "module", "odd_views", "--in", "examples")[0] == 0
    assert (workspace / "examples/odd_views").is_dir()


def test_a_chosen_folder_that_is_not_for_members_is_refused(workspace: Path, platform: Platform) -> None:
    (workspace / "docs").mkdir()
    before = files(workspace)
    code, out, err = platform("new", "module", "odd_views", "--in", "docs")
    assert (code, out, files(workspace)) == (2, "", before)
    assert "whose members are in packages/*, modules/*, examples/*" in err
    code, _, err = platform("new", "module", "odd_views", "--in", "nowhere")
    assert (code, "does not exist" in err) == (2, True)


def test_an_interface_that_a_given_list_lacks_is_named(project: Path, platform: Platform) -> None:
    _, out, _ = platform("new", "module", "odd_views", "--migration", "--interfaces", "logging")
    assert "added 'database' to its interfaces: a migration needs it\n" in out


def test_outside_of_a_workspace_it_is_a_project_that_names_its_clone(
    project: Path, platform: Platform
) -> None:
    code, out, _ = platform("new", "module", "odd_views", "--migration")
    folder = project / "odd_views"
    assert (code, f"Next, in {folder}:\n\n  uv run pytest tests\n" in out) == (0, True)
    assert '--date 2026-01-15\n  uv run platform query "TABLE odd_views_days"\n' in out
    assert "added 'database'" not in out
    assert "FS_LOCAL_ROOT" not in out
    sources = tomllib.loads((folder / "pyproject.toml").read_text())["tool"]["uv"]["sources"]
    assert [*sources] == ["platform-cli", "platform-interfaces", "platform-memory", "platform-migrate"]
    for name, source in sources.items():
        assert not Path(source["path"]).is_absolute()
        assert (folder / source["path"] / "pyproject.toml").resolve().parent.name == name


def test_all_interfaces_can_be_chosen_and_unknown_ones_are_refused_with_the_nearest(
    project: Path, platform: Platform
) -> None:
    assert (
        platform(
            "new", "module", "all_of_them", "--interfaces", "database, filesystem,logging,secrets,executor"
        )[0]
        == 0
    )
    unknown = "there are database, filesystem, logging, secrets, executor (did you mean"
    for given, text in (
        ("databse", f"unknown interface 'databse': {unknown} 'database'?)"),
        ("fs,logging", f"unknown interface 'fs': {unknown} 'filesystem'?)"),
        (
            " , ",
            "--interfaces names none: give at least one of database, filesystem, logging, secrets, executor",
        ),
    ):
        assert platform("new", "module", "odd_views", "--interfaces", given) == (2, "", f"error: {text}\n")
    code, _, err = platform("new", "adapter", "db", "acme")
    assert (code, "(did you mean 'database'?)" in err) == (2, True)
    assert not (project / "odd_views").exists()


def test_a_name_that_exists_leaves_everything_as_it_is(workspace: Path, platform: Platform) -> None:
    assert platform("new", "module", "odd_views")[0] == 0
    before = files(workspace)
    code, out, err = platform("new", "module", "odd-views")
    assert (code, out, "cannot be called 'odd_views'" in err) == (2, "", True)
    assert files(workspace) == before


def test_a_root_without_the_lists_is_refused(workspace: Path, platform: Platform) -> None:
    root = workspace / "pyproject.toml"
    root.write_text(MANIFEST.partition("[tool.importlinter]")[0])
    before = files(workspace)
    code, _, err = platform("new", "module", "odd_views")
    assert (code, "lacks one of project.dependencies" in err, files(workspace)) == (2, True, before)


def test_a_root_that_is_not_toml_is_named(workspace: Path, platform: Platform) -> None:
    (workspace / "pyproject.toml").write_text("[project\n")
    code, _, err = platform("new", "module", "odd_views")
    assert (code, "pyproject.toml' cannot be read" in err) == (2, True)


def test_another_process_that_changes_the_root_is_not_overtaken(workspace: Path, platform: Platform) -> None:
    (workspace / ".pyproject.toml.draft").touch()
    before = files(workspace)
    code, _, err = platform("new", "module", "odd_views")
    assert (code, "another process is changing" in err) == (1, True)
    assert files(workspace) == before


@pytest.mark.parametrize("call", ["write_bytes", "mkdir", "replace"])
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_failure_at_any_call_leaves_everything_as_it_was(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, call: str, error: BaseException
) -> None:
    before = files(workspace)
    real: Any = getattr(Path, call)
    for successes in range(100):
        calls = iter(range(successes))

        def failing(path: Path, *args: Any, calls: Any = calls, **kwargs: Any) -> Any:
            if next(calls, None) is None and ".new-" in str(path) + "".join(map(str, args)):
                raise error
            return real(path, *args, **kwargs)

        with monkeypatch.context() as patch:
            patch.setattr(Path, call, failing)
            code = main(["new", "module", "odd_views"])
        if code == 0:
            assert successes > 0
            return
        assert code in (1, 130)
        assert files(workspace) == before
        assert [path.name for path in (workspace / "modules").iterdir()] == []
    pytest.fail("it never succeeded")


def test_a_root_that_cannot_be_replaced_takes_the_package_back(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = files(workspace)
    real = Path.replace

    def failing(path: Path, target: Path) -> Path:
        if path.name == ".pyproject.toml.draft":
            raise OSError(13, "Permission denied", str(path), None, str(target))
        return real(path, target)

    monkeypatch.setattr(Path, "replace", failing)
    assert main(["new", "module", "odd_views"]) == 1
    assert "Permission denied; nothing has changed" in capsys.readouterr().err
    assert files(workspace) == before


def test_a_signal_waits_until_both_are_renamed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [(tmp_path / f"old{n}", tmp_path / f"new{n}") for n in range(2)]
    for old, _ in names:
        old.touch()
    real = Path.replace

    def interrupted(path: Path, target: Path) -> Path:
        os.kill(os.getpid(), signal.SIGINT)
        return real(path, target)

    monkeypatch.setattr(Path, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        writing._rename_all(names)
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == ["new0", "new1"]
