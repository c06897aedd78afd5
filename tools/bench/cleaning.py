"""A second implementation of the cleaning rules, independent of the module: to check it by."""

import re
from collections.abc import Iterator
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import msgspec

from tools.bench.inputs import DATE, SOURCE_PATH

_decoder = msgspec.json.Decoder(float_hook=Decimal)
_encoder = msgspec.json.Encoder(order="sorted", decimal_format="number")
_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


class Cleaned(NamedTuple):
    """A valid event; ``payload`` is its JSON with sorted keys, ``key`` is equal for equal events of a day."""

    event_type: str
    payload: str
    source: str
    key: bytes


def clean(line: bytes) -> Cleaned | None:
    """Return the event, or None for a line that is blank or that the rules of batch_etl reject."""
    try:
        match _decoder.decode(line):
            case {"event_type": str(kind), "payload": payload, "source": str(source)}:
                event_type = kind.strip().lower()
            case _:
                return None
        if isinstance(payload, str):
            payload = _decoder.decode(payload)
    except ValueError:  # neither JSON nor UTF-8
        return None
    if not isinstance(payload, dict) or not all(
        text.strip() and len(text) <= 255 and "\0" not in text for text in (event_type, source)
    ):
        return None
    canonical = _encoder.encode(payload).decode()
    if "\\u0000" in canonical and _NUL.search(canonical):
        return None
    return Cleaned(event_type, canonical, source, sha256(f"{event_type}\0{canonical}".encode()).digest())


def cleaned_rows(root: Path) -> Iterator[Cleaned]:
    """Yield all valid events of the day below ``root``, duplicates too, in the order of the files."""
    for path in sorted((root / SOURCE_PATH / DATE).iterdir()):
        with path.open("rb") as file:
            yield from filter(None, map(clean, file))
