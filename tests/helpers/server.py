"""A PostgreSQL that asks for a password, as those of users do."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote

import asyncpg

from platform_postgres.testing import running_server


@contextmanager
def server_with_password(password: str, **options: str) -> Iterator[str]:
    """Yield the URL of a new server over TCP, whose only role has ``password``.

    ``options`` are settings of postgresql.conf.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    with running_server({"listen_addresses": "127.0.0.1", "port": port, **options}) as server:
        asyncio.run(_set_password(server.url(), password))
        yield f"postgresql://postgres:{quote(password, safe='')}@127.0.0.1:{port}/postgres"


async def _set_password(url: str, password: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(f"ALTER ROLE postgres PASSWORD '{password}'")
    await connection.close()
