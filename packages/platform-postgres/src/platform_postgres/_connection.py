"""Connections: opened, set up, and reset for their next user."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeAlias

import asyncpg

from platform_interfaces import (
    ConfigurationError,
    ConnectionLostError,
    PlatformError,
    StatementTimeoutError,
)
from platform_postgres._codecs import set_codecs
from platform_postgres._connect_errors import Cause, explain
from platform_postgres._errors import translate_errors
from platform_postgres._hosts import Host
from platform_postgres._settings import PoolSettings
from platform_postgres._target import Target

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

    Connection: TypeAlias = asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]
    Pool: TypeAlias = asyncpg.Pool[asyncpg.Record]

_ERRORS = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
# The server enforces the statement timeout; this much later the client gives up on a server that is frozen.
GRACE_SECONDS = 5.0


async def open_pool(target: Target, settings: PoolSettings) -> Pool:
    """Return a pool with its first connections open.

    Raises:
        ConfigurationError: when the server refuses the user, the database, TLS or a parameter.
        ConnectionLostError: when the server cannot be reached or does not answer.
    """

    async def connect(*_: object, **__: object) -> Any:  # the loop and the classes are the defaults
        return await open_connection(target, settings)

    # It logs each failure to reopen what was lost; those who need a connection get the error itself.
    logging.getLogger("asyncpg.pool").setLevel(logging.CRITICAL)
    with translate_errors():
        pool: Pool = await asyncpg.create_pool(
            min_size=settings.min_size,
            max_size=settings.max_size,
            init=_set_up,
            reset=_reset,
            connect=connect,
        )
        try:  # with a minimum of 0, no connection has been tried so far
            await pool.release(await pool.acquire())
        except BaseException:
            pool.terminate()
            raise
    return pool


async def take(pool: Pool, target: Target, timeout: float) -> PoolConnectionProxy[asyncpg.Record]:
    """Return a connection of the pool, opened if need be; other errors are those of ``open_pool``.

    Raises:
        StatementTimeoutError: when all of them were in use for ``timeout`` seconds.
    """
    has_room = _has_room(pool)
    # A new connection has the limit of connecting, and that of the statements that set it up.
    limit = None if has_room and target.timeout_seconds is None else timeout
    if has_room and target.timeout_seconds is not None:
        limit = max(timeout, target.timeout_seconds * len(target.hosts) + GRACE_SECONDS)
    with translate_errors():
        try:
            async with asyncio.timeout(limit):  # given to the pool, it would make a task for every call
                return await pool.acquire()
        except TimeoutError as error:
            if has_room:
                raise ConnectionLostError(
                    f"the database {target.name} ({target.setting}) did not answer in time while connecting"
                ) from error
            raise StatementTimeoutError(
                f"no connection became free within {timeout:g} s: all {pool.get_max_size()} are in use "
                "(DB_POSTGRES_POOL_MAX)"
            ) from error


def _has_room(pool: Pool) -> bool:
    return pool.get_idle_size() > 0 or pool.get_size() < pool.get_max_size()


async def open_connection(target: Target, settings: PoolSettings, **server_settings: str) -> Connection:
    """Return a connection to the first host that gives one; the errors are those of ``open_pool``."""
    causes: list[Cause] = []
    for attributes in _session_attributes(target):
        for host in target.order_hosts():
            try:
                return await _connect_to(
                    host, target, attributes, _make_options(settings, target, server_settings)
                )
            except _ERRORS as error:
                cause, failure = explain(error, host, target), error
            causes.append(Cause(cause.kind, f"{host}: {cause.text}" if len(target.hosts) > 1 else cause.text))
            if not cause.is_of_host:
                raise _make_error(target, [cause]) from failure
    raise _make_error(target, causes) from failure


async def open_lasting_connection(target: Target, settings: PoolSettings) -> Connection:
    """Return a connection outside the pool, without idle timeout; errors are those of ``open_pool``."""
    return await open_connection(target, settings, idle_session_timeout="0")


@asynccontextmanager
async def limit_statement(connection: Connection, seconds: float | None) -> AsyncIterator[float | None]:
    """Give the statement of the block a limit of its own; yield how long the driver waits for the answer.

    After an error the limit goes with the transaction, or when the pool resets the connection.
    """
    if seconds is None:
        yield None
        return
    await connection.execute(f"SET statement_timeout = {max(round(seconds * 1000), 1)}")
    yield seconds + GRACE_SECONDS
    await connection.execute("RESET statement_timeout")


async def _connect_to(host: Host, target: Target, attributes: str, options: dict[str, Any]) -> Connection:
    """Return a connection, with TLS or without as ``sslmode`` allows."""
    attempts = (None,) if host.is_socket else target.tls.attempts
    for number, context in enumerate(attempts, 1):
        try:
            connection: Connection = await asyncpg.connect(
                **{
                    **options,
                    "host": [host.name],
                    "port": [host.port],
                    "ssl": context or False,
                    "direct_tls": target.tls.is_direct and context is not None,
                    "target_session_attrs": attributes,
                }
            )
        except (TimeoutError, asyncpg.InvalidPasswordError):
            raise
        except (OSError, asyncpg.InvalidAuthorizationSpecificationError):
            if number == len(attempts):
                raise
        else:
            _set_socket_options(connection, target)
            return connection
    raise AssertionError("there is at least one attempt")


def find_transport(connection: Connection) -> asyncio.BaseTransport:
    """Return what a connection sends its bytes with."""
    # asyncpg offers no other way to its socket.
    transport: asyncio.BaseTransport = getattr(connection, "_transport")  # noqa: B009
    return transport


def _set_socket_options(connection: Connection, target: Target) -> None:
    """Let the system detect a dead connection, as ``keepalives…`` and ``tcp_user_timeout`` say."""
    found = find_transport(connection).get_extra_info("socket")
    if found is not None and found.family != socket.AF_UNIX:
        for (level, option), value in target.socket_options.items():
            found.setsockopt(level, option, value)


def _session_attributes(target: Target) -> tuple[str, ...]:
    if target.session_attributes == "prefer-standby":
        return ("standby", "any")
    return (target.session_attributes,)


def _make_error(target: Target, causes: list[Cause]) -> PlatformError:
    """Return the error that names the database and why each host gave no connection."""
    kind = causes[-1].kind
    verb = "cannot be used" if kind is ConfigurationError else "cannot be reached"
    reasons = "; ".join(dict.fromkeys(cause.text for cause in causes))
    return kind(f"the database {target.name} ({target.setting}) {verb}: {reasons}")


def _make_options(
    settings: PoolSettings, target: Target, server_settings: Mapping[str, str]
) -> dict[str, Any]:
    limit = settings.statement_timeout_seconds
    return {
        "user": target.user,
        "password": target.password,
        "passfile": target.passfile,
        "database": target.dbname,
        "krbsrvname": target.krbsrvname,
        "gsslib": target.gsslib,
        "timeout": target.timeout_seconds,
        "command_timeout": None if limit is None else limit + GRACE_SECONDS,
        # COPY takes the types of columns from a statement. A cached one outlives its table: after an ALTER
        # TABLE, or for the next staging table, COPY would send bytes that are read as another type's values.
        "statement_cache_size": 0,
        "server_settings": {
            "statement_timeout": str(settings.statement_timeout_ms),
            **target.server_settings,
            **server_settings,
        },
    }


async def _set_up(connection: Connection) -> None:
    """Refuse a database that is not UTF-8, and set the codecs of values."""
    encoding = connection.get_settings().server_encoding
    if encoding != "UTF8":
        raise ConfigurationError(
            f"the database has the encoding {encoding!r}, which cannot hold all text: create it with UTF8"
        )
    await set_codecs(connection)


# Not DISCARD ALL: it keeps the role, and drops the plans of functions, which the next user would wait for.
_CLEANING = "RESET SESSION AUTHORIZATION; RESET ROLE; DEALLOCATE ALL; DISCARD TEMP; DISCARD SEQUENCES;"


async def _reset(connection: Connection) -> None:
    """Reset the session for its next user."""
    await connection.execute(f"{_CLEANING} {connection.get_reset_query()}")
