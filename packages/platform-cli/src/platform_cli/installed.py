"""The adapters and modules that are installed, and whether each can be used.

To know that, each is imported: a driver that is missing, or code that fails, shows at no other time.
"""

import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass
from importlib import metadata
from typing import Any

from platform_cli import registry
from platform_cli.failures import describe
from platform_cli.interfaces import INTERFACES, Interface
from platform_cli.manifest import Manifest, read_manifest
from platform_cli.run.entry import load_entries
from platform_cli.setting import Setting
from platform_interfaces import ConfigurationError


@dataclass(frozen=True)
class Adapter:
    """An adapter that is installed, known or chosen.

    Attributes:
        interface: what it implements.
        name: as the settings choose it.
        package: the distribution that brings it; empty where it is not installed.
        package_version: of the distribution.
        chosen_by: the origin of the setting that chooses it; empty where another is chosen.
        problem: why it cannot be used; empty where it can.
        install: the command that installs what is missing, where it is known.
    """

    interface: Interface
    name: str
    package: str
    package_version: str
    chosen_by: str
    problem: str
    install: str


@dataclass(frozen=True)
class Module:
    """An installed module.

    Attributes:
        name: as it is run.
        package: the distribution that brings it.
        package_version: of the distribution.
        manifest: its ``module.json``, or None where that cannot be read.
        problem: why it cannot be run; empty where it can.
    """

    name: str
    package: str
    package_version: str
    manifest: Manifest | None
    problem: str


def find_adapters(chosen: Mapping[str, Setting]) -> Iterator[Adapter]:
    """Yield the adapters of each interface: those installed, those known, and the chosen one.

    Args:
        chosen: the settings of the adapters, by the kind of their interface.
    """
    for interface in INTERFACES:
        kind, setting = interface.kind, chosen[interface.kind]
        names = {*registry.names(kind), *registry.known_names(kind), *filter(None, [setting.value])}
        for name in sorted(names):
            yield describe_adapter(interface, name, setting.origin if name == setting.value else "")


def find_modules() -> Iterator[Module]:
    """Yield the installed modules, by name."""
    for name in registry.names("modules"):
        package, version = _find_package("modules", name)
        manifest, problem = None, ""
        try:
            manifest = read_manifest(name)
            with redirect_stdout(sys.stderr):
                load_entries(manifest, "run")
        except ConfigurationError as error:
            problem = describe(error)
        yield Module(name, package, version, manifest, problem)


def describe_adapter(interface: Interface, name: str, chosen_by: str) -> Adapter:
    """Return an adapter of ``interface``, which is imported, and what keeps it from being used."""
    kind = interface.kind
    package, version = _find_package(kind, name)
    known = registry.find_distribution(kind, name)
    install = registry.install_command(known) if known else ""
    if package:
        problem = _find_problem(interface, name) or _find_missing_extra(package, known)
    else:
        problem = "not installed" if known else registry.not_found_message(kind, name)
    return Adapter(interface, name, package, version, chosen_by, problem, install if problem else "")


def _find_problem(interface: Interface, name: str) -> str:
    try:
        with redirect_stdout(sys.stderr):  # code that is imported may print
            made = registry.load(interface.kind, name)
    except ConfigurationError as error:
        return describe(error)
    return _find_lack(interface, made)


def _find_lack(interface: Interface, made: Any) -> str:
    """Return what a class lacks of the interface; a function may return anything."""
    if not isinstance(made, type):
        return "" if callable(made) else f"it is of the type {type(made).__name__!r}, not a class"
    if not issubclass(made, interface.type):
        return f"it is not a {interface.type.__name__}"
    missing = sorted(getattr(made, "__abstractmethods__", ()))
    return f"it does not implement {', '.join(missing)}" if missing else ""


def _find_missing_extra(package: str, known: str) -> str:
    """Return what is missing of the extra that an adapter needs, such as ``platform-postgres[embedded]``."""
    name, _, extra = known.rstrip("]").partition("[")
    if name != package or not extra:
        return ""
    required = metadata.requires(package) or []
    wanted = [re.split(r"[^\w.-]", each)[0] for each in required if re.search(rf"extra == .{extra}\b", each)]
    missing = [each for each in wanted if not _is_installed(each)]
    return f"{', '.join(missing)} is not installed" if missing else ""


def _is_installed(distribution: str) -> bool:
    try:
        metadata.distribution(distribution)
    except metadata.PackageNotFoundError:
        return False
    return True


def _find_package(kind: str, name: str) -> tuple[str, str]:
    """Return name and version of the distribution; of several, all are in one text."""
    found = registry.find_packages(kind, name)
    return " and ".join(name for name, _ in found), " and ".join(version for _, version in found)
