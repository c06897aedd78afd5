"""``FileSystemInterface`` in memory."""

from collections.abc import AsyncGenerator, AsyncIterable
from urllib.parse import quote

from platform_interfaces import (
    FileMissingError,
    FileSystemError,
    FileSystemInterface,
    SecretsInterface,
    Survey,
    check_path,
    check_prefix,
)

BLOCK_BYTES = 1024 * 1024


class MemoryFileSystem(FileSystemInterface):
    """Files that live as long as this object; ``write_stream`` collects all of a file first."""

    is_in_process = True

    def __init__(self, secrets: SecretsInterface | None = None) -> None:
        """Take ``secrets`` as every adapter does, and read nothing from it."""
        self._files: dict[str, bytes] = {}

    async def read(self, path: str) -> bytes:
        return self._content(path)

    async def write(self, path: str, data: bytes, *, is_private: bool = False) -> None:
        self._refuse_target(path)
        self._files[path] = bytes(data)

    async def write_stream(self, path: str, chunks: AsyncIterable[bytes], *, is_private: bool = False) -> int:
        self._refuse_target(path)
        data = b"".join([chunk async for chunk in chunks])
        await self.write(path, data)
        return len(data)

    async def list(self, prefix: str) -> list[str]:
        directory = check_prefix(prefix)
        return sorted(path for path in self._files if not directory or path.startswith(f"{directory}/"))

    async def survey(self, prefix: str) -> Survey:
        contents = {path: self._files.get(path, b"") for path in await self.list(prefix)}
        return Survey(
            tuple(contents),
            sizes={path: len(content) for path, content in contents.items()},
            versions={path: str(hash(content)) for path, content in contents.items()},
        )

    async def delete(self, path: str) -> bool:
        self._refuse_directory(check_path(path))
        return self._files.pop(path, None) is not None

    async def exists(self, path: str) -> bool:
        return check_path(path) in self._files

    async def get_signed_url(self, path: str, expiry: int = 3600) -> str:
        """Return a ``memory:///`` URL, which is unique to the file; nothing can read it."""
        self._content(path)
        return f"memory:///{quote(path)}"

    async def stream(self, path: str, *, offset: int = 0) -> AsyncGenerator[bytes, None]:
        """Yield the content in blocks of at most 1 MiB."""
        data = self._content(path)
        for start in range(offset, len(data), BLOCK_BYTES):
            yield data[start : start + BLOCK_BYTES]

    async def health_check(self) -> bool:
        return True

    def locate(self, path: str = "") -> str:
        return f"memory:/{path}"

    def _content(self, path: str) -> bytes:
        self._refuse_directory(check_path(path))
        try:
            return self._files[path]
        except KeyError:
            raise FileMissingError(f"there is no file {path!r}") from None

    def _refuse_target(self, path: str) -> None:
        self._refuse_directory(check_path(path))
        parents = path.split("/")[:-1]
        for depth in range(1, len(parents) + 1):
            if (parent := "/".join(parents[:depth])) in self._files:
                raise FileSystemError(f"cannot write {path!r}: {parent!r} is a file")

    def _refuse_directory(self, path: str) -> None:
        if any(file.startswith(f"{path}/") for file in self._files):
            raise FileSystemError(f"{path!r} is a directory")
