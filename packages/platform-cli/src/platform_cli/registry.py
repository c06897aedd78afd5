"""The installed adapters and modules, by name; nothing is imported before it is chosen.

Any installed distribution adds an adapter with an entry point in the group ``platform.<kind>`` of its
interface (see ``platform_cli.interfaces``), and a module with one in ``platform.modules``.
"""

import os
import sys
from collections.abc import Iterator
from functools import lru_cache, reduce
from importlib import import_module
from typing import Any

from platform_cli._text import did_you_mean
from platform_cli.interfaces import INTERFACES
from platform_interfaces import ConfigurationError

LABELS = {each.kind: each.label for each in INTERFACES} | {"modules": "module"}
"""The word for each kind in messages."""

_EntryPoint = tuple[str, str]  # its target, and the folder of its distribution's metadata

# By kind and name, so that a missing one is answered with the command that installs it.
_DISTRIBUTIONS = {
    ("database", "embedded"): "platform-postgres[embedded]",
    ("database", "memory"): "platform-cli[memory]",
    ("database", "postgres"): "platform-cli[postgres]",
    ("executor", "dask"): "platform-cli[dask]",
    ("executor", "inline"): "platform-executors",
    ("executor", "processes"): "platform-executors",
    ("filesystem", "azure"): "platform-cli[objectstore]",
    ("filesystem", "gcs"): "platform-cli[objectstore]",
    ("filesystem", "local"): "platform-cli[localfs]",
    ("filesystem", "memory"): "platform-cli[memory]",
    ("filesystem", "minio"): "platform-cli[objectstore]",
    ("filesystem", "s3"): "platform-cli[objectstore]",
    ("logging", "memory"): "platform-cli[memory]",
    ("modules", "batch_etl"): "batch-etl",
}

_S3_SETTINGS = (
    "ACCESS_KEY_ID",
    "BUCKET",
    "ENDPOINT",
    "PREFIX",
    "REGION",
    "SECRET_ACCESS_KEY",
    "SESSION_TOKEN",
    "TIMEOUT",
)

KNOWN_SETTINGS = (
    "DASK_ADDRESS",
    "DB_EMBEDDED_CREATE",
    "DB_EMBEDDED_DIR",
    "DB_POSTGRES_CONNECT_TIMEOUT",
    "DB_POSTGRES_POOL_MAX",
    "DB_POSTGRES_POOL_MIN",
    "DB_POSTGRES_STATEMENT_TIMEOUT",
    "DB_POSTGRES_URL",
    "FS_AZURE_ACCOUNT",
    "FS_AZURE_CONTAINER",
    "FS_AZURE_PREFIX",
    "FS_AZURE_TIMEOUT",
    "FS_GCS_BUCKET",
    "FS_GCS_PREFIX",
    "FS_GCS_TIMEOUT",
    "FS_LOCAL_REJECTS_ROOT",
    "FS_LOCAL_ROOT",
    *(f"FS_{name}_{what}" for name in ("MINIO", "S3") for what in _S3_SETTINGS),
    "LOG_LEVEL",
    "MIGRATIONS_DIR",
)
"""The settings of the adapters above, used by a run or not, so that a mistyped one is noticed."""

CHANGES_NOTHING = {"DB_EMBEDDED_CREATE": "temporary"}
"""Defaults for a database that is only read: no server is made where there is none."""

MAKES_NOTHING = {"DB_EMBEDDED_CREATE": "false"}
"""Settings of a database that is only used where there is one."""

WORKER_DEFAULTS = {"DB_POSTGRES_POOL_MAX": "4", **MAKES_NOTHING}
"""Defaults on a worker, which does one item at a time: all workers share the connections of a server."""

FORGETFUL_DATABASES = ("memory",)
"""The databases that end with the process."""


def names(kind: str) -> list[str]:
    """Return the installed names of one kind, sorted.

    Args:
        kind: that of an interface, or ``modules``.
    """
    return sorted(_installed(kind))


def reference(kind: str, name: str) -> str:
    """Return the target of the entry point, such as ``package.module:Class``; nothing is imported.

    Raises:
        ConfigurationError: when no such name is installed, or two distributions claim it.
    """
    installed, name = _installed(kind), composed(name)
    if name not in installed:
        raise ConfigurationError(not_found_message(kind, name))
    targets = sorted({target for target, _ in installed[name]})
    if len(targets) > 1:
        raise ConfigurationError(
            f"{LABELS[kind]} {name!r} is installed more than once: as {' and '.join(map(repr, targets))}; "
            "uninstall all but one"
        )
    return targets[0]


def load(kind: str, name: str) -> Any:
    """Import and return the object of a name.

    Raises:
        ConfigurationError: when ``reference`` does, or the import fails.
    """
    return load_object(reference(kind, name), f"{LABELS[kind]} {name!r}", _DISTRIBUTIONS.get((kind, name)))


