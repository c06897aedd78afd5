"""What the name of a new package must not clash with."""

import builtins
import keyword
import sys
from collections.abc import Iterator
from importlib.metadata import distributions, packages_distributions
from importlib.util import find_spec
from pathlib import Path

from platform_cli import registry
from platform_cli.scaffold.new_package import MODULES, NewPackage
from platform_cli.scaffold.workspace import Workspace
from platform_interfaces import ConfigurationError

# Files of these names are devices: https://learn.microsoft.com/windows/win32/fileio/naming-a-file
_DEVICES = {"aux", "con", "nul", "prn", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))}
_USED_BY_TOOLS = {"conftest", "main", "setup", "src", "test", "tests"}


def check_clashes(new: NewPackage, parent: Path, workspace: Workspace | None) -> None:
    """Check that a package of this name can be installed, imported and chosen beside all others.

    Raises:
        ConfigurationError: when it cannot; gives the first reason.
    """
    for reason in _reasons(new, parent, workspace):
        label = "module" if new.kind == MODULES else f"{registry.LABELS[new.kind]} adapter"
        suffix = "job" if new.kind == MODULES else "store"
        raise ConfigurationError(
            f"a {label} cannot be called {new.name.snake!r}: {reason}; "
            f"choose another name, such as '{new.name.snake}_{suffix}'"
        )


def _reasons(new: NewPackage, parent: Path, workspace: Workspace | None) -> Iterator[str]:
    package = new.package
    if keyword.iskeyword(package) or keyword.issoftkeyword(package):
        yield f"{package!r} is a keyword of Python"
    if package in sys.stdlib_module_names:
        yield f"{package!r} is a module of Python's standard library"
    if hasattr(builtins, package):
        yield f"{package!r} is a name that Python itself defines"
    if package in _USED_BY_TOOLS or new.name == new.placeholder:
        yield f"{package!r} is a name that tools use"
    if package in _DEVICES:
        yield f"on Windows, {package!r} is a device"
    if new.name.snake.split("_")[0] == "platform":
        yield "names that begin with 'platform' are the platform's own"
    if new.name.snake in (each.lower().replace("-", "_") for each in registry.names(new.kind)):
        yield f"a {registry.LABELS[new.kind]} of this name is installed"
    yield from _installed(new)
    if workspace and package in {name.casefold() for name in workspace.names()}:
        yield f"the workspace {str(workspace.root)!r} has a package, a folder or a file of this name"
    # Looked up in lower case: many disks take "Sales" and "sales" for one folder.
    for path in parent.iterdir() if parent.is_dir() else ():
        if path.name.casefold() == new.folder:
            yield f"{str(path)!r} exists"


def _installed(new: NewPackage) -> Iterator[str]:
    names = (each.name or "" for each in distributions())  # a broken one has no name
    if new.package in {name.lower().replace("-", "_").replace(".", "_") for name in names}:
        yield f"a distribution {new.distribution!r} is installed"
    if new.package in {name.lower() for name in packages_distributions()} or find_spec(new.package):
        yield f"a package {new.package!r} is installed"
