import shutil
from pathlib import Path

import pytest

from tools.check_workspace import ROOT, Workspace

ROOT_MANIFEST = """\
[project]
name = "root"
version = "0.0.0"
requires-python = ">=3.11"
dependencies = ["lower-part[extra]", "Upper_Part"]

[tool.uv.workspace]
members = ["packages/*"]

[tool.uv.sources]
lower-part = { workspace = true }
upper-part = { workspace = true }

[tool.importlinter]
root_packages = ["lower_part", "upper_part"]
"""
LOWER = """\
[project]
name = "lower-part"
version = "0.2.1"
requires-python = ">=3.11"
dependencies = []

[project.optional-dependencies]
all = ["lower-part[extra]"]
extra = ["third-party"]
"""
UPPER = """\
[project]
name = "upper-part"
version = "1.0.0"
requires-python = ">=3.11"
dependencies = ["lower-part>=0.2,<0.3"]

[dependency-groups]
dev = ["lower-part[extra]"]
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Make a workspace without a breach."""
    (tmp_path / "pyproject.toml").write_text(ROOT_MANIFEST)
    for name, version, manifest in (("lower-part", "0.2.1", LOWER), ("upper-part", "1.0.0", UPPER)):
        member = tmp_path / "packages" / name
        source = member / "src" / name.replace("-", "_")
        source.mkdir(parents=True)
        (member / "tests").mkdir()
        (source / "py.typed").touch()
        (source / "__init__.py").touch()
        (member / "README.md").touch()
        (member / "LICENSE").touch()
        (member / "CHANGELOG.md").write_text(f"# Changelog\n\n## {version}\n")
        (member / "pyproject.toml").write_text(manifest)
    return tmp_path


def breaches(root: Path) -> list[str]:
    return list(Workspace(root).breaches())


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_a_workspace_in_order_has_no_breach(root: Path) -> None:
    assert breaches(root) == []


def test_this_workspace_has_none() -> None:
    assert breaches(ROOT) == []


@pytest.mark.parametrize(
    ("old", "new", "breach"),
    [
        (', "Upper_Part"', "", """add '"upper-part",' to the dependencies of the root"""),
        (
            "upper-part = { workspace = true }\n",
            "",
            "add 'upper-part = { workspace = true }' to [tool.uv.sources]",
        ),
        (', "upper_part"', "", """add '"upper_part",' to root_packages in [tool.importlinter]"""),
    ],
)
def test_a_member_that_the_root_does_not_know(root: Path, old: str, new: str, breach: str) -> None:
    edit(root / "pyproject.toml", old, new)
    [found] = breaches(root)
    assert found.startswith(f"upper-part: {breach}")


@pytest.mark.parametrize(
    ("old", "new", "breach"),
    [
        (">=0.2,<0.3", "", "'lower-part' needs a floor and a ceiling"),
        (">=0.2,<0.3", ">=0.2", "'lower-part>=0.2' needs a floor and a ceiling"),
        (">=0.2,<0.3", "<0.3", "'lower-part<0.3' needs a floor and a ceiling"),
        (">=0.2,<0.3", ">=0.1,<0.2", "'lower-part<0.2,>=0.1' does not admit 0.2.1"),
        ("lower-part[extra]", "lower-part<0.2", "'lower-part<0.2' does not admit 0.2.1"),
        ('requires-python = ">=3.11"', 'requires-python = ">=3.12"', "requires-python is '>=3.12'"),
        ("[dependency-groups]", "[tool.ruff]\n[dependency-groups]", "move [tool.ruff] to the root"),
        ("[dependency-groups]", "[tool.pytest.ini_options]\n[dependency-groups]", "move [tool.pytest]"),
        ("1.0.0", "1.0.1", "CHANGELOG.md has no heading '## 1.0.1'"),
    ],
)
def test_a_manifest_that_is_not_in_order(root: Path, old: str, new: str, breach: str) -> None:
    edit(root / "packages/upper-part/pyproject.toml", old, new)
    [found] = breaches(root)
    assert found.startswith(f"upper-part: {breach}")


def test_an_extra_needs_bounds_too(root: Path) -> None:
    edit(root / "packages/lower-part/pyproject.toml", '"third-party"', '"upper-part"')
    assert breaches(root) == ["lower-part: 'upper-part' needs a floor and a ceiling, such as '>=0.1,<0.2'"]


@pytest.mark.parametrize("name", ["README.md", "CHANGELOG.md", "LICENSE", "src/lower_part/py.typed"])
def test_a_file_that_is_missing(root: Path, name: str) -> None:
    (root / "packages/lower-part" / name).unlink()
    assert breaches(root) == [f"lower-part: {name} is missing"]


def test_a_folder_that_no_import_contract_sees(root: Path) -> None:
    folder = root / "packages/lower-part/src/lower_part/migrations"
    folder.mkdir()
    assert breaches(root) == []
    (folder / "001_create_users.py").touch()
    name = "src/lower_part/migrations/__init__.py"
    assert breaches(root) == [
        f"lower-part: {name} is missing: without it, no import contract sees that folder"
    ]


@pytest.mark.parametrize(
    ("name", "breach"),
    [
        ("packages/lower-part/tests/__init__.py", "remove it"),
        ("packages/lower-part/tests/unit/__init__.py", "remove it"),
        ("tools/tests/__init__.py", "remove it"),
        ("packages/lower-part/src/lower_part/platform.py", "rename it"),
        ("packages/lower-part/src/platform/thing.txt", "rename it"),
    ],
)
def test_a_name_that_is_taken(root: Path, name: str, breach: str) -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).touch()
    [found] = breaches(root)
    assert breach in found
    assert str(Path(name).parent) in found


