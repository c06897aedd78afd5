"""What has to hold in the workspace and uv does not see to; exit 1 with a line for each breach."""

import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
ROOT_TABLES = {"importlinter", "mypy", "pytest", "ruff", "uv"}


@dataclass(frozen=True)
class Project:
    """A folder with a pyproject.toml."""

    folder: Path

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """What its pyproject.toml says."""
        return tomllib.loads((self.folder / "pyproject.toml").read_text())

    @property
    def name(self) -> str:
        """The name of the distribution."""
        return canonicalize_name(self.manifest["project"]["name"])

    @property
    def version(self) -> str:
        """Its version."""
        return str(self.manifest["project"]["version"])

    @property
    def published_requirements(self) -> list[Requirement]:
        """What its wheel asks for, extras included."""
        project = self.manifest["project"]
        extras = project.get("optional-dependencies", {}).values()
        return [Requirement(text) for texts in (project["dependencies"], *extras) for text in texts]

    @property
    def group_requirements(self) -> list[Requirement]:
        """What only its developers need."""
        groups = self.manifest.get("dependency-groups", {}).values()
        return [Requirement(text) for texts in groups for text in texts if isinstance(text, str)]


class Workspace:
    """The root and its members."""

    def __init__(self, folder: Path) -> None:
        self.root = Project(folder)
        patterns = self.root.manifest["tool"]["uv"]["workspace"]["members"]
        folders = sorted(
            path
            for pattern in patterns
            for path in folder.glob(pattern)
            if path.is_dir() and path.name[0] != "."
        )
        self.members = {project.name: project for project in map(Project, folders)}

    def breaches(self) -> Iterator[str]:
        """A line for each, with what to do about it."""
        for member in self.members.values():
            yield from self._root_knows(member)
            yield from self._bounds(member)
            yield from self._files(member)
            yield from self._manifest(member)
        yield from self._names()

    def _root_knows(self, member: Project) -> Iterator[str]:
        if member.name not in {canonicalize_name(need.name) for need in self.root.published_requirements}:
            yield f"{member.name}: add it to the dependencies of the root, or 'uv sync' does not install it"
        sources = self.root.manifest["tool"]["uv"]["sources"]
        if member.name not in {canonicalize_name(name) for name in sources}:
            yield f"{member.name}: add it to [tool.uv.sources] of the root, as '{{ workspace = true }}'"

    def _bounds(self, member: Project) -> Iterator[str]:
        """In the workspace uv overlooks the bounds between members; who installs the wheels meets them."""
        for need in member.published_requirements:
            sibling = self._sibling(member, need)
            if sibling and not {"<", ">="} <= {part.operator for part in need.specifier}:
                yield f"{member.name}: '{need}' needs a floor and a ceiling, such as '>=0.1,<0.2'"
        for need in (*member.published_requirements, *member.group_requirements):
            sibling = self._sibling(member, need)
            if sibling and sibling.version not in need.specifier:
                yield f"{member.name}: '{need}' does not admit {sibling.version}: move its bounds"

    def _sibling(self, member: Project, need: Requirement) -> Project | None:
        name = canonicalize_name(need.name)
        return None if name == member.name else self.members.get(name)

    def _manifest(self, member: Project) -> Iterator[str]:
        if tables := ROOT_TABLES & member.manifest.get("tool", {}).keys():
            names = ", ".join(f"[tool.{table}]" for table in sorted(tables))
            yield f"{member.name}: move {names} to the root, which it would replace here"
        wanted = self.root.manifest["project"]["requires-python"]
        if (found := member.manifest["project"].get("requires-python")) != wanted:
            yield f"{member.name}: requires-python is {found!r}: make it {wanted!r}, as in the root"

    def _files(self, member: Project) -> Iterator[str]:
        typed = Path("src", member.name.replace("-", "_"), "py.typed")
        for path in (Path("README.md"), Path("CHANGELOG.md"), typed):
            if not (member.folder / path).is_file():
                yield f"{member.name}: {path} is missing"
        changelog = member.folder / "CHANGELOG.md"
        if changelog.is_file() and f"\n## {member.version}\n" not in changelog.read_text():
            yield f"{member.name}: CHANGELOG.md has no heading '## {member.version}', the current version"

    def _names(self) -> Iterator[str]:
        for path in _own_files(self.root.folder):
            shown = path.relative_to(self.root.folder)
            if path.name == "__init__.py" and "tests" in shown.parts:
                yield f"{shown}: remove it, or test folders of two packages pass for one"
            if path.name in ("platform", "platform.py"):
                yield f"{shown}: rename it, it hides the standard library's platform"


def _own_files(folder: Path) -> Iterator[Path]:
    """All files and folders, without hidden folders and what is built."""
    for path in sorted(folder.iterdir()):
        if not path.name.startswith(".") and path.name not in ("__pycache__", "build", "dist"):
            yield path
            if path.is_dir():
                yield from _own_files(path)


def main() -> int:
    """0 if all is well."""
    breaches = list(Workspace(ROOT).breaches())
    for breach in breaches:
        print(breach, file=sys.stderr)
    print(f"workspace: {len(breaches)} breaches")
    return int(bool(breaches))


if __name__ == "__main__":
    sys.exit(main())
