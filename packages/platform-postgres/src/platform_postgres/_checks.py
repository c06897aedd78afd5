"""What only this adapter can say of its server, for people who look for the cause of a failure."""

from __future__ import annotations

import datetime as dt
import ipaddress
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from platform_interfaces import Check, CheckStatus, Finding, Row
from platform_postgres._connection import find_transport, open_lasting_connection
from platform_postgres._errors import translate_errors
from platform_postgres._rows import make_rows
from platform_postgres._sessions import Sessions
from platform_postgres._settings import PoolSettings
from platform_postgres._target import Target

if TYPE_CHECKING:
    from platform_postgres._connection import Connection

MIN_MAJOR = 14
LOCK_CONNECTIONS = 2
"""Beside those of the pool, a run has one for its own lock, and one for the lock of what it loads."""

_CERTIFICATE = {
    "verify-full": "the certificate and its name are checked",
    "verify-ca": "the certificate is checked, and its name is not",
    "require": "sslmode=require does not check the certificate",
}
# A role that may see less has the same rows, with other columns empty.
_LIMITS = """
    SELECT r.rolsuper AS is_superuser, a.datname = current_database() AS is_in_database,
        a.usesysid = r.oid AS is_of_role, r.rolconnlimit AS of_role,
        (SELECT datconnlimit FROM pg_database WHERE datname = current_database()) AS of_database,
        (SELECT sum(setting::int) FILTER (WHERE name = 'max_connections')
            - sum(setting::int) FILTER (WHERE name <> 'max_connections') FROM pg_settings
        WHERE name IN ('max_connections', 'superuser_reserved_connections', 'reserved_connections'))
            AS of_server
    FROM pg_stat_activity a, pg_roles r WHERE a.usesysid IS NOT NULL AND r.rolname = session_user
"""
_TIMEOUTS = """
    SELECT name, setting::int AS milliseconds FROM pg_settings
    WHERE name IN ('statement_timeout', 'lock_timeout', 'transaction_timeout') AND setting <> '0' ORDER BY 1
"""


class ServerChecks:
    """The checks of the server that a pool is connected to."""

    def __init__(self, sessions: Sessions, settings: PoolSettings) -> None:
        self._sessions, self._settings = sessions, settings

    def list_checks(self) -> Sequence[Check]:
        """Return the checks; each is made while the pool is open."""
        return (
            Check("server version", self._check_version),
            Check("encoding", self._check_encoding),
            Check("TLS", self._check_tls),
            Check("pooler", self._check_pooler),
            Check("connections", self._check_connections),
            Check("timeouts", self._check_timeouts),
        )

    async def _check_version(self) -> Finding:
        [row] = await self._fetch("SELECT version() AS full, current_setting('server_version') AS version")
        return describe_version(row["full"], row["version"], dt.datetime.now(dt.UTC).date())

    async def _check_encoding(self) -> Finding:
        # Another one is refused when a connection is opened.
        async with self._sessions.session() as connection:
            return Finding(CheckStatus.OK, connection.get_settings().server_encoding)

    async def _check_tls(self) -> Finding:
        target = self._sessions.target
        async with self._sessions.session() as connection:
            transport = find_transport(connection)
            used, peer = transport.get_extra_info("ssl_object"), transport.get_extra_info("peername")
        if used:
            how = _CERTIFICATE.get(target.tls.mode, f"sslmode={target.tls.mode} would go on without it")
            return Finding(CheckStatus.OK, f"{used.version()}; {how}")
        return describe_plain(peer[0] if isinstance(peer, tuple) else "", target)

    async def _check_pooler(self) -> Finding:
        target = self._sessions.target
        async with self._sessions.acquire() as connection:
            with translate_errors():
                process = await _fetch_process(connection)
                source = await connection.fetchval(
                    "SELECT source FROM pg_settings WHERE name = 'statement_timeout'"
                )
                is_server = process == connection.get_server_pid()
                is_shared = await _shares_its_process(process, target, self._settings)
        remedy = f"write the host and port of the server itself into {target.setting}"
        if is_shared:
            text = "a pooler hands one session of the server to several clients, which breaks locks"
            return Finding(CheckStatus.FAILED, text, f"{remedy}, or let the pooler keep sessions")
        if source != "client":
            text = "a pooler is between, which ignores the settings that each session needs"
            return Finding(CheckStatus.WARNING, text, remedy)
        if not is_server:
            return Finding(CheckStatus.OK, "a pooler is between, which keeps sessions apart")
        return Finding(CheckStatus.OK, "none: the server itself answers")

    async def _check_connections(self) -> Finding:
        sessions = await self._fetch(_LIMITS)
        first, needed = sessions[0], self._settings.max_size + LOCK_CONNECTIONS
        own = max(self._settings.min_size, 1)  # calls that follow one another open no more
        of_role = -1 if first["is_superuser"] else first["of_role"]
        limits = [
            ("the server", first["of_server"], len(sessions) - own),
            (
                "the database",
                first["of_database"],
                sum(row["is_in_database"] is True for row in sessions) - own,
            ),
            ("the role", of_role, sum(row["is_of_role"] is True for row in sessions) - own),
        ]
        name, limit, used = min((each for each in limits if each[1] >= 0), key=lambda each: each[1] - each[2])
        text = f"{name} allows {limit}, of which others use {used}; a run opens up to {needed}"
        if limit - used >= needed:
            return Finding(CheckStatus.OK, text)
        fitting = limit - used - LOCK_CONNECTIONS
        advice = f"set DB_POSTGRES_POOL_MAX={fitting}, or " if fitting > 0 else ""
        return Finding(
            CheckStatus.WARNING, text, f"{advice}close other sessions, or raise the limit of {name}"
        )

    async def _check_timeouts(self) -> Finding:
        found = {row["name"]: row["milliseconds"] for row in await self._fetch(_TIMEOUTS)}
        text = ", ".join(f"{name} {value / 1000:g} s" for name, value in found.items())
        if any(value < 1000 for value in found.values()):
            return Finding(
                CheckStatus.WARNING,
                f"{text}: a statement of a load may take longer",
                "set DB_POSTGRES_STATEMENT_TIMEOUT to milliseconds, such as 30000, and leave the others to 0",
            )
        return Finding(CheckStatus.OK, text or "none: a statement may take for ever")

    async def _fetch(self, query: str) -> list[Row]:
        async with self._sessions.session() as connection:
            return make_rows(await connection.fetch(query))


