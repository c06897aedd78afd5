"""JSON in and out as Python values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from platform_interfaces import dump_json, load_json

if TYPE_CHECKING:
    from platform_postgres._connection import Connection


async def set_json_codecs(connection: Connection) -> None:
    """Have JSON go in and out as Python values."""
    await _use_json(connection, "json", header=b"")
    await _use_json(connection, "jsonb", header=b"\x01")  # the version of its wire format


async def _use_json(connection: Connection, kind: str, header: bytes) -> None:
    def encode(value: object) -> bytes:
        return header + (value if type(value) is bytes else dump_json(value).encode())

    def decode(data: bytes) -> object:
        return load_json(data[len(header) :])

    # Binary because COPY is: a text codec breaks it.
    await connection.set_type_codec(
        kind, schema="pg_catalog", format="binary", encoder=encode, decoder=decode
    )
