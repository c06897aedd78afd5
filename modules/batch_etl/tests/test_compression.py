import bz2
import gzip
import io
import lzma
import random
import re
import sys
import tarfile
import zipfile
import zlib
from collections.abc import AsyncGenerator, Callable, Iterator

import pytest

from batch_etl.ingest.compression import BLOCK_BYTES, decompress_file
from platform_interfaces import FileSystemError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

CONTENT = random.Random(1).randbytes(5000).hex().encode()


@pytest.fixture(params=["gz", "zst"])
def suffix(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def compress(suffix: str) -> Callable[[bytes], bytes]:
    return gzip.compress if suffix == "gz" else zstd.compress


async def read(path: str, data: bytes, block_size: int = 100) -> list[bytes]:
    async def blocks() -> AsyncGenerator[bytes, None]:
        for start in range(0, len(data), block_size):
            yield data[start : start + block_size]

    return [block async for block in decompress_file(path, blocks())]


@pytest.mark.parametrize("block_size", [1, 7, 1000, 1_000_000])
async def test_a_file_of_several_members_is_read_whole_wherever_its_blocks_are_split(
    suffix: str, compress: Callable[[bytes], bytes], block_size: int
) -> None:
    data = compress(CONTENT) + compress(b"") + compress(b"\nend")
    assert b"".join(await read(f"a.{suffix}", data, block_size)) == CONTENT + b"\nend"


async def test_blocks_are_small_however_much_a_file_expands(
    suffix: str, compress: Callable[[bytes], bytes]
) -> None:
    data = compress(b"x" * (10 * BLOCK_BYTES))
    sizes = [len(block) for block in await read(f"a.{suffix}", data, 1_000_000)]
    assert sum(sizes) == 10 * BLOCK_BYTES
    assert max(sizes) <= BLOCK_BYTES


def truncations(data: bytes) -> Iterator[bytes]:
    yield from (data[:size] for size in (1, 5, 10, len(data) // 2, len(data) - 1))


async def test_a_file_that_is_truncated_anywhere_is_an_error_that_names_it(
    suffix: str, compress: Callable[[bytes], bytes]
) -> None:
    whole = compress(CONTENT)
    for data in (*truncations(whole), *(whole + part for part in truncations(whole))):
        with pytest.raises(FileSystemError, match=f"'a.{suffix}' is truncated"):
            await read(f"a.{suffix}", data)


async def test_a_damaged_file_is_an_error_that_names_it(
    suffix: str, compress: Callable[[bytes], bytes]
) -> None:
    data = compress(CONTENT)
    for damaged in (data + b"garbage, more than a header has", data + b"g"):
        with pytest.raises(FileSystemError, match=f"'a.{suffix}' is damaged"):
            await read(f"a.{suffix}", damaged)


async def test_b8_an_empty_file_is_empty(suffix: str) -> None:
    assert b"".join(await read(f"a.{suffix}", b"")) == b""


@pytest.mark.parametrize("path", ["a.jsonl.GZ", "a.jsonl.ZST", "a.jsonl", "a", "a.gz", "a.zst", "gz/a.txt"])
@pytest.mark.parametrize("block_size", [1, 3, 100, 100_000])
async def test_b4_compressed_data_are_decompressed_under_any_name(
    path: str, block_size: int, compress: Callable[[bytes], bytes]
) -> None:
    assert b"".join(await read(path, compress(CONTENT), block_size)) == CONTENT


@pytest.mark.parametrize("path", ["a.gz", "a.zst", "a.bz2", "a.parquet", "a.zip", "a"])
@pytest.mark.parametrize("content", [b'{"a": 1}\n', b"caf\xe9\n", '\ufeff{"a": "é"}'.encode("utf-16"), b"x"])
async def test_b6_text_is_text_under_any_name(path: str, content: bytes) -> None:
    assert b"".join(await read(path, content, 2)) == content


@pytest.mark.parametrize("zeros", [1, 512, 100_000])
@pytest.mark.parametrize("block_size", [1, 100, 70_000])
async def test_b7_zeros_behind_gzip_data_are_padding(zeros: int, block_size: int) -> None:
    padded = gzip.compress(CONTENT) + bytes(zeros)
    assert b"".join(await read("a.gz", padded, block_size)) == CONTENT
    assert b"".join(await read("a.gz", padded + gzip.compress(b"end"), block_size)) == CONTENT + b"end"


async def test_b7_zeros_and_garbage_behind_gzip_data_are_damage_and_zeros_behind_zstd_data_too() -> None:
    for data in (gzip.compress(CONTENT) + bytes(512) + b"garbage", zstd.compress(CONTENT) + bytes(512)):
        with pytest.raises(FileSystemError, match="is damaged"):
            await read("a.gz", data)


async def test_frames_to_be_skipped_may_come_first_and_between() -> None:
    skipped = b"\x5a\x2a\x4d\x18\x04\0\0\0abcd"
    data = skipped + zstd.compress(CONTENT) + skipped + zstd.compress(b"end") + skipped
    for block_size in (1, 5, 100_000):
        assert b"".join(await read("a", data, block_size)) == CONTENT + b"end"


async def test_data_that_are_compressed_twice_are_decompressed_twice_but_not_for_ever(
    compress: Callable[[bytes], bytes],
) -> None:
    twice = compress(gzip.compress(CONTENT))
    assert b"".join(await read("a", twice)) == CONTENT
    with pytest.raises(FileSystemError, match="compressed more than 3 times"):
        await read("a", compress(gzip.compress(twice)))


def tar(name: str = "a.jsonl", kind: int = tarfile.USTAR_FORMAT) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w", format=kind) as archive:
        entry = tarfile.TarInfo(name)
        entry.size = len(CONTENT)
        archive.addfile(entry, io.BytesIO(CONTENT))
    return target.getvalue()


def zipped() -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("a.jsonl", CONTENT)
    return target.getvalue()


OLD_TAR = (
    tar()[:148] + b"%06o\0 " % (sum(tar()[:148]) + 256 + sum(tar()[156:257])) + tar()[156:257] + bytes(255)
)

NOT_READ: dict[str, tuple[bytes, str]] = {
    "bzip2": (bz2.compress(CONTENT), "is a bzip2 file, which is not read: decompress it"),
    "empty bzip2": (bz2.compress(b""), "is a bzip2 file"),
    "xz": (lzma.compress(CONTENT), "is an xz file"),
    "lzma": (lzma.compress(CONTENT, lzma.FORMAT_ALONE), "is an lzma file"),
    "zlib": (zlib.compress(CONTENT), "is a zlib stream"),
    "lz4": (b"\x04\x22\x4d\x18" + CONTENT, "is an lz4 file"),
    "snappy": (b"\xff\x06\x00\x00sNaPpY" + CONTENT, "is a Snappy file"),
    "compress": (b"\x1f\x9d\x90" + CONTENT, "is a file of compress"),
    "lzip": (b"LZIP\x01" + CONTENT, "is an lzip file"),
    "zip": (zipped(), "is a zip archive"),
    "empty zip": (b"PK\5\6" + bytes(18), "is a zip archive"),
    "7z": (b"7z\xbc\xaf\x27\x1c" + CONTENT, "is a 7z archive"),
    "rar": (b"Rar!\x1a\x07\x01\0", "is a rar archive"),
    "tar": (tar(), "is a tar archive"),
    "tar of pax": (tar("x" * 200, tarfile.PAX_FORMAT), "is a tar archive"),
    "old tar": (OLD_TAR, "is a tar archive"),
    "Parquet": (b"PAR1\x15\x04\x15", "is a Parquet file, which is not read: convert it"),
    "ORC": (b"ORC\x0a\x11\x0a", "is an ORC file"),
    "Avro": (b"Obj\x01\x04\x16avro.schema", "is an Avro file"),
    "Arrow": (b"ARROW1\0\0", "is an Arrow or Feather file"),
    "SQLite": (b"SQLite format 3\0", "is a SQLite database"),
    "HDF5": (b"\x89HDF\r\n\x1a\n", "is an HDF5 file"),
    "PDF": (b"%PDF-1.7\n", "is a PDF file"),
    "Excel": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "is an Excel or other Office file"),
    "HTML": (b"\r\n<!doctype HTML>\n<p>404", "is an HTML page, which is not read: was an error page stored"),
    "XML": (b"\xef\xbb\xbf<?xml version='1.0'?>\n<Error>AccessDenied", "is an XML document"),
    "LFS": (b"version https://git-lfs.github.com/spec/v1\noid", "is a Git LFS pointer"),
}


@pytest.mark.parametrize("name", NOT_READ)
async def test_b5_a_format_that_is_not_read_is_named_before_any_block(name: str) -> None:
    data, message = NOT_READ[name]
    for path in ("a.jsonl", "a.gz", "a"):
        for content in (data, gzip.compress(data), zstd.compress(data)):
            for block_size in (1, 100_000):
                with pytest.raises(FileSystemError, match=re.escape(f"{path!r} {message}")):
                    await read(path, content, block_size)


@pytest.mark.parametrize("path", ["a.gz", "a.ZST", "a.br", "a.snappy"])
@pytest.mark.parametrize("data", [bytes(600), bytes(range(240))[::-1], CONTENT[:100] + bytes(500)])
async def test_b5_a_name_that_promises_what_the_bytes_are_not_is_an_error(path: str, data: bytes) -> None:
    with pytest.raises(FileSystemError, match="neither gzip nor zstd data nor text"):
        await read(path, data)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(bytes(4096) + b'{"a": 1}\n', id="b13-zeros-first"),
        pytest.param(b"PAR1,PAR2,PAR3\n1,2,3\n", id="columns"),
        pytest.param("ORC,é\n".encode(), id="more-columns"),
        pytest.param(b"BZh9 is a word\n", id="word"),
        pytest.param(b"<14>Jan 15 syslog\n", id="syslog"),
        pytest.param(b'{"a": "<html><!DOCTYPE PK\x03\x04"}\n', id="inside"),
        pytest.param(b"\x1f", id="separator"),
        pytest.param(b"(", id="bracket"),
    ],
)
async def test_what_only_looks_like_a_format_is_text(data: bytes) -> None:
    assert b"".join(await read("a.jsonl", data, 3)) == data


async def test_the_beginning_of_a_file_that_fails_comes_before_the_error() -> None:
    data = gzip.compress(b"one\ntwo\n", mtime=0)[:-4]

    async def blocks() -> AsyncGenerator[bytes, None]:
        yield data

    found = b""
    with pytest.raises(FileSystemError, match="is truncated: when the file is still being written"):
        async for block in decompress_file("a", blocks()):
            found += block
    assert found == b"one\ntwo\n"
