"""What the adapter says of its server: limits, poolers, versions, and whether others can listen."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pytest

from platform_interfaces import CheckStatus, Finding
from platform_memory import MemorySecrets
from platform_postgres import PostgresDatabase
from platform_postgres._checks import describe_plain, describe_version
from platform_postgres._target import read_target

TODAY = dt.date(2026, 11, 28)


async def find(name: str, url: str, **settings: str) -> Finding:
    async with PostgresDatabase(MemorySecrets({"DB_POSTGRES_URL": url, **settings})) as db:
        [check] = [each for each in db.list_checks() if each.name == name]
        return await check.find()


async def test_a_server_of_its_own_is_well(postgres_url: str) -> None:
    for name in ("server version", "encoding", "pooler", "connections", "timeouts"):
        assert (await find(name, postgres_url)).status == CheckStatus.OK, name


@pytest.mark.parametrize(
    ("full", "version", "status", "text"),
    [
        ("PostgreSQL 18.4 on x", "18.4", "ok", "gets corrections until November 2030"),
        ("PostgreSQL 18.4 on x", "18.4 (Debian 18.4-1)", "ok", "(Debian 18.4-1), which gets"),
        ("PostgreSQL 19devel on x", "19devel", "ok", "PostgreSQL 19devel, which"),
        ("PostgreSQL 14.20 on x", "14.20", "warning", "has had no corrections since November 2026"),
        ("PostgreSQL 13.9 on x", "13.9", "failed", "the oldest that is supported here is 14"),
        ("CockroachDB CCL v25.1, built", "13.0.0", "warning", "CockroachDB CCL v25.1: only PostgreSQL"),
    ],
)
def test_old_versions_are_shown_as_such(full: str, version: str, status: str, text: str) -> None:
    found = describe_version(full, version, TODAY)
    assert found.status == status
    assert text in found.text
    assert bool(found.remedy) == (status != "ok")


@pytest.mark.parametrize(
    ("peer", "status"),
    [("", "ok"), ("127.0.0.1", "ok"), ("::1", "ok"), ("10.0.0.7", "warning"), ("fe80::1%eth0", "warning")],
)
def test_without_tls_only_this_machine_is_safe(peer: str, status: str) -> None:
    target = read_target("postgresql://app@db.example/x", None)
    found = describe_plain(peer, target)
    assert found.status == status
    assert ("sslmode=verify-full to DB_POSTGRES_URL" in found.remedy) == (status == "warning")


async def test_a_limit_of_connections_below_the_pool_is_a_warning(postgres_url: str) -> None:
    database = urlsplit(postgres_url).path.lstrip("/")
    connection = await asyncpg.connect(postgres_url)
    await connection.execute(f"ALTER DATABASE {database} CONNECTION LIMIT 9")
    found = await find("connections", postgres_url, DB_POSTGRES_POOL_MIN="1")
    await connection.close()
    assert found.status == CheckStatus.WARNING
    assert found.text == "the database allows 9, of which others use 1; a run opens up to 12"
    assert found.remedy.startswith("set DB_POSTGRES_POOL_MAX=6, or close other sessions, ")
    fitting = {"DB_POSTGRES_POOL_MIN": "1", "DB_POSTGRES_POOL_MAX": "6"}
    assert (await find("connections", postgres_url, **fitting)).status == CheckStatus.OK


async def test_a_timeout_that_no_load_survives_is_a_warning(postgres_url: str) -> None:
    found = await find("timeouts", postgres_url, DB_POSTGRES_STATEMENT_TIMEOUT="500")
    assert (found.status, found.text.partition(":")[0]) == ("warning", "statement_timeout 0.5 s")
    found = await find("timeouts", postgres_url, DB_POSTGRES_STATEMENT_TIMEOUT="0")
    assert (found.status, found.text) == ("ok", "none: a statement may take for ever")


class Pooler:
    """A pooler in transaction mode: what its clients send goes to one session of the server, in turn.

    Each client is greeted by a session of its own, which is then closed, as if the greeting were kept.
    """

    def __init__(self, socket: str) -> None:
        self._socket = socket
        self._shared: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._turn = asyncio.Lock()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, OSError):
            head = await reader.readexactly(8)
            if head[4:] == b"\x04\xd2\x16\x2f":  # no TLS
                writer.write(b"N")
                head = await reader.readexactly(8)
            start = head + await reader.readexactly(int.from_bytes(head[:4], "big") - 8)
            server = await asyncio.open_unix_connection(self._socket)
            server[1].write(start)
            await self._answer(server[0], writer)
            if self._shared is None:
                self._shared = server
            else:
                server[1].close()
            while True:
                await self._exchange(reader, writer, self._shared)
        writer.close()

    def close(self) -> None:
        if self._shared:
            self._shared[1].close()

    async def _exchange(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        shared: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    ) -> None:
        """Let a client have the session until its transaction has ended."""
        kind = await reader.readexactly(1)
        async with self._turn:
            while True:
                while kind not in b"QS":  # until the server is to answer
                    if kind == b"X":
                        raise ConnectionResetError
                    shared[1].write(kind + await _read_body(reader))
                    if kind == b"H":
                        await self._pass(shared[0], writer)
                    kind = await reader.readexactly(1)
                shared[1].write(kind + await _read_body(reader))
                if await self._answer(shared[0], writer) == b"I":
                    return
                kind = await reader.readexactly(1)

    async def _answer(self, server: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        """Pass on what the server sends until it is ready, and return the state of its transaction."""
        while True:
            kind = await server.readexactly(1)
            body = await _read_body(server)
            writer.write(kind + body)
            if kind == b"Z":
                return body[-1:]

    async def _pass(self, server: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while kind := await server.readexactly(1):
            writer.write(kind + await _read_body(server))
            if kind in b"TnE":  # the end of the answer to a description
                return


async def _read_body(reader: asyncio.StreamReader) -> bytes:
    length = await reader.readexactly(4)
    return length + await reader.readexactly(int.from_bytes(length, "big") - 4)


@asynccontextmanager
async def pooled(url: str) -> AsyncIterator[str]:
    """Yield a URL that leads to the same database by a pooler."""
    query = parse_qs(urlsplit(url).query)
    pooler = Pooler(f"{query['host'][0]}/.s.PGSQL.{query['port'][0]}")
    server = await asyncio.start_server(pooler.serve, "127.0.0.1", 0)
    yield f"postgresql://postgres@127.0.0.1:{server.sockets[0].getsockname()[1]}{urlsplit(url).path}"
    server.close()
    pooler.close()


async def test_a_pooler_in_transaction_mode_is_a_failure(postgres_url: str) -> None:
    async with pooled(postgres_url) as url:
        found = await find("pooler", url, DB_POSTGRES_POOL_MIN="1")
    assert found.status == CheckStatus.FAILED
    assert "hands one session of the server to several clients" in found.text
    assert "DB_POSTGRES_URL" in found.remedy
