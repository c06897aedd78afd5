"""The templates run as they are, in their own tests; here is what is made of them."""

import json
import shutil
import tomllib
from collections.abc import Iterator
from itertools import chain, combinations
from pathlib import Path

import pytest

from platform_cli.interfaces import INTERFACES
from platform_cli.manifest import INTERFACE_KINDS
from platform_cli.scaffold import MODULES, NewPackage, parse_name
from platform_cli.scaffold.rendering import TEMPLATES, render
from platform_cli.scaffold.workspace import Workspace

WORKSPACE = Workspace(Path(__file__).parents[3], {"project": {"requires-python": ">=3.12", "license": "X"}})
ALL = frozenset({*INTERFACE_KINDS, "migrations"})


def subsets() -> Iterator[frozenset[str]]:
    """Yield all sets of interfaces that a module may have, those with a database also with migrations."""
    sizes = range(1, len(INTERFACE_KINDS) + 1)
    for kinds in chain.from_iterable(combinations(INTERFACE_KINDS, size) for size in sizes):
        yield frozenset(kinds)
        if "database" in kinds:
            yield frozenset({*kinds, "migrations"})


def render_module(
    features: frozenset[str] = ALL, name: str = "odd_views", workspace: Workspace | None = WORKSPACE
) -> dict[str, str]:
    files = render(NewPackage(MODULES, parse_name(name), features), workspace, {})
    return {path.as_posix(): content.decode() for path, content in files.items()}


def render_adapter(kind: str, name: str = "acme") -> dict[str, str]:
    files = render(NewPackage(kind, parse_name(name), frozenset({kind})), WORKSPACE, {})
    return {path.as_posix(): content.decode() for path, content in files.items()}


def imported(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith(("import ", "from "))]


@pytest.mark.parametrize("features", [*subsets()], ids=lambda features: ",".join(sorted(features)))
def test_a_module_has_what_it_declares_and_nothing_else(features: frozenset[str]) -> None:
    files = render_module(features)
    manifest = json.loads(files["src/odd_views/module.json"])
    assert set(manifest["dependencies"]["interfaces"]) == features - {"migrations"}
    assert ("migrations" in manifest) == ("migrations" in features)
    assert any("/migrations/" in path for path in files) == ("migrations" in features)
    uses = {each.kind for each in INTERFACES if f"ctx.{each.field}." in files["src/odd_views/main.py"]}
    assert uses == features - {"migrations"}
    for path, text in files.items():
        assert "[end]" not in text, path
        if path.endswith(".py"):
            compile(text, path, "exec")


@pytest.mark.parametrize("kind", INTERFACE_KINDS)
def test_an_adapter_has_the_files_of_its_interface_and_none_of_the_others(kind: str) -> None:
    files = render_adapter(kind)
    assert {Path(path).stem for path in files if path.startswith("src/")} == {"__init__", kind, "py"}
    assert {Path(path).stem for path in files if path.startswith("tests/")} == {
        f"test_{kind}",
        "test_public_names",
    }
    project = tomllib.loads(files["pyproject.toml"])["project"]
    [[group, adapters]] = project["entry-points"].items()
    assert (group, [*adapters]) == (f"platform.{kind}", ["acme"])
    package, _, name = adapters["acme"].partition(":")
    assert f"class {name}(" in files[f"src/{package}/{kind}.py"]


def test_nothing_of_the_name_of_the_template_is_left() -> None:
    for files in (render_module(), *map(render_adapter, INTERFACE_KINDS)):
        for path, text in files.items():
            shown = f"{path} {text}".lower().replace("-", "_")
            assert "new_module" not in shown
            assert "new_adapter" not in shown
            assert "newadapter" not in shown


@pytest.mark.parametrize("name", ["a", "platformer", "zebra"])
def test_imports_are_in_the_order_of_the_new_name(name: str) -> None:
    lines = imported(render_module(name=name)["tests/test_main.py"])
    ours = lines[lines.index("import pytest_asyncio") + 1 :]
    assert ours[0] == "import platform_migrate"
    modules = [line.split()[1] for line in ours[1:]]
    assert modules == sorted(modules)
    assert f"{name}.main" in modules


def test_imports_are_those_that_are_used() -> None:
    assert imported(render_module(frozenset({"logging"}))["tests/test_main.py"]) == [
        "import pytest",
        "from odd_views.main import check_run, run",
        "from platform_interfaces import ConfigurationError",
        "from platform_interfaces.testing import JobHarness",
        "from platform_memory import MemoryLogger",
    ]


def test_a_member_has_the_licence_and_the_python_of_its_root() -> None:
    files = render_module()
    project = tomllib.loads(files["pyproject.toml"])["project"]
    assert (project["requires-python"], project["license"]) == (">=3.12", "X")
    assert files["LICENSE"] == (WORKSPACE.root / "LICENSE").read_text()
    assert ".gitignore" not in files
    assert "tool" not in tomllib.loads(files["pyproject.toml"])


def test_a_project_of_its_own_has_settings_and_no_licence_of_ours() -> None:
    files = render_module(workspace=None)
    manifest = tomllib.loads(files["pyproject.toml"])
    assert "license" not in manifest["project"]
    assert "LICENSE" not in files
    assert manifest["tool"]["pytest"]["asyncio_mode"] == "auto"
    assert {".gitignore", ".env/local.env", "samples/raw/2026-01-15/a.jsonl"} <= files.keys()
    assert "samples/raw/2026-01-15/a.jsonl" not in render_module(frozenset({"logging"}), workspace=None)


def test_what_tools_leave_in_a_template_is_not_a_part_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = render_module()
    for path in (".venv/x.py", ".mypy_cache/x.json", "src/new_module/__pycache__/main.pyc"):
        file = tmp_path / "module" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    shutil.copytree(TEMPLATES / "module", tmp_path / "module", dirs_exist_ok=True)
    monkeypatch.setattr("platform_cli.scaffold.rendering.TEMPLATES", tmp_path)
    assert render_module() == before


@pytest.mark.parametrize("page", ["module", "adapter"])
def test_a_readme_is_short(page: str) -> None:
    files = render_module() if page == "module" else render_adapter("database")
    assert len(files["README.md"].splitlines()) < 60
