"""libpq's parameters and variables: their values, their origins, and those that are refused.

https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS
https://www.postgresql.org/docs/current/libpq-envars.html
"""

from __future__ import annotations

import configparser
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import TypeAlias

from platform_interfaces import ConfigurationError, SecretsInterface
from platform_postgres._connection_url import split_url


@dataclass(frozen=True)
class Parameter:
    """A value and its origin, for messages."""

    value: str = field(repr=False)
    origin: str

    def refuse(self, reason: str) -> ConfigurationError:
        """Return the error that names the parameter and says why it cannot be used."""
        return ConfigurationError(f"{self.origin} {reason}")


Parameters: TypeAlias = Mapping[str, Parameter]

_VARIABLES = {
    "PGHOST": "host",
    "PGHOSTADDR": "hostaddr",
    "PGPORT": "port",
    "PGDATABASE": "dbname",
    "PGUSER": "user",
    "PGPASSWORD": "password",
    "PGPASSFILE": "passfile",
    "PGREQUIREAUTH": "require_auth",
    "PGCHANNELBINDING": "channel_binding",
    "PGSERVICE": "service",
    "PGSERVICEFILE": "servicefile",
    "PGOPTIONS": "options",
    "PGAPPNAME": "application_name",
    "PGSSLMODE": "sslmode",
    "PGREQUIRESSL": "requiressl",
    "PGSSLNEGOTIATION": "sslnegotiation",
    "PGSSLCOMPRESSION": "sslcompression",
    "PGSSLCERT": "sslcert",
    "PGSSLKEY": "sslkey",
    "PGSSLCERTMODE": "sslcertmode",
    "PGSSLROOTCERT": "sslrootcert",
    "PGSSLCRL": "sslcrl",
    "PGSSLCRLDIR": "sslcrldir",
    "PGSSLSNI": "sslsni",
    "PGREQUIREPEER": "requirepeer",
    "PGSSLMINPROTOCOLVERSION": "ssl_min_protocol_version",
    "PGSSLMAXPROTOCOLVERSION": "ssl_max_protocol_version",
    "PGMINPROTOCOLVERSION": "min_protocol_version",
    "PGMAXPROTOCOLVERSION": "max_protocol_version",
    "PGGSSENCMODE": "gssencmode",
    "PGKRBSRVNAME": "krbsrvname",
    "PGGSSLIB": "gsslib",
    "PGGSSDELEGATION": "gssdelegation",
    "PGCONNECT_TIMEOUT": "connect_timeout",
    "PGTARGETSESSIONATTRS": "target_session_attrs",
    "PGLOADBALANCEHOSTS": "load_balance_hosts",
    "PGTZ": "timezone",
    "PGDATESTYLE": "datestyle",
}
_HONOURED = {
    *("host", "port", "dbname", "user", "password", "passfile", "connect_timeout", "options"),
    *("application_name", "fallback_application_name", "service", "servicefile", "krbsrvname", "gsslib"),
    *("keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout"),
    *("sslmode", "sslcert", "sslkey", "sslpassword", "sslrootcert", "sslcrl", "sslcrldir"),
    *("ssl_min_protocol_version", "ssl_max_protocol_version", "target_session_attrs", "load_balance_hosts"),
}
_OFF = ("0", "no", "off", "false")
# What the driver does anyway may be asked for; for any other value it would have to do what it cannot.
_REFUSED: dict[str, tuple[tuple[str, ...], str]] = {
    "hostaddr": ((), "write the address as the host"),
    "require_auth": ((), "the driver takes the method that the server asks for"),
    "channel_binding": (
        ("prefer", "disable"),
        (
            "the driver cannot bind the login to the TLS channel. Remove it, and use sslmode=verify-full "
            "(with sslrootcert=system for a public CA), which also makes sure of the server"
        ),
    ),
    "client_encoding": (("utf8", "utf-8", "unicode", "auto"), "text is sent as UTF8"),
    "gssencmode": (("disable", "prefer", "allow"), "the driver encrypts by TLS only"),
    "gssdelegation": (_OFF, "the driver does not do it"),
    "max_protocol_version": (("3.0", "3.2", "latest"), "the driver speaks 3.0"),
    "min_protocol_version": (("3.0",), "the driver speaks 3.0"),
    "replication": (_OFF, "the platform needs an ordinary connection"),
    "requirepeer": ((), "the driver does not check it"),
    "requiressl": (_OFF, "use sslmode=require"),
    "scram_client_key": ((), "the driver does not know it; use a password"),
    "scram_server_key": ((), "the driver does not know it; use a password"),
    "sslcertmode": (("allow", "disable"), "use 'allow' or 'disable'"),
    "sslcompression": (("0", "1"), "use 0; TLS is never compressed"),
    "sslkeylogfile": ((), "keys of TLS are never written to a file"),
    "sslnegotiation": (("postgres", "direct"), "use 'postgres' or 'direct'"),
    "sslsni": (("1",), "the driver always sends the host name"),
    **dict.fromkeys(
        ("oauth_issuer", "oauth_client_id", "oauth_client_secret", "oauth_scope", "oauth_ca_file"),
        ((), "the driver does not know it; use a password"),
    ),
}
# Settings of a session that may stand in the URL by themselves, as asyncpg has it; others go into "options".
SESSION_SETTINGS = {
    *("search_path", "role", "timezone", "datestyle", "intervalstyle", "lock_timeout", "work_mem"),
    *("maintenance_work_mem", "temp_buffers", "synchronous_commit", "row_security", "jit"),
    *("idle_in_transaction_session_timeout", "idle_session_timeout", "transaction_timeout"),
    *("default_transaction_isolation", "default_transaction_read_only", "default_transaction_deferrable"),
    *("client_min_messages", "bytea_output", "extra_float_digits", "default_table_access_method"),
    *("default_tablespace", "temp_tablespaces", "geqo", "statement_timeout"),
}


