"""The checks of this machine and of what is installed on it."""

import platform
import resource
import sys
from importlib import metadata
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from platform_cli import registry
from platform_cli.interfaces import INTERFACES
from platform_interfaces import CheckStatus, Finding

MIN_OPEN_FILES = 256
"""What a run with the largest default pool may open, several times over."""

_ZONE = "Europe/Berlin"
_TESTED = ((3, 11), (3, 14))


def check_python() -> Finding:
    """Return whether this version of Python is one that the platform is tested with."""
    text = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    oldest, newest = _TESTED
    if oldest <= sys.version_info[:2] <= newest:
        return Finding(CheckStatus.OK, text)
    tested = " to ".join(".".join(map(str, each)) for each in _TESTED)
    return Finding(CheckStatus.WARNING, f"{text}: tested are {tested}", f"use Python {tested}")


def check_packages() -> Finding:
    """Return whether the packages of the platform, of adapters and of modules fit what they need."""
    from packaging.requirements import Requirement

    found, problems = 0, []
    for name in sorted(_find_packages()):
        try:
            needed = metadata.requires(name) or []
        except metadata.PackageNotFoundError:  # a folder on the path, not a distribution
            continue
        except FileNotFoundError:  # without metadata, where a library has put importlib_metadata in place
            needed = []
        found += 1
        for requirement in map(Requirement, needed):
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                problems += _find_problem(name, requirement.name, str(requirement.specifier))
    if problems:
        return Finding(CheckStatus.FAILED, "; ".join(problems), "uv sync, or install them again")
    return Finding(CheckStatus.OK, f"{found} of the platform, and what they need fits")


def check_open_files() -> Finding:
    """Return whether a process may open as many files and connections as a run needs."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return Finding(CheckStatus.OK, "any number may be open at a time")
    text = f"{soft:,} may be open at a time"
    if soft >= MIN_OPEN_FILES:
        return Finding(CheckStatus.OK, text)
    can_raise = hard == resource.RLIM_INFINITY or hard >= MIN_OPEN_FILES
    remedy = f"ulimit -n {MIN_OPEN_FILES}" if can_raise else "have the hard limit raised (limits.conf)"
    return Finding(CheckStatus.WARNING, f"{text}: a run may need {MIN_OPEN_FILES}", remedy)


def check_time_zones() -> Finding:
    """Return whether names of time zones are known."""
    try:
        ZoneInfo.no_cache(_ZONE)
    except (ZoneInfoNotFoundError, OSError):
        text = f"there is no time zone database: {_ZONE!r} is not known"
        return Finding(CheckStatus.WARNING, text, registry.install_command("tzdata"))
    return Finding(CheckStatus.OK, "the database of time zones is there")


def _find_packages() -> set[str]:
    kinds = ["modules", *(each.kind for each in INTERFACES)]
    found = {
        package
        for kind in kinds
        for name in registry.names(kind)
        for package, _ in registry.find_packages(kind, name)
    }
    return {"platform-cli", "platform-interfaces", *found}


def _find_problem(package: str, needed: str, specifier: str) -> list[str]:
    from packaging.specifiers import SpecifierSet

    try:
        version = metadata.version(needed)
    except metadata.PackageNotFoundError:
        return [f"{package} needs {needed}, which is not installed"]
    if SpecifierSet(specifier).contains(version, prereleases=True):
        return []
    return [f"{package} needs {needed} {specifier}, and {version} is installed"]
