"""Codecs for the types that the driver converts in another way than the platform."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from platform_interfaces import dump_json, load_json
from platform_postgres import _temporal as temporal
from platform_postgres._numeric import decode_numeric, encode_numeric

if TYPE_CHECKING:
    from platform_postgres._connection import Connection

JSONB_HEADER = b"\x01"  # the version of its wire format


def encode_json(value: Any) -> bytes:
    """Return ``value`` as JSON."""
    return value if type(value) is bytes else dump_json(value).encode()


def _encode_jsonb(value: Any) -> bytes:
    return JSONB_HEADER + encode_json(value)


def _decode_jsonb(data: bytes) -> Any:
    return load_json(data[len(JSONB_HEADER) :])


_CODECS: dict[str, tuple[Callable[[Any], bytes], Callable[[bytes], Any]]] = {
    "json": (encode_json, load_json),
    "jsonb": (_encode_jsonb, _decode_jsonb),
    "date": (temporal.encode_date, temporal.decode_date),
    "time": (temporal.encode_time, temporal.decode_time),
    "timetz": (temporal.encode_timetz, temporal.decode_timetz),
    "timestamp": (temporal.encode_timestamp, temporal.decode_timestamp),
    "timestamptz": (temporal.encode_timestamptz, temporal.decode_timestamptz),
    "interval": (temporal.encode_interval, temporal.decode_interval),
    "numeric": (encode_numeric, decode_numeric),
}


async def set_codecs(connection: Connection) -> None:
    """Set the codecs of this connection; those of arrays, ranges and composites follow."""
    for kind, (encode, decode) in _CODECS.items():
        # Binary, because COPY is. No round trip: the types are built in.
        await connection.set_type_codec(
            kind, schema="pg_catalog", format="binary", encoder=encode, decoder=decode
        )
