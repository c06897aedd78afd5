"""What is particular to objects; what all file systems have in common is the contract's."""

from __future__ import annotations

import asyncio
import logging
import os
import tracemalloc
import urllib.request
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any

import pytest

from platform_interfaces import CheckStatus, FileMissingError, FileSystemError, Survey
from platform_memory import MemorySecrets
from platform_objectstore import S3FileSystem

MIB = 1024 * 1024


class Store:
    """The bucket of a test, past the adapter."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._client, self._bucket = client, bucket

    def put(self, *keys: str, data: bytes = b"x") -> None:
        for key in keys:
            self._client.put_object(Bucket=self._bucket, Key=key, Body=data)

    def keys(self) -> list[str]:
        listed = self._client.list_objects_v2(Bucket=self._bucket)
        return [each["Key"] for each in listed.get("Contents", ())]


@pytest.fixture
def store(s3_client: Any, s3_settings: Mapping[str, str]) -> Store:
    return Store(s3_client, s3_settings["FS_S3_BUCKET"])


@pytest.fixture
def fs(s3_settings: Mapping[str, str]) -> S3FileSystem:
    return S3FileSystem(MemorySecrets({**s3_settings, "FS_S3_PREFIX": "lake"}))


async def blocks(sizes: Iterable[int]) -> AsyncIterator[bytes]:
    for size in sizes:
        yield bytes(size)


async def test_keys_are_below_the_prefix_and_others_are_not_seen(fs: S3FileSystem, store: Store) -> None:
    store.put("lakes/a", "lake", "other/a")
    await fs.write("a", b"x")
    assert store.keys() == ["lake", "lake/a", "lakes/a", "other/a"]
    assert await fs.list("") == ["a"]


async def test_without_a_prefix_the_whole_bucket_is_seen(
    s3_settings: Mapping[str, str], store: Store
) -> None:
    store.put("a", "b/c")
    fs = S3FileSystem(MemorySecrets(s3_settings))
    assert await fs.list("") == ["a", "b/c"]
    assert await fs.list_names("") == ("a", "b/")
    assert fs.locate() == f"s3://{s3_settings['FS_S3_BUCKET']}"
    assert fs.locate("b/c") == f"s3://{s3_settings['FS_S3_BUCKET']}/b/c"


async def test_the_mark_of_a_folder_is_not_a_file(fs: S3FileSystem, store: Store) -> None:
    store.put("lake/", "lake/dir/", "lake/dir/sub/", "lake/empty/", data=b"")
    await fs.write("dir/sub", b"a file as well")
    await fs.write("dir/none", b"")
    assert await fs.survey("") == Survey(("dir/none", "dir/sub"))
    assert await fs.list("dir") == ["dir/none", "dir/sub"]
    assert await fs.list_names("") == ("dir/", "empty/")
    assert await fs.list_names("dir") == ("none", "sub", "sub/")
    assert await fs.exists("empty") is False


@pytest.mark.parametrize("key", ["lake/dir//a", "lake/dir/./a", "lake/dir/../a", "lake/dir/a\nb"])
async def test_a_key_that_cannot_be_read_costs_its_directory_only(
    fs: S3FileSystem, store: Store, key: str
) -> None:
    for path in ("a", "dir/b", "dirs/c", "other/dir/d"):
        await fs.write(path, b"x")
    store.put(key)
    found = await fs.survey("")
    assert {"a", "dirs/c", "other/dir/d"} <= set(found.files) <= {"a", "dir/b", "dirs/c", "other/dir/d"}
    [(path, reason)] = found.unusable.items()
    assert path == "dir/" or path.startswith("dir/.")
    assert "cannot be a path" in reason
    for prefix in ("", "dir"):
        with pytest.raises(FileSystemError, match="rename or delete the object") as caught:
            await fs.list(prefix)
        assert str(caught.value).isprintable()
    assert await fs.list("other") == ["other/dir/d"]


async def test_a_key_that_no_path_can_have_is_named(
    fs: S3FileSystem, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    store.put("lake/dir/a\\b", "lake/dir/c")
    found = await fs.survey("")
    assert found.files == ("dir/c",)
    assert found.unusable == {
        "dir/a\\b": "its name cannot be a path: parts are separated by '/', not by a backslash"
    }
    with caplog.at_level(logging.WARNING, "platform_objectstore"):
        assert await fs.list("dir") == ["dir/c"]
    assert "a\\\\b" in caplog.text


async def test_a_file_being_written_by_a_check_is_not_listed(fs: S3FileSystem, store: Store) -> None:
    store.put("lake/.platform-0123456789abcdef.tmp")
    assert await fs.survey("") == Survey(())
    assert await fs.list_names("") == ()


async def test_a_signed_url_reads_the_object_without_credentials(fs: S3FileSystem) -> None:
    await fs.write("a b/ü?#", b"content")
    with urllib.request.urlopen(await fs.get_signed_url("a b/ü?#", expiry=60)) as answer:
        assert answer.read() == b"content"


@pytest.mark.parametrize("expiry", [0, -1, 604_801])
async def test_a_signed_url_is_valid_for_a_week_at_most(fs: S3FileSystem, expiry: int) -> None:
    await fs.write("a", b"x")
    with pytest.raises(ValueError, match="604,800"):
        await fs.get_signed_url("a", expiry)


@pytest.mark.parametrize("size", [8 * MIB - 1, 8 * MIB, 8 * MIB + 1, 16 * MIB], ids=str)
async def test_content_around_the_size_of_a_part_is_whole(fs: S3FileSystem, size: int) -> None:
    assert await fs.write_stream("a", blocks([size // 2, size - size // 2])) == size
    assert await fs.read("a") == bytes(size)


async def test_a_streaming_write_takes_little_memory(fs: S3FileSystem) -> None:
    tracemalloc.start()
    try:
        await fs.write_stream("a", blocks([MIB] * 100))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 80 * MIB


async def test_a_missing_bucket_is_not_healthy(s3_settings: Mapping[str, str], fs: S3FileSystem) -> None:
    missing = S3FileSystem(MemorySecrets({**s3_settings, "FS_S3_BUCKET": "no-such-bucket"}))
    assert await missing.health_check() is False
    assert await fs.health_check() is True


async def test_the_doctor_reports_where_the_credentials_come_from(fs: S3FileSystem, s3_server: str) -> None:
    [check] = fs.list_checks()
    found = await check.find()
    assert (found.status, found.text) == (CheckStatus.OK, f"from FS_S3_ACCESS_KEY_ID, for {s3_server!r}")


async def test_list_names_of_a_missing_directory_has_its_url(fs: S3FileSystem) -> None:
    with pytest.raises(FileMissingError, match=r"there is no directory 's3://test-\w+/lake/no/such'"):
        await fs.list_names("no/such")


async def test_a_forked_process_is_refused_and_does_not_hang(fs: S3FileSystem) -> None:
    await fs.write("a", b"x")
    child = os.fork()
    if not child:
        code = 1
        try:
            with pytest.raises(FileSystemError, match="forked from one that uses the storage"):
                asyncio.new_event_loop().run_until_complete(fs.read("a"))
            code = 0
        finally:
            os._exit(code)
    _, status = await asyncio.to_thread(os.waitpid, child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
