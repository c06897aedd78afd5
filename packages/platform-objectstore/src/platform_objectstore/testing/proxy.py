"""A proxy between a client and a server of HTTP, with faults."""

import asyncio
import re
from collections.abc import Callable
from enum import Enum
from typing import Self
from urllib.parse import urlsplit

_ERROR = "<Error><Signed>{}</Signed><Code>{}</Code><Message>as the test wants it</Message></Error>"
"""As AWS does about a wrong signature, it repeats what was signed: the session token, among others."""


class Fault(Enum):
    """What happens to a request."""

    HANG = "no answer"
    RESET = "the connection is reset before the answer"
    TRUNCATED = "the connection ends in the middle of the answer"
    OVERLOADED = "503 SlowDown"
    DENIED = "403 AccessDenied"
    EXPIRED = "400 ExpiredToken"
    MISSIGNED = "403 SignatureDoesNotMatch"


class FaultyProxy:
    """Passes requests on to ``server``, but those that ``fault`` has something else for.

    Attributes:
        url: where it listens, inside its ``async with`` block.
        fault: is given each request, such as ``GET /bucket/key``, and returns its fault or None.
        requests: all that came.
    """

    def __init__(self, server: str) -> None:
        self._server = urlsplit(server)
        self._tasks = set[asyncio.Task[None]]()
        self.url = ""
        self.fault: Callable[[str], Fault | None] = lambda _: None
        self.requests = list[str]()

    async def __aenter__(self) -> Self:
        """Listen on the loopback interface."""
        self._listener = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._listener.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close all connections."""
        self._listener.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def fail_first(self, count: int, fault: Fault, pattern: str = "") -> None:
        """Have the first ``count`` requests fail that match ``pattern``."""
        left = [fault] * count
        self.fault = lambda request: left.pop() if left and re.search(pattern, request) else None

    def fail(self, fault: Fault, pattern: str = "") -> None:
        """Have all requests fail that match ``pattern``."""
        self.fault = lambda request: fault if re.search(pattern, request) else None

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._serve(reader, writer))
        self._tasks.add(task)
        try:
            await asyncio.gather(task, return_exceptions=True)  # a client may go away at any time
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
        body = await reader.readexactly(int(length[1])) if length else b""
        request = head.decode("latin-1").rpartition(" HTTP/")[0]
        self.requests.append(request)
        match self.fault(request):
            case None:
                writer.write(await self._ask(head, body))
            case Fault.HANG:
                await reader.read()  # until the client gives up
            case Fault.RESET:
                writer.transport.abort()
            case Fault.TRUNCATED:
                head, _, body = (await self._ask(head, body)).partition(b"\r\n\r\n")
                writer.write(head + b"\r\n\r\n" + body[: len(body) // 2])
            case fault:
                status, code = fault.value.split()
                token = re.search(rb"(?i)\r\nx-amz-security-token: *([^\r]*)", head)
                text = _ERROR.format(token[1].decode() if token else "", code).encode()
                writer.write(b"HTTP/1.1 %s x\r\ncontent-length: %d\r\n" % (status.encode(), len(text)))
                writer.write(b"connection: close\r\n\r\n" + text)
        await writer.drain()

    async def _ask(self, head: bytes, body: bytes) -> bytes:
        reader, writer = await asyncio.open_connection(self._server.hostname, self._server.port)
        try:
            writer.write(head.replace(b"\r\n", b"\r\nConnection: close\r\n", 1) + body)
            return await reader.read()
        finally:
            writer.close()
