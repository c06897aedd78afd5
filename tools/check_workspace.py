"""Check what has to hold in the workspace and uv does not see to; exit 1 with a line for each breach."""

import os
import sys
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

ROOT = Path(__file__).parent.parent
ROOT_TABLES = {"importlinter", "mypy", "pytest", "ruff", "uv"}


@dataclass
class Table:
    """A table of a pyproject.toml; a value of another type is empty, and a problem."""

    values: dict[str, Any]
    name: str = ""
    problems: list[str] = field(default_factory=list)

    def table(self, key: str) -> "Table":
        """Return the table at ``key``, which shares ``problems``."""
        return Table(self._get(key, dict, "a table", {}), f"{self.name}{key}.", self.problems)

    def text(self, key: str) -> str:
        """Return the text at ``key``."""
        return str(self._get(key, str, "text", ""))

    def texts(self, key: str) -> list[str]:
        """Return the texts in the list at ``key``; what else is in it is left out."""
        return [item for item in self._get(key, list, "a list", []) if isinstance(item, str)]

    def requirements(self, keys: Iterable[str]) -> list[Requirement]:
        """Return the requirements in the lists at ``keys``."""
        found = []
        for key in keys:
            for text in self.texts(key):
                try:
                    found.append(Requirement(text))
                except InvalidRequirement as error:
                    self.problems.append(f"{self.name}{key}: {text!r}: {error}".splitlines()[0])
        return found

    def _get(self, key: str, kind: type, label: str, default: Any) -> Any:
        value = self.values.get(key, default)
        if isinstance(value, kind):
            return value
        self.problems.append(f"{self.name}{key} is {value!r}: make it {label}")
        return default


