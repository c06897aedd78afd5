"""Render any value as text; nothing here raises."""

import json
import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from pathlib import PurePath
from typing import Any
from uuid import UUID

from platform_cli._masking import hide_secrets
from platform_cli._text import printable

# Ends a line, controls a terminal or is not valid Unicode, although JSON allows it.
_UNSAFE = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_UNCLEAR = re.compile("[ ='\"]")


def show(value: object) -> str:
    """Return a value for people: text is quoted where its borders are unclear; only text has line breaks."""
    if not isinstance(value, str):
        return printable(_plain(value))
    if value and value.isprintable() and not _UNCLEAR.search(value):
        return value
    if "\n" in value.strip():
        return "\n".join(printable(line.expandtabs()) for line in value.rstrip().split("\n"))
    return printable(repr(value))


def to_json(values: Mapping[str, Any]) -> str:
    """Return a line of JSON; values that JSON does not have are text."""
    try:
        text = _ENCODER.encode(values)
    except Exception:  # noqa: BLE001 - keys that are not text, NaN, cycles, depth, changes by another thread, …
        text = json.dumps(
            {name: _storable(value) for name, value in values.items()}, default=_plain, ensure_ascii=False
        )
    return _UNSAFE.sub(_escape, text)


def _storable(value: object) -> object:
    try:
        return json.loads(json.dumps(value, default=_plain, allow_nan=False))
    except Exception:  # noqa: BLE001 - as above
        return _repr(value)


def _plain(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, date):
        return value.isoformat()
    return hide_secrets(str(value)) if isinstance(value, Decimal | PurePath | UUID) else _repr(value)


def _repr(value: object) -> str:
    try:
        return hide_secrets(repr(value))
    except Exception:  # noqa: BLE001 - a broken __repr__ must not stop the job
        return f"<{type(value).__name__}>"


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    return "\\ufffd" if 0xD800 <= code <= 0xDFFF else f"\\u{code:04x}"


_ENCODER = json.JSONEncoder(default=_plain, allow_nan=False, ensure_ascii=False)
