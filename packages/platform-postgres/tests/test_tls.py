"""Connections over TLS to a real server, whose certificates the openssl program makes."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

import pytest

from platform_interfaces import CheckStatus, ConfigurationError, Finding, PlatformError
from platform_memory import MemorySecrets
from platform_postgres import PostgresDatabase

OPENSSL = shutil.which("openssl")
pytestmark = pytest.mark.skipif(
    OPENSSL is None, reason="the openssl program, which makes the certificates, is missing"
)


def make_certificate(folder: Path, name: str, *more: str) -> Path:
    """Make a self-signed certificate for the host ``name``, and its key beside it."""
    file = folder / f"{name}.crt"
    command = [
        str(OPENSSL),
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
    ]
    command += ["-keyout", str(file.with_suffix(".key")), "-out", str(file), "-subj", f"/CN={name}"]
    command += ["-addext", f"subjectAltName=DNS:{name}", *more]
    subprocess.run(command, check=True, capture_output=True)
    return file


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with TemporaryDirectory(prefix="platform-test-") as name:
        Path(name).chmod(0o755)
        make_certificate(Path(name), "localhost")
        make_certificate(Path(name), "elsewhere.example")
        yield Path(name)


class TlsServer(NamedTuple):
    """A server with TLS: the embedded one, whose build has none, behind a proxy that has."""

    port: int
    encrypted: list[bool]


@pytest.fixture
async def tls(folder: Path, postgres_url: str) -> AsyncIterator[TlsServer]:
    """Yield a server whose certificate is for "localhost"."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "localhost.crt", folder / "localhost.key")
    found = urlsplit(postgres_url)
    upstream = f"{parse_qs(found.query)['host'][0]}/.s.PGSQL.{parse_qs(found.query)['port'][0]}"
    encrypted: list[bool] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            head = await reader.readexactly(8)
            is_request = head[4:] == b"\x04\xd2\x16\x2f"
            if is_request:
                writer.write(b"S")
                await writer.start_tls(context)
                head = b""
            encrypted.append(is_request)
            from_server, to_server = await asyncio.open_unix_connection(upstream)
            to_server.write(head)
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(pump(reader, to_server))
                tasks.create_task(pump(from_server, writer))

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield TlsServer(server.sockets[0].getsockname()[1], encrypted)
    server.close()


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


async def connect(tls: TlsServer, query: str = "", host: str = "localhost", **variables: str) -> bool:
    """Return whether a connection with these settings is encrypted."""
    url = f"postgresql://postgres:canary@{host}:{tls.port}/postgres?{query}"
    secrets = MemorySecrets({"DB_POSTGRES_URL": url, "DB_POSTGRES_POOL_MIN": "0", **variables})
    async with PostgresDatabase(secrets) as db:
        assert await db.fetch_one("SELECT 1 AS one") == {"one": 1}
    return tls.encrypted[-1]


@pytest.mark.parametrize(
    ("query", "is_encrypted"),
    [
        ("", True),
        ("sslmode=disable", False),
        ("sslmode=prefer", True),
        ("sslmode=allow", False),
        ("sslmode=require", True),
        ("sslmode=verify-ca&sslrootcert={folder}/localhost.crt", True),
        ("sslmode=verify-full&sslrootcert={folder}/localhost.crt", True),
        ("sslmode=require&ssl_min_protocol_version=TLSv1.3", True),
        ("ssl=true", True),
        ("sslmode=require&channel_binding=prefer&gssencmode=disable&sslcompression=0", True),
    ],
)
async def test_each_mode_encrypts_as_it_says(
    tls: TlsServer, folder: Path, query: str, is_encrypted: bool
) -> None:
    assert await connect(tls, query.format(folder=folder)) is is_encrypted


