"""The settings: directories, checked for common mistakes."""

import os
import re
from pathlib import Path

from platform_interfaces import REJECTS_FOLDER, ConfigurationError, SecretsInterface

ROOT_SETTING, REJECTS_SETTING = "FS_LOCAL_ROOT", "FS_LOCAL_REJECTS_ROOT"
DEFAULT_ROOT = "/tmp/data-platform"  # noqa: S108 - as specified
_MISTAKES = {
    r"^['\"`\u2018-\u201f]|['\"`\u2018-\u201f]$": "it has quotes around it: remove them",
    r"^[\s\ufeff\u200b]|[\s\ufeff\u200b]$": "it has blanks around it: remove them",
    r"[\x00-\x1f\x7f]": "it has a control character",
    r"^~": "'~' is not expanded here: write the home directory in full",
    r"^\$|\$\{": "variables are not expanded here: write the directory in full",
    r"^[A-Za-z][A-Za-z0-9+.-]*://": "it is a URL: give it the path of a directory",
    r"^[A-Za-z]:[\\/]": "it is a path of Windows: give it the path of a directory here",
}


def read_root(secrets: SecretsInterface) -> Path:
    """Return the root of the files; an empty value counts as not set.

    Raises:
        ConfigurationError: when the value is not a valid directory.
    """
    return _check(ROOT_SETTING, secrets.get_location(ROOT_SETTING, DEFAULT_ROOT) or DEFAULT_ROOT)


def read_rejects_root(secrets: SecretsInterface, root: Path) -> Path | None:
    """Return the directory of the rejects, None where they are below ``root``.

    Raises:
        ConfigurationError: when the value is not a valid directory, or one directory is inside the other.
    """
    value = secrets.get(REJECTS_SETTING)
    if not value:
        return None
    rejects = _check(REJECTS_SETTING, value)
    ours, theirs = Path(os.path.realpath(rejects)), Path(os.path.realpath(root))
    is_among_files = ours.is_relative_to(theirs) and not ours.is_relative_to(theirs / REJECTS_FOLDER)
    if is_among_files or theirs.is_relative_to(ours):
        raise ConfigurationError(
            f"{REJECTS_SETTING} is {value!r} and {ROOT_SETTING} is {str(root)!r}: "
            "neither may be inside the other, also not through a link"
        )
    return rejects


def _check(setting: str, value: str) -> Path:
    for pattern, mistake in _MISTAKES.items():
        if re.search(pattern, value):
            raise ConfigurationError(f"{setting} is {value!r}: {mistake}")
    return Path(value).absolute()
