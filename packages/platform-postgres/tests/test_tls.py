"""Connections over TLS to a real server, whose certificates the openssl program makes."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import asyncpg
import pytest

from platform_interfaces import ConfigurationError
from platform_memory import MemorySecrets
from platform_postgres import PostgresDatabase
from platform_postgres.server import PostgresServer
from platform_postgres.testing import running_server

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


@pytest.fixture(scope="module")
def port(folder: Path) -> Iterator[int]:
    """The port of a server with TLS, whose certificate is for "localhost"."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        number = int(free.getsockname()[1])
    certificate = folder / "localhost.crt"
    key = certificate.with_suffix(".key")
    with running_server({"listen_addresses": "127.0.0.1", "port": str(number)}) as server:
        owner = server.directory.stat()
        os.chown(key, owner.st_uid, owner.st_gid)
        key.chmod(0o600)
        asyncio.run(switch_tls_on(server, certificate))
        yield number


async def switch_tls_on(server: PostgresServer, certificate: Path) -> None:
    connection = await asyncpg.connect(server.url())
    for name, value in (("ssl_cert_file", certificate), ("ssl_key_file", certificate.with_suffix(".key"))):
        await connection.execute(f"ALTER SYSTEM SET {name} = '{value}'")
    await connection.execute("ALTER SYSTEM SET ssl = on")
    await connection.execute("ALTER ROLE postgres PASSWORD 'canary'")
    await connection.execute("SELECT pg_reload_conf()")
    await connection.close()


async def connect(url: str, **variables: str) -> bool:
    """Whether a connection with these settings is encrypted."""
    secrets = MemorySecrets({"DB_POSTGRES_URL": url, "DB_POSTGRES_POOL_MIN": "0", **variables})
    async with PostgresDatabase(secrets) as db:
        row = await db.fetch_one("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
    assert row is not None
    return bool(row["ssl"])


def url_of(port: int, query: str = "", host: str = "localhost") -> str:
    return f"postgresql://postgres:canary@{host}:{port}/postgres?{query}"


@pytest.mark.parametrize(
    ("query", "is_encrypted"),
    [
        ("", True),
        ("sslmode=disable", False),
        ("sslmode=prefer", True),
        ("sslmode=allow", False),
        ("sslmode=require", True),
        ("sslmode=require&sslnegotiation=direct", True),
        ("sslmode=verify-ca&sslrootcert={folder}/localhost.crt", True),
        ("sslmode=verify-full&sslrootcert={folder}/localhost.crt", True),
        ("sslmode=require&ssl_min_protocol_version=TLSv1.3", True),
        ("ssl=true", True),
        ("sslmode=require&channel_binding=prefer&gssencmode=disable&sslcompression=0", True),
    ],
)
async def test_each_mode_encrypts_as_it_says(port: int, folder: Path, query: str, is_encrypted: bool) -> None:
    assert await connect(url_of(port, query.format(folder=folder))) is is_encrypted


@pytest.mark.parametrize(
    ("query", "host", "cause"),
    [
        (
            "sslmode=verify-full&sslrootcert={folder}/elsewhere.example.crt",
            "localhost",
            "certificate verify failed: self-signed certificate",
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
            "version of TLS in common|TLS handshake failed",
        ),
        ("sslmode=require&ssl_min_protocol_version=1.3", "localhost", "use one of TLSv1"),
        ("sslnegotiation=direct", "localhost", "'sslnegotiation' .* use sslmode=require"),
        ("sslmode=verify_full", "localhost", "'sslmode' .*verify-full"),
    ],
)
async def test_c9_a_failure_of_tls_is_told_in_the_words_of_its_cause(
    port: int, folder: Path, query: str, host: str, cause: str
) -> None:
    with pytest.raises(ConfigurationError, match=cause) as caught:
        await connect(url_of(port, query.format(folder=folder), host))
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("home", ["missing", None])
async def test_c9_verify_full_without_a_root_certificate_names_the_file(
    port: int, home: str | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / home) if home else str(tmp_path))
    with pytest.raises(ConfigurationError, match=r"root\.crt' does not exist .*sslrootcert"):
        await connect(url_of(port, "sslmode=verify-full"))


async def test_c11_variables_of_an_env_file_count_as_those_of_the_environment(
    port: int, folder: Path
) -> None:
    root = str(folder / "localhost.crt")
    assert await connect(url_of(port), PGSSLMODE="verify-full", PGSSLROOTCERT=root)
    with pytest.raises(ConfigurationError, match="certificate verify failed"):
        await connect(
            url_of(port), PGSSLMODE="verify-full", PGSSLROOTCERT=str(folder / "elsewhere.example.crt")
        )
    with pytest.raises(ConfigurationError, match="PGSSLMODE cannot be 'full'"):
        await connect(url_of(port), PGSSLMODE="full")


async def test_a_server_without_tls_is_told_with_the_mode_that_asks_for_it() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        number = int(free.getsockname()[1])
    with running_server({"listen_addresses": "127.0.0.1", "port": str(number)}):
        with pytest.raises(ConfigurationError, match="does not support TLS, which sslmode='require'"):
            await connect(url_of(number, "sslmode=require", "127.0.0.1"))
        with pytest.raises(ConfigurationError, match="password authentication failed"):
            await connect(url_of(number, "", "127.0.0.1"))