@pytest.mark.parametrize(
    ("query", "host", "cause"),
    [
        (
            "sslmode=verify-full&sslrootcert={folder}/elsewhere.example.crt",
            "localhost",
            # Not "the database refuses": this side does.
            "cannot be used: certificate verify failed: self-signed certificate: sslrootcert must name",
        ),
        (
            "sslmode=verify-full&sslrootcert={folder}/localhost.crt",
            "127.0.0.1",
            "certificate verify failed: IP address mismatch",
        ),
        (
            "sslmode=verify-full&sslrootcert=system",
            "localhost",
            "certificate verify failed: self-signed certificate",
        ),
        ("sslmode=verify-full&sslrootcert=/missing.pem", "localhost", "'/missing.pem', which does not exist"),
        (
            "sslmode=require&sslrootcert={folder}/localhost.key",
            "localhost",
            "localhost.key', which has no PEM certificate",
        ),
        ("sslmode=verify-ca&sslrootcert=system", "localhost", "sslrootcert=system"),
        (
            "sslmode=require&sslcert=/missing.crt",
            "localhost",
            "'sslcert' .*'/missing.crt', which does not exist",
        ),
        (
            "sslmode=require&sslcert={folder}/localhost.crt&sslkey={folder}/elsewhere.example.key",
            "localhost",
            "is not the key of",
        ),
        (
            "sslmode=require&ssl_max_protocol_version=TLSv1.1",
            "localhost",
            "cannot be 'TLSv1.1': use one of TLSv1.2",
        ),
        ("sslmode=require&ssl_min_protocol_version=1.3", "localhost", "use one of TLSv1"),
        ("sslnegotiation=direct", "localhost", "'sslnegotiation' .* use sslmode=require"),
        ("sslmode=verify_full", "localhost", "'sslmode' .*verify-full"),
    ],
)
async def test_c9_a_failure_of_tls_is_reported_in_the_words_of_its_cause(
    tls: TlsServer, folder: Path, query: str, host: str, cause: str
) -> None:
    with pytest.raises(ConfigurationError, match=cause) as caught:
        await connect(tls, query.format(folder=folder), host)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("home", ["missing", None])
async def test_c9_verify_full_without_a_root_certificate_names_the_file(
    tls: TlsServer, home: str | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / home) if home else str(tmp_path))
    with pytest.raises(ConfigurationError, match=r"root\.crt' does not exist .*sslrootcert"):
        await connect(tls, "sslmode=verify-full")


async def test_c11_variables_of_an_env_file_count_as_those_of_the_environment(
    tls: TlsServer, folder: Path
) -> None:
    root = str(folder / "localhost.crt")
    assert await connect(tls, PGSSLMODE="verify-full", PGSSLROOTCERT=root)
    with pytest.raises(ConfigurationError, match="certificate verify failed"):
        await connect(tls, PGSSLMODE="verify-full", PGSSLROOTCERT=str(folder / "elsewhere.example.crt"))
    with pytest.raises(ConfigurationError, match="PGSSLMODE cannot be 'full'"):
        await connect(tls, PGSSLMODE="full")


@pytest.mark.parametrize("reply", [b"N", b""])
async def test_c10_a_server_without_the_tls_that_is_asked_for_is_reported(reply: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(8)
        writer.write(reply)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    tls = TlsServer(server.sockets[0].getsockname()[1], [])
    if reply:
        with pytest.raises(ConfigurationError, match="does not support TLS, which sslmode='require'"):
            await connect(tls, "sslmode=require")
    else:
        with pytest.raises(PlatformError, match="sslnegotiation=direct, which needs PostgreSQL 17"):
            await connect(tls, "sslmode=require&sslnegotiation=direct")
    server.close()


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("sslmode=disable", "not used: the server is on this machine (127.0.0.1)"),
        ("sslmode=prefer", "TLSv1.3; sslmode=prefer would go on without it"),
        ("sslmode=require", "TLSv1.3; sslmode=require does not check the certificate"),
        (
            "sslmode=verify-full&sslrootcert={folder}/localhost.crt",
            "TLSv1.3; the certificate and its name are checked",
        ),
    ],
)
async def test_a_check_says_whether_tls_is_used(tls: TlsServer, folder: Path, query: str, text: str) -> None:
    url = f"postgresql://postgres:canary@localhost:{tls.port}/postgres?{query.format(folder=folder)}"
    async with PostgresDatabase(MemorySecrets({"DB_POSTGRES_URL": url})) as db:
        [check] = [each for each in db.list_checks() if each.name == "TLS"]
        assert await check.find() == Finding(CheckStatus.OK, text)
