"""What is below a prefix: keys, seen as the files and directories of a tree."""

from collections.abc import AsyncIterator, Iterable
from typing import NamedTuple

from platform_interfaces import InvalidPathError, Survey, check_path
from platform_interfaces.filesystem import is_temporary_name
from platform_objectstore._bucket import Bucket
from platform_objectstore._calls import limited
from platform_objectstore._errors import UnreadableKeyError

_PAGE = 1000


class Level(NamedTuple):
    """What is directly in a directory: the sizes of its files by path, and the paths of its directories."""

    sizes: dict[str, int]
    directories: tuple[str, ...]


async def list_sizes(bucket: Bucket, prefix: str) -> dict[str, int]:
    """Return the size of each file in the directory ``prefix`` and below, by its path.

    Raises:
        UnreadableKeyError: when one of the keys cannot be read by the client.
        FileSystemError: when they cannot be listed.
    """
    sizes, empty = dict[str, int](), set[str]()
    async for path, size in _list_keys(bucket, prefix):
        if size:
            sizes[path] = size
        elif path != prefix:
            empty.add(path)
    # The client shows the mark of a folder, the empty object "a/b/", as an empty file "a/b".
    for directory in {path.rpartition("/")[0] for path in empty}:
        level = await list_level(bucket, directory)
        sizes |= {path: size for path, size in level.sizes.items() if path in empty}
    return sizes


async def survey(bucket: Bucket, prefix: str) -> Survey:
    """Return the files, and what cannot be read.

    A key that the client cannot read costs the directory that it is in, and no other.
    """
    unusable = dict[str, str]()
    try:
        sizes = await list_sizes(bucket, prefix)
    except UnreadableKeyError:
        sizes = await _list_by_level(bucket, prefix, unusable)
    files, refused = sort_out(sizes)
    return Survey(
        tuple(files),
        unusable=dict(sorted({**unusable, **refused}.items())),
        sizes={path: sizes[path] for path in files},
    )


def sort_out(paths: Iterable[str]) -> tuple[list[str], dict[str, str]]:
    """Return the files, sorted, and the keys that cannot be paths, escaped, each with the reason."""
    files, refused = list[str](), dict[str, str]()
    for path in paths:
        try:
            files.append(check_path(path))
        except InvalidPathError as error:
            if not any(map(is_temporary_name, path.split("/"))):
                refused[escape(path)] = f"its name cannot be a path: {str(error).rpartition(' refused: ')[2]}"
    return sorted(files), refused


def escape(text: str) -> str:
    """Return ``text`` on one line, without control characters."""
    return text if text.isprintable() else repr(text)[1:-1]


async def list_level(bucket: Bucket, directory: str) -> Level:
    """Return what is directly in ``directory``.

    Raises:
        UnreadableKeyError: when one of its keys cannot be read by the client.
        FileSystemError: when it cannot be listed.
    """
    async with limited(bucket, "list", directory):
        found = await bucket.store.list_with_delimiter_async(directory or None)
    sizes = {each["path"]: each["size"] for each in found["objects"] if each["path"] != directory}
    return Level(sizes, tuple(found["common_prefixes"]))


async def _list_keys(bucket: Bucket, prefix: str) -> AsyncIterator[tuple[str, int]]:
    pages = bucket.store.list(prefix or None, chunk_size=_PAGE)
    while True:
        async with limited(bucket, "list", prefix):
            page = await anext(pages, None)
        if page is None:
            return
        for each in page:
            yield each["path"], each["size"]


async def _list_by_level(bucket: Bucket, prefix: str, unusable: dict[str, str]) -> dict[str, int]:
    """Return the sizes of the files, one directory after the other; add what cannot be read."""
    sizes, pending = dict[str, int](), [prefix]
    while pending:
        directory = pending.pop()
        try:
            level = await list_level(bucket, directory)
        except UnreadableKeyError as error:
            if directory == prefix:
                raise
            unusable[f"{escape(directory)}/"] = error.reason
            continue
        sizes |= level.sizes
        pending += level.directories
    return sizes
