"""What a file is by its first bytes: text, compressed text, or a format that is not read."""

import re

START_BYTES = 512  # the header of a tar archive, which no shorter start of it shows
GZIP = b"\x1f\x8b"
_ZSTD = re.compile(rb"\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18")  # a frame, or one to be skipped

_DECOMPRESS = "decompress it, or store it as gzip or zstd"
_UNPACK = "unpack it, and store its files as JSON lines"
_CONVERT = "convert it to one JSON object a line"
_DECRYPT = "decrypt it"
_FETCH = "was an error page stored in the place of the data? Fetch the file again"
# First bytes that text can have as well count only with a byte behind them that text does not have.
_BINARY = rb"[\x00-\x08\x0e-\x1f]"

_KNOWN: tuple[tuple[bytes, str, str], ...] = (
    (rb"BZh[1-9](1AY&SY|\x17rE8P\x90)", "a bzip2 file", _DECOMPRESS),
    (rb"\xfd7zXZ\x00", "an xz file", _DECOMPRESS),
    (rb"\x5d\x00\x00..(\xff{8}|.{5}\x00{3})", "an lzma file", _DECOMPRESS),
    (rb"LZIP[\x00\x01]", "an lzip file", _DECOMPRESS),
    (rb"\x89LZO\x00", "an lzop file", _DECOMPRESS),
    (rb"\x04\x22\x4d\x18|\x02\x21\x4c\x18|\x03\x21\x4c\x18", "an lz4 file", _DECOMPRESS),
    (rb"\xff\x06\x00\x00sNaPpY|\x82SNAPPY\x00", "a Snappy file", _DECOMPRESS),
    (rb"[\x22-\x27]\xb5\x2f\xfd", "a zstd file of a version before 0.8", _DECOMPRESS),
    (rb"\x1f[\x9d\xa0]", "a file of compress (.Z)", _DECOMPRESS),
    (rb"\x1f\x1e", "a file of pack (.z)", _DECOMPRESS),
    (rb"\x78[\x01\x9c\xda]", "a zlib stream", _DECOMPRESS),
    (rb"PK(\x03\x04|\x05\x06|\x07\x08)", "a zip archive (.xlsx and .docx are such, too)", _UNPACK),
    (rb"7z\xbc\xaf\x27\x1c", "a 7z archive", _UNPACK),
    (rb"Rar!\x1a\x07", "a rar archive", _UNPACK),
    (rb"!<arch>\n", "an ar archive", _UNPACK),
    (rb"07070[127][0-7A-Fa-f]{60}", "a cpio archive", _UNPACK),
    (rb"MSCF\x00{4}", "a cabinet archive", _UNPACK),
    (rb"PAR[1E].{0,4}?" + _BINARY, "a Parquet file", _CONVERT),
    (rb"ORC.{0,30}?" + _BINARY, "an ORC file", _CONVERT),
    (rb"Obj\x01", "an Avro file", _CONVERT),
    (rb"ARROW1\x00|FEA1\x00|\xff{4}.{3}\x00", "an Arrow or Feather file", _CONVERT),
    (rb"SQLite format 3\x00", "a SQLite database", _CONVERT),
    (rb".{8}DUCK" + _BINARY, "a DuckDB database", _CONVERT),
    (rb"\x89HDF\r\n\x1a\n", "an HDF5 file", _CONVERT),
    (rb"CDF[\x01\x02\x05]", "a NetCDF file", _CONVERT),
    (rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Excel or other Office file", _CONVERT),
    (rb"SEQ[\x00-\x06].", "a Hadoop sequence file", _CONVERT),
    (rb"RCF\x01", "an RCFile", _CONVERT),
    (rb"\x93NUMPY", "a NumPy file", _CONVERT),
    (rb"\x80[\x02-\x05][\x95}\]cq(]", "a Python pickle", _CONVERT),
    (rb"\xac\xed\x00\x05", "a file of serialised Java objects", _CONVERT),
    (rb":\)\n[\x00-\x07]", "a Smile file", _CONVERT),
    (rb"\xe0\x01\x00\xea", "an Ion file", _CONVERT),
    (rb"%PDF-", "a PDF file", _CONVERT),
    (rb"%!PS-", "a PostScript file", _CONVERT),
    (rb"\x89PNG\r\n|\xff\xd8\xff|GIF8[79]a", "an image", "is it in the right folder?"),
    (rb"\x7fELF", "a program", "is it in the right folder?"),
    (rb"Salted__|age-encryption\.org/|-----BEGIN PGP MESSAGE", "an encrypted file", _DECRYPT),
    (rb"version https://git-lfs\.github\.com/", "a Git LFS pointer", "fetch the file itself: git lfs pull"),
    (rb"(?i:(\xef\xbb\xbf)?\s*<(!doctype html|html[\s>]))", "an HTML page", _FETCH),
    (rb"(?i:(\xef\xbb\xbf)?\s*<(\?xml|!doctype))", "an XML document", f"{_CONVERT}, or, {_FETCH}"),
)
_FORMATS = [
    (re.compile(pattern, re.DOTALL), f"is {name}, which is not read: {advice}")
    for pattern, name, advice in _KNOWN
]

_BINARY_SUFFIXES = frozenset(
    (
        *(
            "gz",
            "gzip",
            "tgz",
            "zst",
            "zstd",
            "bz2",
            "xz",
            "lzma",
            "lz4",
            "lzo",
            "br",
            "deflate",
            "sz",
            "snappy",
            "z",
        ),
        *("zip", "7z", "tar", "parquet", "orc", "avro", "feather", "h5", "msgpack", "bson", "cbor", "pb"),
    )
)
# Those that UTF-8 text hardly has, and random bytes soon have.
_NO_TEXT = re.compile(rb"[\x00-\x08\x0e-\x19\x1c\x1d\x7f]")
_OTHER_ENCODINGS = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")


def is_zstd(start: bytes) -> bool:
    """Return whether zstd data begins with these bytes."""
    return _ZSTD.match(start) is not None


def find_unread_format(path: str, start: bytes) -> str | None:
    """Return what a file is that is not read, and what to do; None for text.

    A file with holes of zeros, or in another encoding, is text all the same.
    """
    for pattern, message in _FORMATS:
        if pattern.match(start):
            return message
    if _is_tar(start):
        return f"is a tar archive, which is not read: {_UNPACK}"
    suffix = path.rpartition(".")[2].lower()
    if suffix in _BINARY_SUFFIXES and _NO_TEXT.search(start) and not start.startswith(_OTHER_ENCODINGS):
        return (
            f"is named .{suffix}, but has neither gzip nor zstd data nor text: "
            f"it is damaged, or of a format that is not read; {_DECOMPRESS}"
        )
    return None


def _is_tar(start: bytes) -> bool:
    """Return whether the checksum of a tar header is there, which the oldest archives have as well."""
    stated = start[148:156].strip(b" \x00")
    if len(start) < START_BYTES or not re.fullmatch(rb"[0-7]{1,8}", stated):
        return False
    return int(stated, 8) == sum(start[:148]) + 8 * ord(" ") + sum(start[156:START_BYTES])
