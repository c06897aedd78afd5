"""The workspace that a new package becomes a member of, and its entries in the root's ``pyproject.toml``."""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from platform_cli.scaffold.new_package import NewPackage
from platform_interfaces import ConfigurationError


@dataclass(frozen=True)
class Workspace:
    """A uv workspace that has the platform's own packages, read from the ``pyproject.toml`` in ``root``."""

    root: Path
    manifest: dict[str, Any]

    @property
    def file(self) -> Path:
        """Return the ``pyproject.toml``."""
        return self.root / "pyproject.toml"

    @property
    def patterns(self) -> list[str]:
        """Return the patterns of the folders that are members."""
        return [*self.manifest["tool"]["uv"]["workspace"].get("members", [])]

    def takes(self, folder: Path) -> bool:
        """Return whether a package in ``folder`` is a member."""
        return folder.is_relative_to(self.root) and any(
            folder.relative_to(self.root).match(pattern) for pattern in self.patterns
        )

    def names(self) -> Iterator[str]:
        """Yield what a package cannot be called beside: folders and files of the root, and the members."""
        yield from (path.name.removesuffix(".py") for path in self.root.iterdir())
        for pattern in self.patterns:
            yield from (path.name.replace("-", "_") for path in self.root.glob(pattern))


def find_workspace(start: Path) -> Workspace | None:
    """Return the workspace that ``start`` is in, or None where it is in none of the platform's.

    Raises:
        ConfigurationError: when a ``pyproject.toml`` on the way cannot be read.
    """
    for folder in (start, *start.parents):
        file = folder / "pyproject.toml"
        try:
            manifest = tomllib.loads(file.read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError):
            continue
        except (OSError, ValueError) as error:
            raise ConfigurationError(f"{str(file)!r} cannot be read: {error}") from error
        uv = manifest.get("tool", {}).get("uv", {})
        if "workspace" in uv and "platform-interfaces" in uv.get("sources", {}):
            return Workspace(folder, manifest)
    return None


def add_entries(text: str, new: NewPackage) -> str:
    """Return the root's ``pyproject.toml`` with the entries of a member; all else in it stays as it is.

    Raises:
        ConfigurationError: when it lacks the lists that they belong in.
    """
    import tomlkit

    is_crlf = "\r\n" in text
    document: Any = tomlkit.parse(text.replace("\r\n", "\n"))
    try:
        dependencies = document["project"]["dependencies"]
        root_packages = document["tool"]["importlinter"]["root_packages"]
        sources = document["tool"]["uv"]["sources"]
    except KeyError as error:
        raise ConfigurationError(
            "the pyproject.toml of the workspace lacks one of project.dependencies, tool.uv.sources and "
            "tool.importlinter.root_packages, which a member is entered in: add it"
        ) from error
    after = [index for index, each in enumerate(dependencies) if each > new.distribution]
    dependencies.insert(after[0] if after else len(dependencies), new.distribution)
    sources[new.distribution] = tomlkit.value("{ workspace = true }")
    root_packages.append(new.package)
    edited = tomlkit.dumps(document)
    return edited.replace("\n", "\r\n") if is_crlf else edited
