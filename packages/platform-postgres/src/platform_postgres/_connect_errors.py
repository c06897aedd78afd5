"""The cause of a failed connection, and what to do about it."""

from __future__ import annotations

import errno
import re
import socket
import ssl
from dataclasses import dataclass

import asyncpg

from platform_interfaces import ConfigurationError, ConnectionLostError, DatabaseError, PlatformError
from platform_postgres._errors import redact
from platform_postgres._hosts import Host
from platform_postgres._target import Target

_POOLER = (
    "it is a connection pooler, which refuses a setting that each session needs: write the host and port of "
    "the server itself into the URL, or, where the pooler keeps sessions (pool_mode = session), add the "
    "parameter to its ignore_startup_parameters"
)
# https://docs.openssl.org/master/man3/X509_STORE_CTX_get_error/
_CERTIFICATE_ADVICE = {
    3: "sslcrl has no list of the CA that signed it",
    9: "is the clock of this machine right?",
    10: "renew the server's certificate; is the clock of this machine right?",
    18: "sslrootcert must name that very certificate, if it can be trusted",
    19: "the server's CA is not in the sslrootcert file",
    20: "the server's CA is not in the sslrootcert file",
    21: "the server's CA is not in the sslrootcert file",
    62: "use a host name that the certificate has, or sslmode=verify-ca",
    64: "use a host name that the certificate has, or sslmode=verify-ca",
}


@dataclass(frozen=True)
class Cause:
    """Why the connection to one host failed; when ``is_of_host``, the next host is tried."""

    kind: type[PlatformError]
    text: str
    is_of_host: bool = False


def explain(error: Exception, host: Host, target: Target) -> Cause:
    """Return the cause of an error of asyncpg or of the operating system, and what to change."""
    if isinstance(error, asyncpg.TargetServerAttributeNotMatched):
        text = f"it is not what target_session_attrs={target.session_attributes!r} asks for"
        return Cause(ConnectionLostError, text, is_of_host=True)
    if isinstance(error, asyncpg.ConnectionDoesNotExistError | ConnectionResetError):
        return Cause(ConnectionLostError, _describe_closed(target), is_of_host=True)
    if isinstance(error, asyncpg.PostgresError):
        return _explain_refusal(error, target)
    if isinstance(error, TimeoutError) and error.errno is None:  # else the system's limit, not ours
        return Cause(ConnectionLostError, _describe_timeout(target), is_of_host=True)
    if isinstance(error, ssl.SSLError):
        return _explain_tls(error, target)
    if isinstance(error, OSError):
        return _explain_system(error, host, target)
    if isinstance(error, asyncpg.InternalClientError):
        return Cause(ConnectionLostError, f"it does not speak PostgreSQL's protocol: is {host} its port?")
    return Cause(DatabaseError, " ".join(str(error).split()))


def _explain_refusal(error: asyncpg.PostgresError, target: Target) -> Cause:
    sqlstate = error.sqlstate or ""
    redact(error, sqlstate)
    text = " ".join(f"{error} (SQLSTATE {sqlstate})".split())
    if sqlstate == "57P03":  # starting up, shutting down, a standby that takes no connections
        return Cause(ConnectionLostError, text, is_of_host=True)
    if sqlstate == "53300" or "too many" in text or "max_client_conn" in text:
        return Cause(
            ConnectionLostError,
            f"{text}: a run opens DB_POSTGRES_POOL_MIN to DB_POSTGRES_POOL_MAX sessions "
            "and one for each lock: lower both, close others, or raise the limit of the server or role",
        )
    if re.search(r"startup parameter|command-line options|RDS Proxy", text, re.IGNORECASE):
        return Cause(ConfigurationError, f"{text}: {_POOLER}")
    if re.search(r"unrecognized configuration parameter", text):
        return Cause(
            ConfigurationError,
            f"{text}: check the settings of the URL and PGOPTIONS; the server must be PostgreSQL 14 or later",
        )
    if sqlstate[:2] in ("28", "3D", "22", "42", "0A", "3F"):
        return Cause(ConfigurationError, text + _advice_on_login(error, target))
    return Cause(ConnectionLostError if sqlstate[:2] in ("08", "57") else DatabaseError, text)


