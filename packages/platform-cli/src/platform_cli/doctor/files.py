"""The checks of the file system that need nothing but its interface."""

import shlex
from secrets import token_hex

from platform_cli.container import Container
from platform_cli.doctor.examination import Examination
from platform_interfaces import (
    REJECTS_FOLDER,
    Capability,
    Check,
    CheckStatus,
    FileMissingError,
    FileSystemError,
    FileSystemInterface,
    Finding,
)


class FileChecks:
    """The checks of the file system that the settings choose.

    Args:
        examination: what makes them.
        container: opens the file system.

    Attributes:
        obstacle: why there are no files to work with; empty where there are.
    """

    def __init__(self, examination: Examination, container: Container) -> None:
        self._examination, self._container = examination, container
        self._fs: FileSystemInterface
        self._of_adapter: tuple[Check, ...] = ()
        self.obstacle = ""

    async def make(self) -> None:
        """Make all checks; those after the first are skipped where the root cannot be read."""
        examination = self._examination
        if not await examination.check("files", self._read_root):
            self.obstacle = "the root of the files cannot be read"
        checks = [Check("rejects", self._write_probe), *self._of_adapter]
        if self.obstacle:
            examination.skip([check.name for check in checks], self.obstacle)
            return
        for check in checks:
            await examination.check(check.name, check.find)

    async def _read_root(self) -> Finding:
        self._fs = await self._container.build_adapter("filesystem")
        self._of_adapter = tuple(self._fs.list_checks())
        await self._container.open_adapter("filesystem")
        root = self._fs.locate()
        try:
            names = await self._fs.list_names("")
        except FileMissingError as error:
            remedy = "create it, or correct the setting"
            if Capability.DIRECTORIES in self._fs.capabilities:
                remedy = f"mkdir -p {shlex.quote(root)}, or mount it, or correct the setting"
            return Finding(CheckStatus.FAILED, str(error), remedy)
        except FileSystemError as error:
            return Finding(CheckStatus.FAILED, str(error), f"let this user read {root!r}")
        entries = "1 entry" if len(names) == 1 else f"{len(names):,} entries"
        return Finding(CheckStatus.OK, f"{root} can be read: {entries}")

    async def _write_probe(self) -> Finding:
        """Write a file where rejects go, read it and delete it."""
        fs, folder = self._fs, REJECTS_FOLDER
        if Capability.DIRECTORIES in fs.capabilities and not await self._has_rejects():
            if not _is_below(fs.locate(folder), fs.locate()):
                text = f"{fs.locate(folder)} does not exist: the first reject makes it"
                return Finding(CheckStatus.WARNING, text, f"mkdir -p {shlex.quote(fs.locate(folder))}")
            folder = ""  # a directory that is made for the probe would stay
        path = f"{folder}/.platform-doctor-{token_hex(8)}".removeprefix("/")
        content = path.encode()
        try:
            await fs.write(path, content)
            try:
                read = await fs.read(path)
            finally:
                await fs.delete(path)
        except FileSystemError as error:
            remedy = (
                f"let this user write to {fs.locate(folder)!r}, or keep rejects elsewhere, "
                "with 'local' by FS_LOCAL_REJECTS_ROOT"
            )
            return Finding(CheckStatus.FAILED, str(error), remedy)
        if read != content:
            return Finding(CheckStatus.FAILED, f"{path!r} was not read as it was written", "use another disk")
        return Finding(CheckStatus.OK, f"{fs.locate(folder)} can be written")

    async def _has_rejects(self) -> bool:
        try:
            await self._fs.list_names(REJECTS_FOLDER)
        except FileMissingError:
            return False
        return True


def _is_below(location: str, root: str) -> bool:
    return location.startswith(f"{root.rstrip('/')}/")
