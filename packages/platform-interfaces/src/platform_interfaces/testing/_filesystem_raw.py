"""Access to files past the adapter, so that its writes are not proved by its own reads alone."""

from platform_interfaces import FileSystemInterface


class RawFiles:
    """The two ways a subscriber may have to the storage itself; by default they are the adapter's own."""

    async def raw_read(self, fs: FileSystemInterface, path: str) -> bytes:
        """Return the content of the file from the storage that ``fs`` works on."""
        return await fs.read(path)

    async def raw_write(self, fs: FileSystemInterface, path: str, data: bytes) -> None:
        """Put the file into the storage that ``fs`` works on."""
        await fs.write(path, data)
