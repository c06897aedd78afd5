"""Where the server may be: hosts and ports, or the folder of a socket."""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from typing import NamedTuple

from platform_postgres._libpq import Parameters

DEFAULT_PORT = 5432
# Where PostgreSQL's own client looks when no host is given; then over TCP.
_SOCKET_FOLDERS = ("/run/postgresql", "/var/run/postgresql", "/tmp")  # noqa: S108


class Host(NamedTuple):
    """A host name, an address, or the folder of a socket; and the port."""

    name: str
    port: int

    @property
    def is_socket(self) -> bool:
        return self.name.startswith("/")

    def __str__(self) -> str:
        return f"[{self.name}]:{self.port}" if ":" in self.name else f"{self.name}:{self.port}"


def read_hosts(parameters: Parameters) -> tuple[Host, ...]:
    """Return the hosts that are given, or those where PostgreSQL's own client looks.

    Raises:
        ConfigurationError: when a host or a port cannot be one.
    """
    if "host" not in parameters:
        folders = [folder for folder in _SOCKET_FOLDERS if Path(folder).is_dir()]
        return tuple(Host(name, _read_ports(parameters, 1)[0]) for name in (*folders, "localhost"))
    names = parameters["host"].value.split(",")
    for name in names:
        if not _is_host(name):
            raise parameters["host"].refuse(
                f"has {name!r}, which is not a host name, an address or the folder of a socket"
                if ":" not in name
                else "has a ':': give the port as 'port'"
            )
    ports = _read_ports(parameters, len(names))
    return tuple(Host(name or "localhost", port) for name, port in zip(names, ports, strict=True))


def _is_host(name: str) -> bool:
    if name.startswith("/") or not name:
        return True
    if ":" in name:
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True
    try:
        name.encode("idna")
    except UnicodeError:
        return False
    return re.search(r"[\s/\\]", name) is None


def _read_ports(parameters: Parameters, count: int) -> list[int]:
    if "port" not in parameters:
        return [DEFAULT_PORT] * count
    texts = parameters["port"].value.split(",")
    if len(texts) not in (1, count):
        raise parameters["port"].refuse(
            f"has {len(texts)} ports for {count} hosts: give one, or one for each"
        )
    ports = []
    for text in texts:
        if text and not (text.isascii() and text.isdigit() and 0 < int(text[:6]) < 65536):
            # It is not shown: a password with an unescaped '/' or '?' may stand there.
            raise parameters["port"].refuse(
                "is not a port, a whole number from 1 to 65535 "
                "(if it is a piece of the password: write '/' in it as %2F and '?' as %3F)"
            )
        ports.append(int(text or DEFAULT_PORT))
    return ports * count if len(ports) == 1 else ports
