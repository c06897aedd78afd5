"""What a store does wrong is retried, or reported within the time limit: asked, found, what to do."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing
from typing import Any

import pytest

from platform_interfaces import (
    FileMissingError,
    FileSystemError,
    FileSystemInterface,
    StorageUnreachableError,
)
from platform_memory import MemorySecrets
from platform_objectstore import S3FileSystem
from platform_objectstore.testing import Fault, FaultyProxy

MIB = 1024 * 1024
LIMIT_SECONDS = 60.0
CANARY, TOKEN = "canary", "FwoGZXIvYXdzEXAMPLETOKEN"


async def blocks(count: int) -> AsyncIterator[bytes]:
    for number in range(count):
        yield bytes([number]) * MIB


async def read_stream(fs: FileSystemInterface) -> None:
    async with aclosing(fs.stream("a")) as found:
        async for _ in found:
            pass


CALLS: Mapping[str, Callable[[FileSystemInterface], Awaitable[object]]] = {
    "read": lambda fs: fs.read("a"),
    "stream": read_stream,
    "write": lambda fs: fs.write("a", b"x"),
    "write in parts": lambda fs: fs.write_stream("a", blocks(20)),
    "list": lambda fs: fs.list(""),
    "survey": lambda fs: fs.survey(""),
    "list_names": lambda fs: fs.list_names(""),
    "exists": lambda fs: fs.exists("a"),
    "delete": lambda fs: fs.delete("a"),
    "get_signed_url": lambda fs: fs.get_signed_url("a"),
}
each_call = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())


@pytest.fixture
async def proxy(s3_server: str) -> AsyncIterator[FaultyProxy]:
    async with FaultyProxy(s3_server) as proxy:
        yield proxy


def make(settings: Mapping[str, str], **others: str) -> S3FileSystem:
    return S3FileSystem(MemorySecrets({**settings, **others}))


@pytest.fixture
async def fs(proxy: FaultyProxy, s3_settings: Mapping[str, str]) -> S3FileSystem:
    fs = make(
        s3_settings,
        FS_S3_ENDPOINT=proxy.url,
        FS_S3_SESSION_TOKEN=TOKEN,
    )
    await fs.write("a", b"old" * MIB)
    return fs


async def fail(
    fs: FileSystemInterface, call: Callable[[FileSystemInterface], Awaitable[object]]
) -> FileSystemError:
    """Return what the call raises, which must be on one line and show no secret, within the limit."""
    async with asyncio.timeout(LIMIT_SECONDS):
        with pytest.raises(FileSystemError) as caught:
            await call(fs)
    error = caught.value
    for text in (str(error), str(error.__cause__)):
        assert text.isprintable(), text
        assert not any(secret in text for secret in (CANARY, TOKEN))
    return error


@pytest.mark.parametrize("fault", [Fault.HANG, Fault.RESET, Fault.OVERLOADED], ids=lambda fault: fault.name)
async def test_a_store_that_does_not_answer_is_unreachable(
    s3_settings: Mapping[str, str], proxy: FaultyProxy, fault: Fault
) -> None:
    proxy.fail(fault)
    fs = make(s3_settings, FS_S3_ENDPOINT=proxy.url, FS_S3_TIMEOUT="3")
    for error in await asyncio.gather(*(fail(fs, call) for call in CALLS.values())):
        assert isinstance(error, StorageUnreachableError)
        assert error.is_transient
        assert proxy.url in str(error)


@each_call
@pytest.mark.parametrize("fault", [Fault.RESET, Fault.OVERLOADED], ids=lambda fault: fault.name)
async def test_a_fault_that_passes_is_not_noticed(
    fs: S3FileSystem,
    proxy: FaultyProxy,
    fault: Fault,
    call: Callable[[FileSystemInterface], Awaitable[object]],
) -> None:
    proxy.fail_first(2, fault)
    async with asyncio.timeout(LIMIT_SECONDS):
        await call(fs)


@each_call
@pytest.mark.parametrize(
    ("fault", "advice"),
    [
        (Fault.DENIED, "permission denied: let the credentials (from FS_S3_ACCESS_KEY_ID) do it"),
        (Fault.EXPIRED, "the credentials have expired: renew them and run again"),
        (Fault.MISSIGNED, "the credentials (from FS_S3_ACCESS_KEY_ID) are refused: correct them"),
    ],
    ids=["DENIED", "EXPIRED", "MISSIGNED"],
)
async def test_a_refusal_says_what_to_do_and_is_not_tried_again(
    fs: S3FileSystem,
    proxy: FaultyProxy,
    fault: Fault,
    advice: str,
    call: Callable[[FileSystemInterface], Awaitable[object]],
) -> None:
    proxy.fail(fault)
    proxy.requests.clear()
    error = await fail(fs, call)
    assert not error.is_transient
    if not proxy.requests[0].startswith("HEAD"):  # which has no text to say it in
        assert advice in str(error)
    assert len(proxy.requests) == 1


async def test_a_key_that_the_server_does_not_know_is_refused(s3_settings: Mapping[str, str]) -> None:
    error = await fail(make(s3_settings, FS_S3_ACCESS_KEY_ID="AKIANOBODY"), CALLS["read"])
    assert "the credentials (from FS_S3_ACCESS_KEY_ID) are refused: correct them" in str(error)


@each_call
async def test_a_bucket_that_does_not_exist_is_named(
    s3_settings: Mapping[str, str], call: Callable[[FileSystemInterface], Awaitable[object]]
) -> None:
    fs = make(s3_settings, FS_S3_BUCKET="no-such-bucket")
    if call in (CALLS["exists"], CALLS["delete"]):
        assert await call(fs) is False
        return
    error = await fail(fs, call)
    assert isinstance(error, FileMissingError)
    assert "'no-such-bucket'" in str(error) or "'s3://no-such-bucket'" in str(error)


@pytest.mark.parametrize(
    ("endpoint", "cause"),
    [
        ("http://127.0.0.1:{port}", "Connection refused"),
        ("http://no-such-host.invalid", "failed to lookup address"),
        ("{https}", "it does not speak https: use http://"),
    ],
)
async def test_an_endpoint_that_cannot_be_reached_is_named_with_the_cause(
    s3_settings: Mapping[str, str], s3_server: str, endpoint: str, cause: str
) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = endpoint.format(port=unused.getsockname()[1], https=s3_server.replace("http:", "https:"))
        error = await fail(make(s3_settings, FS_S3_ENDPOINT=url, FS_S3_TIMEOUT="1"), CALLS["read"])
    assert isinstance(error, StorageUnreachableError)
    assert f"no answer from {url!r}: " in str(error)
    assert cause in str(error)


async def test_the_rest_of_an_answer_that_broke_off_is_asked_for(
    fs: S3FileSystem, proxy: FaultyProxy
) -> None:
    proxy.fail_first(2, Fault.TRUNCATED, "GET .*/a$")
    assert await fs.read("a") == b"old" * MIB
    assert sum(request.startswith("GET") for request in proxy.requests) == 3


async def test_an_answer_that_always_breaks_off_is_an_error_of_its_file(
    fs: S3FileSystem, proxy: FaultyProxy
) -> None:
    proxy.fail(Fault.TRUNCATED, "GET .*/a$")
    error = await fail(fs, CALLS["stream"])
    assert "broke off" in str(error)
    assert not isinstance(error, StorageUnreachableError)


async def test_a_file_that_is_replaced_is_not_continued_with_the_new_content(
    fs: S3FileSystem, proxy: FaultyProxy
) -> None:
    proxy.fail_first(1, Fault.TRUNCATED, "GET .*/a$")
    async with aclosing(fs.stream("a")) as found:
        assert (await anext(found))[:3] == b"old"
        await fs.write("a", b"new" * MIB)
        with pytest.raises(FileSystemError):
            async for block in found:
                assert b"new" not in block


@pytest.mark.parametrize("pattern", [r"PUT .*partNumber=2", r"POST .*uploadId="], ids=["part", "end"])
@pytest.mark.parametrize("fault", [Fault.RESET, Fault.OVERLOADED, Fault.DENIED], ids=lambda fault: fault.name)
async def test_an_upload_that_fails_leaves_the_old_content_and_no_parts(
    fs: S3FileSystem,
    proxy: FaultyProxy,
    s3_client: Any,
    s3_settings: Mapping[str, str],
    fault: Fault,
    pattern: str,
) -> None:
    proxy.fail(fault, pattern)
    await fail(fs, CALLS["write in parts"])
    assert await fs.read("a") == b"old" * MIB
    assert uploads(s3_client, s3_settings) == []


async def test_an_upload_that_is_cancelled_leaves_the_old_content_and_no_parts(
    fs: S3FileSystem, proxy: FaultyProxy, s3_client: Any, s3_settings: Mapping[str, str]
) -> None:
    is_half = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        while True:
            if any("partNumber=2" in request for request in proxy.requests):
                is_half.set()
            await asyncio.sleep(0)
            yield bytes(MIB)

    task = asyncio.create_task(fs.write_stream("a", endless()))
    async with asyncio.timeout(LIMIT_SECONDS):
        await is_half.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert uploads(s3_client, s3_settings) == []
    assert await fs.read("a") == b"old" * MIB


def uploads(client: Any, settings: Mapping[str, str]) -> list[str]:
    found = client.list_multipart_uploads(Bucket=settings["FS_S3_BUCKET"])
    return [each["Key"] for each in found.get("Uploads", ())]
