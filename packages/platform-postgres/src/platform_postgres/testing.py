"""Fixtures that give tests a real PostgreSQL; import them into a conftest. Needs the extra ``testing``.

One server per test session, a database of its own for each test. The server is the embedded one, unless the
environment asks for another: ``DB_POSTGRES_URL`` for one that runs, whose role must be allowed to create
databases; ``POSTGRES_TEST_IMAGE``, such as ``postgres:18``, for a container, which Testcontainers starts and
removes (extra ``containers``).
"""

import os
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from shutil import disk_usage
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import asyncpg
import pytest
import pytest_asyncio

from platform_interfaces import ConfigurationError
from platform_postgres.server import PostgresServer

__all__ = ["embedded_dir", "open_server", "postgres_server", "postgres_url", "running_server"]


_IN_MEMORY = Path("/dev/shm")  # noqa: S108 - a folder with a name of its own is made there
_MIN_FREE_BYTES = 2 << 30  # a server of the whole suite writes some hundred megabytes
_OPTIONS = {"fsync": "off", "max_wal_size": "128MB"}


@pytest.fixture
def embedded_dir() -> Iterator[Path]:
    """Yield a path for a server's directory, which does not exist yet.

    It is not below pytest's own folders: each start of pytest closes their root to other users, such as the
    one that PostgreSQL runs as for root.
    """
    with _open_folder() as folder:
        yield Path(folder, "postgres")


@contextmanager
def _open_folder() -> Iterator[str]:
    """Yield a new folder, which the account that PostgreSQL runs as for root can pass through."""
    with TemporaryDirectory(prefix="platform-test-", dir=_memory_folder()) as folder:
        if os.geteuid() == 0:
            Path(folder).chmod(0o711)
        yield folder


def _memory_folder() -> str | None:
    """Return a folder in memory, if one has room: a disk needs a tenth of a second to create a database."""
    try:
        return str(_IN_MEMORY) if disk_usage(_IN_MEMORY).free > _MIN_FREE_BYTES else None
    except OSError:
        return None


@contextmanager
def running_server(options: Mapping[str, str]) -> Iterator[PostgresServer]:
    """Run a new server inside the block, without fsync: no test crashes the machine."""
    with _open_folder() as folder:
        server = PostgresServer(Path(folder, "postgres"), {**_OPTIONS, **options})
        server.start()
        try:
            yield server
        finally:
            server.stop()


@contextmanager
def _embedded_server() -> Iterator[str]:
    with running_server({}) as server:
        yield server.url()


@contextmanager
def _server_in_container(image: str) -> Iterator[str]:
    try:
        from testcontainers.community.postgres import PostgresContainer
    except ImportError as error:
        raise ConfigurationError(
            f"POSTGRES_TEST_IMAGE is {image!r}, and Testcontainers is not installed: "
            "pip install 'platform-postgres[containers]'"
        ) from error
    options = " ".join(f"-c {name}={value}" for name, value in _OPTIONS.items())
    with PostgresContainer(image, driver=None).with_command(options) as container:
        yield container.get_connection_url()


@contextmanager
def open_server(default: Callable[[], AbstractContextManager[str]] = _embedded_server) -> Iterator[str]:
    """Yield the URL of the server that the environment asks for, or else of ``default``.

    Raises:
        ConfigurationError: when a container is asked for and Testcontainers is not installed.
    """
    if url := os.environ.get("DB_POSTGRES_URL"):
        yield url
        return
    image = os.environ.get("POSTGRES_TEST_IMAGE")
    with _server_in_container(image) if image else default() as url:
        yield url


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """Yield the URL of a server for the whole session."""
    with open_server() as url:
        yield url


@pytest_asyncio.fixture
async def postgres_url(postgres_server: str) -> AsyncIterator[str]:
    """Yield the URL of an empty database, dropped after the test."""
    name = f"test_{uuid4().hex}"
    await _administer(postgres_server, f"CREATE DATABASE {name} TEMPLATE template0 STRATEGY FILE_COPY")
    yield urlunsplit(urlsplit(postgres_server)._replace(path=f"/{name}"))
    await _administer(postgres_server, f"DROP DATABASE {name} WITH (FORCE)")


async def _administer(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
