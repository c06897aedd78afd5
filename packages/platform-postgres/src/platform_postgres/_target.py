"""What a connection needs: hosts, user, database, TLS and options."""

from __future__ import annotations

import getpass
import os
import random
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field

from platform_interfaces import ConfigurationError, SecretsInterface
from platform_postgres._hosts import Host, read_hosts
from platform_postgres._libpq import SESSION_SETTINGS, Parameters, read_parameters
from platform_postgres._settings import CONNECT_TIMEOUT_SECONDS
from platform_postgres._tls import Tls, read_tls

URL_SETTING = "DB_POSTGRES_URL"
APPLICATION_NAME = "data-platform"
_SESSION_ATTRIBUTES = ("any", "read-write", "read-only", "primary", "standby", "prefer-standby")
_KEEPALIVES = {
    "keepalives_idle": "TCP_KEEPIDLE",
    "keepalives_interval": "TCP_KEEPINTVL",
    "keepalives_count": "TCP_KEEPCNT",
    "tcp_user_timeout": "TCP_USER_TIMEOUT",
}


@dataclass(frozen=True)
class Target:
    """A database and how to connect to it; ``name``, ``setting`` and ``server_log`` are for messages."""

    name: str
    setting: str
    hosts: tuple[Host, ...]
    user: str
    password: str | None = field(repr=False)
    passfile: str | None
    dbname: str
    tls: Tls
    timeout_seconds: float | None
    server_settings: Mapping[str, str]
    session_attributes: str
    socket_options: Mapping[tuple[int, int], int]
    is_shuffled: bool
    krbsrvname: str | None
    gsslib: str | None
    server_log: str

    def order_hosts(self) -> list[Host]:
        """Return the hosts in the order in which to try them this time."""
        return random.sample(self.hosts, len(self.hosts)) if self.is_shuffled else list(self.hosts)


def read_target(
    url: str,
    secrets: SecretsInterface | None,
    *,
    name: str = "",
    setting: str = URL_SETTING,
    timeout_seconds: float | None = None,
    server_log: str = "",
) -> Target:
    """Return what to connect with; see ``read_parameters`` for the arguments. Reads the files it names.

    Args:
        name: what messages call the database; empty for user, host, port and database.
        timeout_seconds: used where the URL has no ``connect_timeout``.
        server_log: the log of a server that this process started.

    Raises:
        ConfigurationError: when a parameter or a file it names cannot be used.
    """
    parameters = read_parameters(url, setting, secrets)
    hosts, user = read_hosts(parameters), _read_user(parameters, setting)
    dbname = _value(parameters, "dbname") or user
    return Target(
        name or _describe(user, hosts, dbname),
        setting,
        hosts,
        user,
        _value(parameters, "password"),
        _value(parameters, "passfile"),
        dbname,
        _read_tls(hosts, parameters),
        _read_timeout(parameters, timeout_seconds),
        _read_server_settings(parameters),
        _read_choice(parameters, "target_session_attrs", _SESSION_ATTRIBUTES),
        _read_socket_options(parameters),
        _read_choice(parameters, "load_balance_hosts", ("disable", "random")) == "random",
        _value(parameters, "krbsrvname"),
        _value(parameters, "gsslib"),
        server_log,
    )


def describe(url: str, secrets: SecretsInterface) -> str:
    """Return user, hosts, port and name of the database for people; never raises for a bad URL."""
    try:
        parameters = read_parameters(url, URL_SETTING, secrets)
        hosts, user = read_hosts(parameters), _read_user(parameters, URL_SETTING)
    except ConfigurationError as error:
        return f"unknown: {error}"
    return _describe(user, hosts, _value(parameters, "dbname") or user)


def _describe(user: str, hosts: tuple[Host, ...], dbname: str) -> str:
    over_tcp = ",".join(str(host) for host in hosts if not host.is_socket)
    sockets = ", ".join(host.name for host in hosts if host.is_socket)
    port = "" if over_tcp else f":{hosts[0].port}"
    text = f"{user}@{over_tcp or 'localhost'}{port}/{dbname}" + (f" (socket in {sockets})" if sockets else "")
    return "".join(character if character.isprintable() else "?" for character in text)


