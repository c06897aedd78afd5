"""The messages between a run and a worker process: a kind, a length and so many bytes, over pipes."""

import struct
from enum import IntEnum

HEADER = struct.Struct(">BQ")


class Kind(IntEnum):
    """What a message is; the run sends a set-up and calls, the worker events of its log and answers."""

    SET_UP = 0
    CALL = 1
    EVENT = 2
    ANSWER = 3


def to_frame(kind: Kind, body: bytes) -> bytes:
    """Return a message as it is sent."""
    return HEADER.pack(kind, len(body)) + body