class Project:
    """A folder with a pyproject.toml, read as far as it can be.

    Attributes:
        problems: what cannot be read, and why.
        is_read: whether there is a ``[project]`` to check.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.problems = folder, list[str]()
        self.manifest = Table(self._load(), problems=self.problems)
        project = self.manifest.table("project")
        self.is_read = bool(project.values)
        if not (self.is_read or self.problems):
            self.problems.append("pyproject.toml has no [project]")
        self.name = canonicalize_name(project.text("name") or folder.name)
        self.requires_python = project.text("requires-python")
        self.version = self._version(project.text("version")) if self.is_read else None
        extras = project.table("optional-dependencies")
        self.published = [*project.requirements(["dependencies"]), *extras.requirements(extras.values)]
        groups = self.manifest.table("dependency-groups")
        self.requirements = [*self.published, *groups.requirements(groups.values)]

    def _load(self) -> dict[str, Any]:
        try:
            return tomllib.loads((self.folder / "pyproject.toml").read_text(encoding="utf-8"))
        except FileNotFoundError:
            self.problems.append("there is no pyproject.toml: add one, or move the folder elsewhere")
        except (OSError, ValueError) as error:
            self.problems.append(f"pyproject.toml cannot be read: {error}")
        return {}

    def _version(self, text: str) -> Version | None:
        try:
            return Version(text)
        except InvalidVersion:
            self.problems.append(f"project.version is {text!r}: make it a version, such as '0.1.0'")
            return None

    @property
    def import_name(self) -> str:
        """Return the name of its package in Python."""
        return self.name.replace("-", "_")


class Workspace:
    """The root and its members."""

    def __init__(self, folder: Path) -> None:
        self.root = Project(folder)
        tool = self.root.manifest.table("tool")
        uv = tool.table("uv")
        self._sources = {canonicalize_name(name) for name in uv.table("sources").values}
        self._root_packages = tool.table("importlinter").texts("root_packages")
        projects = [Project(path) for path in self._find(uv.table("workspace").texts("members"))]
        self.members = {project.name: project for project in projects if project.is_read}
        self._unread = [project for project in projects if not project.is_read]
        # Packages that a member writes for users: its own code does not import them.
        self._templates = [
            Project(file.parent)
            for member in self.members.values()
            for file in sorted((member.folder / "src").rglob("pyproject.toml"))
        ]

    def breaches(self) -> Iterator[str]:
        """Yield a line for each, with what to do about it."""
        members = self.members.values()
        breaches = {member.name: [*self._check(member)] for member in members}
        breaches |= {template.name: [*self._check_bounds(template)] for template in self._templates}
        for project in (self.root, *members, *self._templates, *self._unread):
            subject = (
                project.name if project.is_read else project.folder.relative_to(self.root.folder).as_posix()
            )
            for breach in (*project.problems, *breaches.get(project.name, ())):
                yield f"{subject}: {breach}"
        yield from self._check_names()

    def _find(self, patterns: Iterable[str]) -> list[Path]:
        """Return the folders of the members."""
        found = set[Path]()
        for pattern in patterns:
            try:
                found.update(self.root.folder.glob(pattern))
            except (ValueError, NotImplementedError) as error:
                self.root.problems.append(f"tool.uv.workspace.members: {pattern!r}: {error}")
        return sorted(path for path in found if path.is_dir() and not path.name.startswith("."))

    def _check(self, member: Project) -> Iterator[str]:
        if member.folder.parent.name != "examples":  # these are not installed
            yield from self._check_root_lists(member)
        yield from self._check_bounds(member)
        yield from self._check_files(member)
        yield from self._check_manifest(member)

    def _check_root_lists(self, member: Project) -> Iterator[str]:
        """Yield the lists of the root that a member is missing in; there are no others to add it to."""
        if member.name not in {canonicalize_name(need.name) for need in self.root.published}:
            yield f"add '\"{member.name}\",' to the dependencies of the root, for 'uv sync' to install it"
        if member.name not in self._sources:
            yield f"add '{member.name} = {{ workspace = true }}' to [tool.uv.sources] of the root"
        if member.import_name not in self._root_packages:
            yield (
                f"add '\"{member.import_name}\",' to root_packages in [tool.importlinter] of the root, "
                "for its imports to be checked"
            )

    def _check_bounds(self, member: Project) -> Iterator[str]:
        """Yield wrong bounds between members: uv overlooks them, who installs the wheels meets them."""
        for need in member.published:
            if self._sibling(member, need) and not {"<", ">="} <= {part.operator for part in need.specifier}:
                yield f"'{need}' needs a floor and a ceiling, such as '>=0.1,<0.2'"
        for need in member.requirements:
            sibling = self._sibling(member, need)
            if sibling and sibling.version and sibling.version not in need.specifier:
                yield f"'{need}' does not admit {sibling.version}: move its bounds"

    def _sibling(self, member: Project, need: Requirement) -> Project | None:
        name = canonicalize_name(need.name)
        return None if name == member.name else self.members.get(name)

    def _check_manifest(self, member: Project) -> Iterator[str]:
        if tables := ROOT_TABLES & member.manifest.table("tool").values.keys():
            names = ", ".join(f"[tool.{table}]" for table in sorted(tables))
            yield f"move {names} to the root, which it would replace here"
        if member.requires_python != self.root.requires_python:
            yield (
                f"requires-python is {member.requires_python!r}: "
                f"make it {self.root.requires_python!r}, as in the root"
            )

    def _check_files(self, member: Project) -> Iterator[str]:
        typed = Path("src", member.import_name, "py.typed")
        for path in (Path("README.md"), Path("CHANGELOG.md"), Path("LICENSE"), typed):
            if not (member.folder / path).is_file():
                yield f"{path} is missing"
        source = member.folder / "src" / member.import_name
        templates = [template.folder for template in self._templates]
        for folder in sorted({file.parent for file in source.rglob("*.py")}):
            is_own = not any(folder.is_relative_to(template) for template in templates)
            if is_own and not (folder / "__init__.py").is_file():
                path = folder.relative_to(member.folder) / "__init__.py"
                yield f"{path} is missing: without it, no import contract sees that folder"
        changelog = member.folder / "CHANGELOG.md"
        if changelog.is_file() and member.version:
            text = changelog.read_text(encoding="utf-8", errors="replace")
            if f"\n## {member.version}\n" not in text:
                yield f"CHANGELOG.md has no heading '## {member.version}', the current version"

    def _check_names(self) -> Iterator[str]:
        for path in _own_files(self.root.folder):
            shown = path.relative_to(self.root.folder)
            if path.name == "__init__.py" and "tests" in shown.parts:
                yield f"{shown}: remove it, or test folders of two packages pass for one"
            if path.name in ("platform", "platform.py"):
                yield f"{shown}: rename it, it hides the standard library's platform"


def _own_files(folder: Path) -> Iterator[Path]:
    """Yield all files and folders, without hidden folders and what is built."""
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if _is_own(name))
        yield from (Path(parent, name) for name in sorted([*folders, *files]) if _is_own(name))


def _is_own(name: str) -> bool:
    return not name.startswith(".") and name not in ("__pycache__", "build", "dist")


def main() -> int:
    """Print the breaches and return the exit code, 0 if there is none."""
    breaches = list(Workspace(ROOT).breaches())
    for breach in breaches:
        print(breach, file=sys.stderr)
    print(f"workspace: {len(breaches)} breaches")
    return int(bool(breaches))


if __name__ == "__main__":
    sys.exit(main())
