"""How connections are opened and set up."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import parse_qs

import asyncpg

from platform_interfaces import (
    ConfigurationError,
    ConnectionLostError,
    StatementTimeoutError,
)
from platform_postgres._codecs import set_codecs
from platform_postgres._errors import translated
from platform_postgres._settings import PoolSettings

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

    Connection: TypeAlias = asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]
    Pool: TypeAlias = asyncpg.Pool[asyncpg.Record]

CONNECT_TIMEOUT_SECONDS = 10.0
# The server enforces the statement timeout; this much later the client gives up on a server that is frozen.
GRACE_SECONDS = 5.0
# What follows a bare "/" or "?" in a password, the driver would take for the name of the database,
# which the server quotes when it refuses it.
_URL = re.compile(r"postgres(ql)?://([^@/?#]*@)?[^@/?#]*(/[^@?#]*)?(\?[^@#]*)?")


async def open_pool(url: str, settings: PoolSettings) -> Pool:
    """A pool with its first connections made.

    Raises:
        ConfigurationError: when the server refuses the URL, the user or the database.
        ConnectionLostError: when there is no server, or it does not answer.
    """
    with _connecting(url):
        pool = await asyncpg.create_pool(
            url,
            min_size=settings.min_size,
            max_size=settings.max_size,
            init=_set_up,
            reset=_reset,
            **_options(settings),
        )
        try:  # with a minimum of 0 nothing has been tried so far
            await pool.release(await pool.acquire(timeout=CONNECT_TIMEOUT_SECONDS))
        except BaseException:
            pool.terminate()
            raise
    return pool


async def take(pool: Pool, url: str, timeout: float) -> PoolConnectionProxy[asyncpg.Record]:
    """A connection of the pool, which may have to be made; the other errors are those of ``open_pool``.

    Raises:
        StatementTimeoutError: when all of them were in use for ``timeout`` seconds.
    """
    try:
        async with asyncio.timeout(timeout):  # given to the pool, it would make a task for every call
            return await pool.acquire()
    except Exception as error:
        with _connecting(url):
            # While one is being made or is free, it is the server that did not answer in time.
            if not isinstance(error, TimeoutError) or _has_room(pool):
                raise
            raise StatementTimeoutError(
                f"no connection became free within {timeout:g} s: all {pool.get_max_size()} are in use "
                "(DB_POSTGRES_POOL_MAX)"
            ) from error


def _has_room(pool: Pool) -> bool:
    return pool.get_idle_size() > 0 or pool.get_size() < pool.get_max_size()


async def open_connection(url: str, settings: PoolSettings) -> Connection:
    """A connection outside the pool, which may idle; the errors are those of ``open_pool``."""
    with _connecting(url):
        connection: Connection = await asyncpg.connect(url, **_options(settings, idle_session_timeout="0"))
    return connection


def _options(settings: PoolSettings, **server_settings: str) -> dict[str, Any]:
    limit = settings.statement_timeout_seconds
    return {
        "timeout": CONNECT_TIMEOUT_SECONDS,
        "command_timeout": None if limit is None else limit + GRACE_SECONDS,
        # COPY takes the types of columns from a statement. A cached one outlives its table: after an ALTER
        # TABLE, or for the next staging table, COPY would send bytes that are read as another type's values.
        "statement_cache_size": 0,
        "server_settings": {
            "application_name": "data-platform",
            "statement_timeout": str(settings.statement_timeout_ms),
            # A statement whose client was killed would otherwise keep its locks until it ends by itself.
            "client_connection_check_interval": "5s",
            "cursor_tuple_fraction": "1",  # a stream is planned to be read to its end
            **server_settings,
        },
    }


@contextmanager
def _connecting(url: str) -> Iterator[None]:
    if not _URL.fullmatch(url):
        raise _unreadable_url()
    with translated(), _refusals_explained(url):
        yield


@contextmanager
def _refusals_explained(url: str) -> Iterator[None]:
    try:
        yield
    except TimeoutError as error:
        raise ConnectionLostError("the database did not answer in time while connecting") from error
    except FileNotFoundError as error:
        if "ssl" not in url.partition("?")[2]:
            raise  # the socket of a server that is not running
        raise ConfigurationError(
            "a file for TLS is missing: check 'sslrootcert', 'sslcert' and 'sslkey' in the connection URL"
        ) from error
    except OverflowError:
        raise ConfigurationError("the connection URL has a port beyond 65535") from None
    except ValueError as error:  # its text, and so its traceback, may quote a piece of the password
        for name in parse_qs(url.partition("?")[2]):
            if name in str(error):
                raise ConfigurationError(f"the connection URL has a bad value for {name!r}") from None
        raise _unreadable_url() from None
    except (asyncpg.InvalidAuthorizationSpecificationError, asyncpg.InvalidCatalogNameError) as error:
        raise ConfigurationError(f"the database refuses the connection: {error}") from error


def _unreadable_url() -> ConfigurationError:
    return ConfigurationError(
        "the connection URL cannot be read: it must look like postgresql://user:password@host:5432/name, "
        "with '#', '/', '?', '@' and '%' inside its parts written as %23, %2F, %3F, %40 and %25"
    )


async def _set_up(connection: Connection) -> None:
    """Refuse a database that cannot hold all text, and set how values go in and out."""
    encoding = connection.get_settings().server_encoding
    if encoding != "UTF8":
        raise ConfigurationError(
            f"the database has the encoding {encoding!r}, which cannot hold all text: create it with UTF8"
        )
    await set_codecs(connection)


# Not DISCARD ALL: it keeps the role, and drops the plans of functions, which the next user would wait for.
_CLEANING = "RESET SESSION AUTHORIZATION; RESET ROLE; DEALLOCATE ALL; DISCARD TEMP; DISCARD SEQUENCES;"


async def _reset(connection: Connection) -> None:
    """Leave the session to its next user as it was when it was opened."""
    await connection.execute(f"{_CLEANING} {connection.get_reset_query()}")