@pytest.mark.parametrize("name", [".venv/lib/platform.py", "dist/platform.py", ".platform/data"])
def test_what_is_hidden_or_built_is_not_looked_at(root: Path, name: str) -> None:
    (root / name).parent.mkdir(parents=True)
    (root / name).touch()
    assert breaches(root) == []


def add_member(folder: Path) -> None:
    """Make a member that is in order by itself."""
    name, import_name = folder.name.replace("_", "-"), folder.name.replace("-", "_")
    (folder / "src" / import_name).mkdir(parents=True)
    (folder / "src" / import_name / "py.typed").touch()
    (folder / "README.md").touch()
    (folder / "LICENSE").touch()
    (folder / "CHANGELOG.md").write_text("# Changelog\n\n## 1.0.0\n")
    manifest = UPPER.replace("upper-part", name).replace('["lower-part>=0.2,<0.3"]', "[]")
    (folder / "pyproject.toml").write_text(manifest.partition("[dependency-groups]")[0])


def test_a_new_adapter_and_a_new_module_need_three_entries_each_which_are_all_named(tmp_path: Path) -> None:
    root = tmp_path / "copy"
    shutil.copytree(ROOT, root, ignore=shutil.ignore_patterns(".*", "__pycache__", "dist"))
    shutil.copy(ROOT / "pyproject.toml", root)
    add_member(root / "packages" / "platform-new")
    add_member(root / "modules" / "new_job")
    found = breaches(root)
    assert [(line.partition(": ")[0], line.partition(" to ")[2].split(", ")[0]) for line in found] == [
        (member, entry_list)
        for member in ("new-job", "platform-new")
        for entry_list in (
            "the dependencies of the root",
            "[tool.uv.sources] of the root",
            "root_packages in [tool.importlinter] of the root",
        )
    ]
    for line, after in zip(
        found, ["dependencies = [\n", "[tool.uv.sources]\n", "root_packages = [\n"] * 2, strict=True
    ):
        entry = line.split("'")[1]
        edit(root / "pyproject.toml", after, f"{after}{entry}\n")
    assert breaches(root) == []


@pytest.mark.parametrize(
    ("text", "breach"),
    [
        (None, "packages/stray: there is no pyproject.toml"),
        ("[project", "packages/stray: pyproject.toml cannot be read"),
        (b"\xff", "packages/stray: pyproject.toml cannot be read"),
        ("[tool.other]", "packages/stray: pyproject.toml has no [project]"),
        ("project = 1", "packages/stray: project is 1: make it a table"),
        ("[project]\nname = 3\nversion = '1'", "stray: project.name is 3: make it text"),
        ("[project]\nname = 'stray'\nversion = 'x'", "stray: project.version is 'x': make it a version"),
        ("[project]\nversion = 1.0", "stray: project.version is 1.0: make it text"),
        ("[project]\ndependencies = 'a'", "stray: project.dependencies is 'a': make it a list"),
        ("[project]\ndependencies = ['a b c']", "stray: project.dependencies: 'a b c': "),
        ("[project]\noptional-dependencies = []", "stray: project.optional-dependencies is []: make it a"),
        ("tool = 1\n[project]\nversion = '1'", "stray: tool is 1: make it a table"),
        (
            "dependency-groups = {dev = [{include-group = 'a'}, 3]}\n[project]\nversion = '1'",
            "stray: README.md is missing",
        ),
    ],
)
def test_a_member_that_cannot_be_read_is_a_breach_like_any_other(
    root: Path, text: str | bytes | None, breach: str
) -> None:
    folder = root / "packages" / "stray"
    folder.mkdir()
    if text is not None:
        (folder / "pyproject.toml").write_bytes(text if isinstance(text, bytes) else text.encode())
    edit(root / "packages/upper-part/pyproject.toml", ">=0.2,<0.3", "")
    found = breaches(root)
    assert any(line.startswith(breach) for line in found), found
    assert "upper-part: 'lower-part' needs a floor and a ceiling, such as '>=0.1,<0.2'" in found


@pytest.mark.parametrize(
    ("old", "new", "breach"),
    [
        (ROOT_MANIFEST, "[project", "pyproject.toml cannot be read"),
        ('"packages/*"', '"", "/*", 3, "packages/*"', "tool.uv.workspace.members: '': "),
        ("[tool.uv.sources]", "[tool.uv.source]", "to [tool.uv.sources] of the root"),
        (
            'root_packages = ["lower_part", "upper_part"]',
            "root_packages = 1",
            "root_packages is 1: make it a",
        ),
    ],
)
def test_a_root_that_cannot_be_read_is_a_breach(root: Path, old: str, new: str, breach: str) -> None:
    edit(root / "pyproject.toml", old, new)
    found = breaches(root)
    assert any(breach in line for line in found), found


def test_a_folder_that_links_to_itself_is_walked_once(root: Path) -> None:
    (root / "loop").symlink_to(root)
    assert breaches(root) == []


def test_an_example_is_a_member_that_the_root_does_not_install(root: Path) -> None:
    shutil.copytree(root / "packages" / "upper-part", root / "examples" / "shown")
    shutil.move(root / "examples/shown/src/upper_part", root / "examples/shown/src/shown")
    edit(root / "examples/shown/pyproject.toml", '"upper-part"', '"shown"')
    edit(root / "pyproject.toml", '["packages/*"]', '["packages/*", "examples/*"]')
    assert breaches(root) == []
