"""Create a package: find its folder, check its name, render its template, and write all of it or nothing."""

from dataclasses import dataclass
from pathlib import Path

from platform_cli.scaffold.clashes import check_clashes
from platform_cli.scaffold.new_package import MODULES, NewPackage
from platform_cli.scaffold.origin import find_sources
from platform_cli.scaffold.rendering import render
from platform_cli.scaffold.workspace import Workspace, add_entries, find_workspace
from platform_cli.scaffold.writing import Edit, write_package
from platform_interfaces import ConfigurationError


@dataclass(frozen=True)
class Created:
    """A package that was written.

    Attributes:
        folder: where it is.
        files: how many files it has.
        workspace: the workspace that it is a member of; None for a project of its own.
    """

    folder: Path
    files: int
    workspace: Workspace | None

    @property
    def base(self) -> Path:
        """Return the folder to work in: the root of the workspace, or the project itself."""
        return self.workspace.root if self.workspace else self.folder

    def locate(self, path: str) -> str:
        """Return a path inside the package, as commands in ``base`` name it."""
        return (self.folder / path).relative_to(self.base).as_posix()


def create(new: NewPackage, start: Path, *, is_chosen: bool) -> Created:
    """Write the package.

    Args:
        new: what to write.
        start: the folder to make its folder in; inside a workspace, which it becomes a member of, that
            has a folder for its kind.
        is_chosen: whether the user named ``start``, so that no other folder will do.

    Raises:
        ConfigurationError: when its name clashes, or its folder cannot be a member of the workspace.
        PlatformError: when it cannot be written. Nothing has changed then.
    """
    workspace = find_workspace(start)
    parent = _find_parent(new, start, workspace, is_chosen=is_chosen) if workspace else start
    folder = parent / new.folder
    check_clashes(new, parent, workspace)
    files = render(new, workspace, {} if workspace else find_sources(folder))
    edit = Edit(workspace.file, lambda text: add_entries(text, new)) if workspace else None
    write_package(folder, files, edit)
    return Created(folder, len(files), workspace)


def _find_parent(new: NewPackage, start: Path, workspace: Workspace, *, is_chosen: bool) -> Path:
    home = workspace.root / ("modules" if new.kind == MODULES else "packages")
    for parent in (start,) if is_chosen else (start, home):
        if workspace.takes(parent / new.folder):
            return parent
    raise ConfigurationError(
        f"{str(start)!r} is inside the workspace {str(workspace.root)!r}, whose members are in "
        f"{', '.join(workspace.patterns) or 'no folder'}: make it there, or outside of the workspace"
    )
