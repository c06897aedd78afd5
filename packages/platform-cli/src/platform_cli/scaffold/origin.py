"""Where a project outside of a workspace gets the platform's packages from: the clone it was made from."""

import json
import os
import re
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from platform_interfaces import ConfigurationError

Source = Mapping[str, Any]

_OWN = "platform-cli"
_NEEDED = (_OWN, "platform-executors", "platform-interfaces", "platform-memory", "platform-migrate")


def find_sources(project: Path) -> dict[str, Source]:
    """Return an entry of ``[tool.uv.sources]`` for each of the platform's packages that a project may name.

    In a clone they are folders beside one another; installers record which clone, by path or by git
    (https://packaging.python.org/en/latest/specifications/direct-url/).

    Raises:
        ConfigurationError: when this command was installed from anything but a clone.
    """
    try:
        origin = json.loads(distribution(_OWN).read_text("direct_url.json") or "{}")
    except PackageNotFoundError:
        origin = {}
    url = origin.get("url", "")
    if "vcs_info" in origin and origin.get("subdirectory"):
        return {name: _git_source(origin, name) for name in _NEEDED}
    folder = Path(unquote(urlsplit(url).path))
    if "dir_info" in origin and folder.name == _OWN:
        return {name: _path_source(folder.with_name(name), project) for name in _NEEDED}
    raise ConfigurationError(
        "the packages of the platform are not published, so a project of its own needs the clone that they "
        f"come from, and this command was installed from {url or 'a package index'!r}: "
        "call it from a clone, as 'uv run --project CLONE platform new …'"
    )


def _git_source(origin: Mapping[str, Any], name: str) -> Source:
    address = re.sub("//[^/@]*:[^/@]*@", "//", origin["url"])  # a password stays where git keeps it
    subdirectory = f"{origin['subdirectory'].removesuffix(_OWN)}{name}"
    return {"git": address, "rev": origin["vcs_info"]["commit_id"], "subdirectory": subdirectory}


def _path_source(folder: Path, project: Path) -> Source:
    """Return a relative path, which holds as long as the clone and the project move together."""
    return {"path": Path(os.path.relpath(folder.resolve(), project.resolve())).as_posix(), "editable": True}