def read_parameters(url: str, setting: str, secrets: SecretsInterface | None) -> Parameters:
    """Return the parameters of the URL; those it leaves out come from the service file and ``PG*`` variables.

    Args:
        url: see ``split_url``.
        setting: what the URL is called in messages.
        secrets: where the variables are looked up, before the environment; None for no variables at all.

    Raises:
        ConfigurationError: when a parameter is unknown, or has a value that the driver cannot honour.
    """
    found = {
        name: Parameter(value, f"{name!r} in the connection URL ({setting})")
        for name, value in split_url(url, setting).items()
    }
    if secrets is not None:
        variables = _read_variables(secrets)
        found = {**variables, **_read_service({**variables, **found}), **found}
    for name, parameter in found.items():
        _check(name, parameter)
    return found


def _read_variables(secrets: SecretsInterface) -> dict[str, Parameter]:
    """Return the ``PG*`` variables that have a value, by the names of their parameters."""
    return {
        name: Parameter(value, variable)
        for variable, name in _VARIABLES.items()
        if (value := secrets.get(variable) or os.environ.get(variable))
    }


def _read_service(parameters: Parameters) -> dict[str, Parameter]:
    """Return the parameters of the service that is named, from its file.

    https://www.postgresql.org/docs/current/libpq-pgservice.html
    """
    service = parameters.get("service")
    if service is None:
        return {}
    file = parameters["servicefile"].value if "servicefile" in parameters else _default_service_file()
    parser = configparser.RawConfigParser(delimiters="=", comment_prefixes="#", strict=False)
    try:
        parser.read_string(Path(file).read_text())
    except OSError as error:
        raise service.refuse(f"cannot be looked up: service file {file!r}: {error.strerror}") from None
    except (configparser.Error, UnicodeDecodeError):  # their text may quote a password
        raise service.refuse(f"cannot be looked up: service file {file!r} cannot be read") from None
    if not parser.has_section(service.value):
        raise service.refuse(f"names {service.value!r}, which is not a section of service file {file!r}")
    origin = f"of service {service.value!r} ({file})"
    return {
        name: Parameter(value, f"{name!r} {origin}") for name, value in parser.items(service.value) if value
    }


def _default_service_file() -> str:
    home = find_home()
    return str((home or Path("~")) / ".pg_service.conf")


def find_home() -> Path | None:
    """Return the home folder, or None for an account that has none."""
    try:
        return Path.home()
    except (RuntimeError, KeyError):
        return None


def _check(name: str, parameter: Parameter) -> None:
    """Refuse an unknown parameter, and a value that the driver would ignore."""
    if name in _REFUSED:
        allowed, reason = _REFUSED[name]
        if parameter.value.lower() not in allowed:
            verdict = f"cannot be {parameter.value!r}" if allowed else "cannot be used"
            raise parameter.refuse(f"{verdict}: {reason}")
    elif name == "statement_timeout":
        raise parameter.refuse("is not read: set DB_POSTGRES_STATEMENT_TIMEOUT (milliseconds)")
    elif name not in _HONOURED | SESSION_SETTINGS and "." not in name:
        known = [*_HONOURED, *_REFUSED, *SESSION_SETTINGS]
        nearest = get_close_matches(name.lower(), known, 1)
        hint = f"did you mean {nearest[0]!r}?" if nearest else "remove it"
        raise parameter.refuse(
            f"is not a parameter of a connection: {hint} "
            f"(a setting of the server goes into options=-c%20NAME%3DVALUE)"
        )