def _value(parameters: Parameters, name: str) -> str | None:
    return parameters[name].value if name in parameters else None


def _read_user(parameters: Parameters, setting: str) -> str:
    if user := _value(parameters, "user"):
        return user
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        raise ConfigurationError(
            f"there is no user in the connection URL ({setting}), PGUSER is not set, and the account "
            f"{os.geteuid()} that runs this has no name: write USER before '@' in the URL"
        ) from None


def _read_tls(hosts: tuple[Host, ...], parameters: Parameters) -> Tls:
    if all(host.is_socket for host in hosts):  # never encrypted, as libpq has it
        return Tls("disable", None, is_direct=False)
    return read_tls(parameters)


def _read_timeout(parameters: Parameters, from_setting: float | None) -> float | None:
    """Return the seconds to wait for a connection; None for no limit, which is 0 in each of the settings."""
    parameter = parameters.get("connect_timeout")
    is_in_url = parameter is not None and parameter.origin != "PGCONNECT_TIMEOUT"
    if parameter is None or (from_setting is not None and not is_in_url):
        return CONNECT_TIMEOUT_SECONDS if from_setting is None else from_setting or None
    if not re.fullmatch(r"\s*-?[0-9]{1,6}\s*", parameter.value):
        raise parameter.refuse(
            f"must be a whole number of seconds, not {parameter.value!r}; 0 means no limit"
        )
    return max(int(parameter.value), 0) or None


def _read_server_settings(parameters: Parameters) -> dict[str, str]:
    """Return the settings of each session; ``options`` override the platform's own."""
    settings = {
        "application_name": _value(parameters, "fallback_application_name") or APPLICATION_NAME,
        # A statement whose client was killed would otherwise keep its locks until it ends by itself.
        "client_connection_check_interval": "5s",
        "cursor_tuple_fraction": "1",  # a stream is planned to be read to its end
    }
    options = parameters.get("options")
    if options is not None:
        names = {
            name.lower().replace("-", "_") for name in re.findall(r"(?:-c\s*|--)([\w.-]+)=", options.value)
        }
        if "statement_timeout" in names:
            raise options.refuse("has 'statement_timeout': set DB_POSTGRES_STATEMENT_TIMEOUT (milliseconds)")
        settings = {name: value for name, value in settings.items() if name not in names}
        settings["options"] = options.value
    for name, parameter in parameters.items():
        if name == "application_name" or name in SESSION_SETTINGS or "." in name:
            settings[name] = parameter.value
    return settings


def _read_choice(parameters: Parameters, name: str, choices: tuple[str, ...]) -> str:
    parameter = parameters.get(name)
    if parameter is None:
        return choices[0]
    if parameter.value not in choices:
        raise parameter.refuse(f"cannot be {parameter.value!r}: use one of {', '.join(choices)}")
    return parameter.value


def _read_socket_options(parameters: Parameters) -> dict[tuple[int, int], int]:
    """Return the options of a TCP socket; as in libpq, those that the system lacks are left out."""
    numbers = {}
    for name in ("keepalives", *_KEEPALIVES):
        if parameter := parameters.get(name):
            if not re.fullmatch(r"[0-9]{1,9}", parameter.value):
                raise parameter.refuse(f"must be a whole number, not {parameter.value!r}")
            numbers[name] = int(parameter.value)
    is_kept_alive = numbers.get("keepalives", 1) != 0
    options = {(socket.SOL_SOCKET, socket.SO_KEEPALIVE): int(is_kept_alive)}
    for name, constant in _KEEPALIVES.items():
        if numbers.get(name) and hasattr(socket, constant) and (is_kept_alive or name == "tcp_user_timeout"):
            options[(socket.IPPROTO_TCP, getattr(socket, constant))] = numbers[name]
    return options