def load_object(target: str, label: str, distribution: str | None = None, advice: str = "") -> Any:
    """Import and return the object at ``package.module:attribute``, or the module where none is named.

    Args:
        target: as it stands in an entry point.
        label: what is loaded, for the message.
        distribution: what to install when a package is missing.
        advice: what to do when the target itself is missing.

    Raises:
        ConfigurationError: when a package is missing, its code fails, or there is no such attribute.
    """
    module, _, path = target.partition(":")
    try:
        return reduce(getattr, filter(None, path.split(".")), import_module(module))
    except (Exception, SystemExit) as error:
        from platform_cli._blame import describe_import

        if isinstance(error, ModuleNotFoundError) and distribution:
            why = f"{error}; install it with: {install_command(distribution)}"
        else:
            why = describe_import(error)
            is_missing = f"{module!r} has no attribute" in why or why == f"No module named {module!r}"
            why += f": {advice}" if advice and is_missing else ""
        raise ConfigurationError(f"{label} cannot be loaded from {target!r}: {why}") from error


def composed(name: str) -> str:
    """Return ``name`` in Unicode's composed form, NFC: some systems write "ü" as two characters."""
    if name.isascii():
        return name
    from unicodedata import normalize

    return normalize("NFC", name)


def is_shipped(kind: str, name: str) -> bool:
    """Return whether an adapter is one of the platform's own, whose settings are all known."""
    found = _installed(kind).get(composed(name), [])  # none, where this run does not use the kind
    return (kind, name) in _DISTRIBUTIONS or any(target.startswith("platform_") for target, _ in found)


def install_command(distribution: str) -> str:
    """Return the command that installs a distribution into the active environment."""
    return f"uv pip install {distribution!r}"


def known_names(kind: str) -> list[str]:
    """Return the names of one kind for which the command that installs them is known."""
    return [name for group, name in _DISTRIBUTIONS if group == kind]


def find_distribution(kind: str, name: str) -> str:
    """Return what to install for a name, such as ``platform-cli[memory]``; empty where it is not known."""
    return _DISTRIBUTIONS.get((kind, name), "")


def find_packages(kind: str, name: str) -> list[tuple[str, str]]:
    """Return name and version of the installed distributions that bring a name, most often of one."""
    folders = {folder for _, folder in _installed(kind).get(composed(name), [])}
    parts = (os.path.splitext(os.path.basename(folder))[0].split("-") for folder in sorted(folders))
    return [(package.replace("_", "-"), version) for package, version, *_ in ([*each, ""] for each in parts)]


def not_found_message(kind: str, name: str) -> str:
    """Return why a name cannot be found, and what to do."""
    word, installed = LABELS[kind], names(kind)
    if distribution := _DISTRIBUTIONS.get((kind, name)):
        return f"{word} {name!r} is not installed: install it with: {install_command(distribution)}"
    known = {*installed, *known_names(kind)}
    found = f"installed are {', '.join(installed)}" if installed else "none is installed"
    return f"unknown {word} {name!r}: {found}{did_you_mean(name, sorted(known))}"


def _installed(kind: str) -> dict[str, list[_EntryPoint]]:
    return _entry_points(tuple(sys.path)).get(f"platform.{kind}", {})


@lru_cache(maxsize=1)
def _entry_points(search_path: tuple[str, ...]) -> dict[str, dict[str, list[_EntryPoint]]]:
    # importlib.metadata finds the same, but importing it takes as long as the whole of `platform --help`.
    found: dict[str, dict[str, list[_EntryPoint]]] = {}
    for file in _entry_point_files(search_path):
        for group, name, target in _parse(file):
            found.setdefault(group, {}).setdefault(name, []).append((target, os.path.dirname(file)))
    return found


def _entry_point_files(search_path: tuple[str, ...]) -> Iterator[str]:
    seen: set[str] = set()  # as in imports, the first of several copies of a distribution hides the others
    for folder in search_path:
        try:
            entries = sorted(os.listdir(folder or "."))
        except OSError:
            continue
        for entry in entries:
            stem, suffix = os.path.splitext(entry)
            distribution = stem.partition("-")[0]
            if suffix in (".dist-info", ".egg-info") and distribution not in seen:
                seen.add(distribution)
                yield os.path.join(folder, entry, "entry_points.txt")


def _parse(file: str) -> Iterator[tuple[str, str, str]]:
    group = ""
    try:
        with open(file, encoding="utf-8", errors="replace") as lines:
            for line in map(str.strip, lines):
                if line.startswith("["):
                    group = line.strip("[] ")
                elif "=" in line and not line.startswith(("#", ";")):
                    name, _, target = line.partition("=")
                    yield group, composed(name.strip()), target.partition("[")[0].strip()
    except OSError:
        return