def describe_version(full: str, version: str, today: dt.date) -> Finding:
    """Return whether a server of this version is supported here, and by PostgreSQL itself.

    Args:
        full: what ``version()`` returns.
        version: the value of ``server_version``, such as ``18.4``.
        today: the date.
    """
    if not full.startswith("PostgreSQL "):
        return Finding(
            CheckStatus.WARNING, f"{full.split(',')[0]}: only PostgreSQL is tested", "use PostgreSQL"
        )
    major = int(re.split(r"\D", version, maxsplit=1)[0])
    # Each major version gets corrections for five years: https://www.postgresql.org/support/versioning/
    end = dt.date(2012 + major, 11, 15)
    text = f"PostgreSQL {version}"
    if major < MIN_MAJOR:
        text += f": the oldest that is supported here is {MIN_MAJOR}"
        return Finding(CheckStatus.FAILED, text, "upgrade the server")
    if end < today:
        text += f", which has had no corrections since {end:%B %Y}"
        return Finding(CheckStatus.WARNING, text, "upgrade the server to a later major version")
    return Finding(CheckStatus.OK, f"{text}, which gets corrections until {end:%B %Y}")


def describe_plain(peer: str, target: Target) -> Finding:
    """Return what a connection without TLS means: ``peer`` is the address of the server, or no text."""
    if not peer:
        return Finding(CheckStatus.OK, "not used: the server is reached through a socket of this machine")
    if ipaddress.ip_address(peer.partition("%")[0]).is_loopback:
        return Finding(CheckStatus.OK, f"not used: the server is on this machine ({peer})")
    return Finding(
        CheckStatus.WARNING,
        f"not used: others can read what is sent to {peer} and back (sslmode={target.tls.mode})",
        f"let the server offer TLS, and add sslmode=verify-full to {target.setting}",
    )


async def _fetch_process(connection: Connection) -> int:
    process: int = await connection.fetchval("SELECT pg_backend_pid()")
    return process


async def _shares_its_process(process: int, target: Target, settings: PoolSettings) -> bool:
    """Return whether a second connection gets the server's process of the first, which is still open."""
    other = await open_lasting_connection(target, settings)
    try:
        async with other.transaction():
            return await _fetch_process(other) == process
    finally:
        other.terminate()
