"""Write a package as a whole, or leave everything as it was."""

import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from platform_interfaces import PlatformError


@dataclass(frozen=True)
class Edit:
    """A change of a file that a new package comes with."""

    file: Path
    change: Callable[[str], str]


def write_package(folder: Path, files: Mapping[Path, bytes], edit: Edit | None) -> None:
    """Write the files of a package to ``folder``, which does not exist, and change another file with it.

    Both appear at once, when all has been written.

    Raises:
        PlatformError: when that cannot be done, or another process changes the same file; nothing has
            changed then.
    """
    try:
        folder.parent.mkdir(exist_ok=True)
        with (
            TemporaryDirectory(prefix=".new-", dir=folder.parent) as temporary,
            _draft(edit) as edited,
        ):
            made = Path(temporary, folder.name)
            for path, content in files.items():
                (made / path).parent.mkdir(parents=True, exist_ok=True)
                (made / path).write_bytes(content)
            _rename_all([(made, folder), *edited])
    except OSError as error:
        where = error.filename2 or error.filename or folder
        raise PlatformError(f"cannot write {str(where)!r}: {error.strerror}; nothing has changed") from error


@contextmanager
def _draft(edit: Edit | None) -> Iterator[list[tuple[Path, Path]]]:
    """Yield the changed file, under another name, and the name that it is to get."""
    if edit is None:
        yield []
        return
    file = edit.file.resolve()
    draft = file.with_name(f".{file.name}.draft")
    try:
        stream = draft.open("xb")
    except FileExistsError as error:
        raise PlatformError(
            f"another process is changing {str(file)!r}: try again, "
            f"or delete {str(draft)!r} if it is a leftover"
        ) from error
    try:
        with stream:
            stream.write(edit.change(file.read_bytes().decode()).encode())
        draft.chmod(file.stat().st_mode)
        yield [(draft, file)]
    finally:
        draft.unlink(missing_ok=True)


def _rename_all(names: list[tuple[Path, Path]]) -> None:
    """Rename each; what was renamed before one that fails is renamed back. A signal waits for the end."""
    received: list[int] = []
    handlers = {
        each: signal.signal(each, lambda number, _: received.append(number))
        for each in (signal.SIGINT, signal.SIGTERM)
    }
    done: list[tuple[Path, Path]] = []
    try:
        for old, new in names:
            old.replace(new)
            done.append((old, new))
    except OSError:
        for old, new in reversed(done):
            new.replace(old)
        raise
    finally:
        for each, handler in handlers.items():
            signal.signal(each, handler)
        for number in received:
            signal.raise_signal(number)
