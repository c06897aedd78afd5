"""The ids of rows of earlier runs that attempts have met in the table."""

import struct
import zlib
from collections.abc import Iterable, Iterator

PAGE_BITS = 12
PAGE_BYTES = 2**PAGE_BITS // 8
_PAGE = struct.Struct(f"<q{PAGE_BYTES}s")
_AS_DIGITS = bytes.maketrans(b"\0\1", b"01")


def pack_pages(pages: Iterable[tuple[int, bytes | bytearray]]) -> bytes:
    """Return pages of a byte for each id, 0 or 1, as pages of bits, compressed."""
    packed = (
        _PAGE.pack(number, int(page.translate(_AS_DIGITS), 2).to_bytes(PAGE_BYTES, "big"))
        for number, page in pages
    )
    return zlib.compress(b"".join(packed), level=1)


def unpack_pages(packed: bytes) -> Iterator[tuple[int, int]]:
    """Yield the number of each page, and its bits."""
    for number, bits in _PAGE.iter_unpack(zlib.decompress(packed)):
        yield number, int.from_bytes(bits, "big")


class MetUnion:
    """The ids that any of several attempts has met."""

    def __init__(self) -> None:
        self._pages = dict[int, int]()

    def add(self, packed: bytes) -> None:
        """Add what an attempt has met, as ``pack_pages`` returned it."""
        for number, bits in unpack_pages(packed):
            self._pages[number] = self._pages.get(number, 0) | bits

    def __len__(self) -> int:
        """Return how many ids there are."""
        return sum(bits.bit_count() for bits in self._pages.values())
