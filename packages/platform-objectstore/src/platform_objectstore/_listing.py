"""What is below a prefix: keys, seen as the files and directories of a tree."""

from collections.abc import AsyncIterator, Iterable
from typing import TYPE_CHECKING, NamedTuple

from platform_interfaces import InvalidPathError, Survey, check_path
from platform_interfaces.filesystem import is_temporary_name
from platform_objectstore._bucket import Bucket
from platform_objectstore._calls import limited
from platform_objectstore._errors import UnreadableKeyError

if TYPE_CHECKING:
    from obstore import ObjectMeta

_PAGE = 1000


class Found(NamedTuple):
    """What a list says of a file: its bytes, and a text that is another one once the content has changed."""

    size: int
    version: str


class Level(NamedTuple):
    """What is directly in a directory: its files by path, and the paths of its directories."""

    files: dict[str, Found]
    directories: tuple[str, ...]


async def list_files(bucket: Bucket, prefix: str) -> dict[str, Found]:
    """Return the files in the directory ``prefix`` and below, by path.

    Raises:
        UnreadableKeyError: when one of the keys cannot be read by the client.
        FileSystemError: when they cannot be listed.
    """
    files, empty = dict[str, Found](), set[str]()
    async for path, found in _list_keys(bucket, prefix):
        if found.size:
            files[path] = found
        elif path != prefix:
            empty.add(path)
    # The client shows the mark of a folder, the empty object "a/b/", as an empty file "a/b".
    for directory in {path.rpartition("/")[0] for path in empty}:
        level = await list_level(bucket, directory)
        files |= {path: found for path, found in level.files.items() if path in empty}
    return files


async def survey(bucket: Bucket, prefix: str) -> Survey:
    """Return the files, and what cannot be read.

    A key that the client cannot read costs the directory that it is in, and no other.
    """
    unusable = dict[str, str]()
    try:
        found = await list_files(bucket, prefix)
    except UnreadableKeyError:
        found = await _list_by_level(bucket, prefix, unusable)
    files, refused = sort_out(found)
    return Survey(
        tuple(files),
        unusable=dict(sorted({**unusable, **refused}.items())),
        sizes={path: found[path].size for path in files},
        versions={path: found[path].version for path in files},
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
    files = {each["path"]: _describe(each) for each in found["objects"] if each["path"] != directory}
    return Level(files, tuple(found["common_prefixes"]))


async def _list_keys(bucket: Bucket, prefix: str) -> AsyncIterator[tuple[str, Found]]:
    pages = bucket.store.list(prefix or None, chunk_size=_PAGE)
    while True:
        async with limited(bucket, "list", prefix):
            page = await anext(pages, None)
        if page is None:
            return
        for each in page:
            yield each["path"], _describe(each)


def _describe(found: "ObjectMeta") -> Found:
    return Found(found["size"], found["e_tag"] or f"{found['size']}-{found['last_modified'].timestamp()}")


async def _list_by_level(bucket: Bucket, prefix: str, unusable: dict[str, str]) -> dict[str, Found]:
    """Return the files, one directory after the other; add what cannot be read."""
    files, pending = dict[str, Found](), [prefix]
    while pending:
        directory = pending.pop()
        try:
            level = await list_level(bucket, directory)
        except UnreadableKeyError as error:
            if directory == prefix:
                raise
            unusable[f"{escape(directory)}/"] = error.reason
            continue
        files |= level.files
        pending += level.directories
    return files