def _advice_on_login(error: asyncpg.PostgresError, target: Target) -> str:
    text = str(error)
    if "valid client certificate" in text or "certificate authentication" in text:
        return ": give the client's certificate in sslcert and its key in sslkey"
    if "pg_hba.conf" in text:
        encryption = "sslmode=require" if "no encryption" in text else "another user, host or sslmode"
        return f": the server's pg_hba.conf does not allow this login; try {encryption}, or add a line there"
    if isinstance(error, asyncpg.InvalidPasswordError):
        where = "in the URL, PGPASSWORD or the password file (PGPASSFILE, ~/.pgpass)"
        return f": there is no password {where}" if target.password is None else f": correct it {where}"
    if isinstance(error, asyncpg.InvalidCatalogNameError):
        return ": correct the name at the end of the URL, or create the database"
    if isinstance(error, asyncpg.InvalidAuthorizationSpecificationError):
        return ": correct the user in the URL, or create the role"
    return ""


def _explain_tls(error: ssl.SSLError, target: Target) -> Cause:
    if isinstance(error, ssl.SSLCertVerificationError):
        advice = _CERTIFICATE_ADVICE.get(error.verify_code, "")
        reason = f"certificate verify failed: {error.verify_message.rstrip('.')}"
        return Cause(ConfigurationError, f"{reason}{advice and ': '}{advice}")
    reason = (error.reason or str(error)).replace("_", " ").lower()
    if any(
        word in reason
        for word in ("protocol version", "unsupported protocol", "version too low", "no protocols")
    ):
        advice = (
            "server and client have no version of TLS in common: "
            "see ssl_min_protocol_version and ssl_max_protocol_version"
        )
    elif "certificate" in reason or "unknown ca" in reason:
        advice = "the server does not accept the client's certificate: see sslcert and sslkey"
    elif target.tls.is_direct:
        advice = _NO_DIRECT_TLS
    else:
        advice = "does a server with TLS listen there?"
    return Cause(ConfigurationError, f"the TLS handshake failed: {reason}: {advice}")


_NO_DIRECT_TLS = (
    "the server does not know sslnegotiation=direct, which needs PostgreSQL 17 or later: "
    "use sslnegotiation=postgres"
)


def _explain_system(error: OSError, host: Host, target: Target) -> Cause:
    text = str(error)
    if "rejected SSL upgrade" in text:
        return Cause(
            ConfigurationError,
            f"the server does not support TLS, which sslmode={target.tls.mode!r} asks for: "
            "switch it on there (ssl = on), or, in a network you trust, use sslmode=disable",
        )
    if "error response during SSL exchange" in text or "connection_lost" in text:
        return Cause(ConnectionLostError, _describe_closed(target), is_of_host=True)
    if isinstance(error, socket.gaierror):
        text = f"the host {host.name!r} is not known ({error.strerror or error}): is the name right?"
    elif target.server_log and isinstance(error, FileNotFoundError | ConnectionRefusedError):
        text = f"the server that the platform started has died: its log, {target.server_log}, may say why"
    elif isinstance(error, FileNotFoundError):
        text = f"no server has a socket for port {host.port} in {host.name!r}: is it running?"
    elif isinstance(error, PermissionError):
        text = f"the socket in {host.name!r} is closed to this account: {error.strerror}"
    elif isinstance(error, ConnectionRefusedError) or f"[Errno {errno.ECONNREFUSED}]" in text:
        where = f"port {host.port} of {host.name!r}"
        text = f"nothing listens on {where} (connection refused): is the server running, and the port right?"
    else:
        text = f"{error.strerror or text}: is the host {host.name!r} within reach (network, firewall)?"
    return Cause(ConnectionLostError, text, is_of_host=True)


def _describe_closed(target: Target) -> str:
    if target.tls.is_direct:
        return f"it closed the connection: {_NO_DIRECT_TLS}"
    return "it closed the connection before the login: does PostgreSQL listen there? Its log has the reason"


def _describe_timeout(target: Target) -> str:
    return (
        f"it did not answer within {target.timeout_seconds:g} s: for a server that needs longer, raise "
        "connect_timeout in the URL or DB_POSTGRES_CONNECT_TIMEOUT (seconds)"
    )
