"""What an adapter can say of its own state, for people who look for the cause of a failure."""

import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

_GIB = 1 << 30

MIN_FREE_BYTES = _GIB
"""With less free space than this, a disk is soon full."""


class CheckStatus(StrEnum):
    """What a check comes to: only ``FAILED`` keeps a run from its work."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Finding:
    """What a check has found.

    Attributes:
        status: what it comes to.
        text: what was found, on one line; no secret.
        remedy: what to do about a warning or a failure: the command, or the setting and its value.
    """

    status: CheckStatus
    text: str
    remedy: str = ""


class Check(NamedTuple):
    """One thing that ``platform doctor`` looks at.

    Attributes:
        name: what it is about, in a word or two.
        find: is called once. It changes nothing; what it raises is a failure. It has a time limit.
    """

    name: str
    find: Callable[[], Awaitable[Finding]]


def check_free_space(directory: str, setting: str) -> Finding:
    """Return how much space the disk of a directory has; of one that does not exist, the nearest above it.

    Blocks.

    Args:
        directory: where files will be written.
        setting: which setting chooses it.

    Raises:
        OSError: when the system does not say.
    """
    from pathlib import Path  # not for a help, which waits for nothing

    wanted = Path(directory).absolute()
    found = str(next(folder for folder in (wanted, *wanted.parents) if folder.exists()))
    disk = os.statvfs(found)
    free = disk.f_bavail * disk.f_frsize
    lacks_inodes = disk.f_files > 0 and not disk.f_favail
    text = f"{free / _GIB:,.1f} GiB free in {found!r}"
    if free >= MIN_FREE_BYTES and not lacks_inodes:
        return Finding(CheckStatus.OK, text)
    return Finding(
        CheckStatus.WARNING if free and not lacks_inodes else CheckStatus.FAILED,
        f"{text}, and no file can be added: it has no inode left" if lacks_inodes else text,
        f"make room there, or set {setting} to a directory on a larger disk",
    )
