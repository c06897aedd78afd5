"""Files of events as they should not be, and an account of them that is as plain as it is slow."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any, NoReturn

from hypothesis import strategies as st

_DOS_END = b"\x1a"
_BLANKS = b" \t\n\r\v\f" + _DOS_END
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_OTHER_ENCODINGS = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")

# Few of each, so that equal events meet; 1 and 1.0, 0.1 and 0.10 are the same number, written differently.
_numbers = st.sampled_from(
    ["0", "-1", "1", "1.0", "1e0", "0.1", "0.10", "1E400", "-2.5e-7", "9007199254740993", "9" * 40]
)
_texts = st.sampled_from(["", "a", "é", "e\u0301", "😀", '"\\', "\u2028", "tab\t"]) | st.text(
    st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=5
)
_scalars = (
    _numbers
    | st.sampled_from(["true", "false", "null"])
    | st.builds(json.dumps, _texts, ensure_ascii=st.booleans())
)


def _object(members: Iterable[tuple[str, str]]) -> str:
    return "{" + ", ".join(f"{json.dumps(key)} :{value}" for key, value in members) + "}"


def _objects(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Draw JSON objects as text; keys come in any order, and more than once."""
    return st.lists(st.tuples(st.sampled_from(["a", "b", "ü"]), values), max_size=3).map(_object)


_values = st.recursive(
    _scalars,
    lambda inner: _objects(inner) | st.lists(inner, max_size=2).map(lambda items: f"[{','.join(items)}]"),
)
_payloads = _objects(_values)
_types = st.sampled_from(["click", " Click\t", "CLICK", "ÄÖ", "x" * 255, f"  {'y' * 255}  "])
_sources = st.sampled_from(["web", "Web", " s ", "z" * 255])


@st.composite
def _good_lines(draw: st.DrawFn) -> bytes:
    payload = draw(_payloads)
    if draw(st.booleans()):
        payload = json.dumps(payload)  # an object in a string is taken for the object
    members = [
        ("event_type", json.dumps(draw(_types))),
        ("payload", payload),
        ("source", json.dumps(draw(_sources))),
        ("other", draw(_scalars)),
    ]
    return _object(draw(st.permutations(members))).encode()


def _event(**members: str) -> bytes:
    event = {"event_type": '"click"', "payload": "{}", "source": '"web"', **members}
    return _object((key, value) for key, value in event.items() if value).encode("utf-8", "surrogatepass")


# All but the last are one event, the first of which gives the row its source.
_EQUAL_LINES = [
    _event(payload='{"a":1,"b":{"c":2,"d":[]}}', source='"first"'),
    _event(payload='{"b": {"d": [], "c": 2}, "a": 1}', source='"second"'),
    _event(payload='{"a":0,"b":{"\\u0063":2,"d":[]},"a":1}', source='"third"'),
    _event(payload='"{\\"a\\":1,\\"b\\":{\\"c\\":2,\\"d\\":[]}}"', source='"fourth"'),
    _event(payload='{"a":1,"b":{"c":2,"d":[]}}', event_type='" Click\\t"', source='"fifth"'),
    _event(payload='{"a":1.0,"b":{"c":2,"d":[]}}'),
]
_BAD_LINES = [
    *(
        b"[]",
        b"null",
        b"1",
        b'"text"',
        b"{",
        b"nan",
        b"{} {}",
        b"{},",
        b"{'a': 1}",
        b"\xff\xfe{\x00",
        b"\x00",
    ),
    *(
        _event(event_type=value)
        for value in ("", "null", "1", '""', '" \\t"', '"a\\u0000"', f'"{"x" * 256}"')
    ),
    *(_event(source=value) for value in ("", "null", "[]", '" "', '"\\u0000"', f'"{"x" * 256}"')),
    *(_event(payload=value) for value in ("", "null", "[1]", "1", '"text"', '"[1]"', '"{"', '"null"', "{,}")),
    *(
        _event(payload=f'{{"a": {value}}}')
        for value in ("NaN", "-Infinity", "1e131072", "1e-16384", "01", "1.", "+1")
    ),
    *(
        _event(payload=f'{{"a": {value}}}')
        for value in ('"\\u0000"', '"\\ud800"', '"\ud800"', '"\t"', "'", '"\\x"')
    ),
    _event(payload='{"\\u0000": 1}'),
    _event(payload='{"a":' * 101 + "1" + "}" * 101),
    _event(other='"') + b"\xff" + b'"}',
]
_ODD_LINES = [
    *(b"", b" ", b"\t \r", b"\r"),
    _event(payload='{"a":' * 100 + "1" + "}" * 100),
    _event(payload='{"a": 1, "a": 2}'),
    _event().replace(b" ", b"\r"),
    _event() + b"\r",
    b" " + _event() + b" ",
    _BYTE_ORDER_MARK + _event(),
]
_lines = st.one_of(
    _good_lines(),
    st.sampled_from(_EQUAL_LINES),
    st.sampled_from(_EQUAL_LINES),
    st.sampled_from(_ODD_LINES),
    st.sampled_from(_BAD_LINES),
    st.binary(max_size=12),
    st.builds(lambda line, size: line[:size], _good_lines(), st.integers(0, 80)),
)


@st.composite
def event_files(draw: st.DrawFn) -> bytes:
    """Draw the content of a file, with or without a byte order mark and a line end at its end."""
    lines = draw(st.lists(_lines, max_size=8))
    has_mark: bool = draw(st.booleans())
    if lines and has_mark:
        lines[0] = draw(st.sampled_from([_BYTE_ORDER_MARK, *_OTHER_ENCODINGS])) + lines[0]
    return b"\n".join(lines) + draw(st.sampled_from([b"", b"\n"]))


@dataclass
class Account:
    """What has to become of the lines of some files, read in this order."""

    lines: int = 0
    blank: int = 0
    valid: int = 0
    invalid: set[tuple[str, int]] = field(default_factory=set)  # file, line
    rows: dict[tuple[Any, ...], dict[str, Any]] = field(default_factory=dict)  # the first one of each key

    @classmethod
    def of(cls, files: Mapping[str, bytes]) -> Account:
        """Return the account of these files, in the order of their names."""
        account = cls()
        for name in sorted(files):
            is_utf16_or_32 = files[name].startswith(_OTHER_ENCODINGS)
            for number, line in enumerate(_split(files[name]), 1):
                account._add(name, number, line, is_utf16_or_32)
        return account

    def _add(self, file: str, number: int, line: bytes, is_utf16_or_32: bool) -> None:
        self.lines += 1
        if not line.strip(_BLANKS):
            self.blank += 1
            return
        try:
            row = _row({} if is_utf16_or_32 else _parse(line.decode()))
        except (ValueError, TypeError, KeyError, AttributeError):
            self.invalid.add((file, number))
            return
        self.valid += 1
        self.rows.setdefault((row["event_type"], _as_written(row["payload"])), row)


def _split(content: bytes) -> Iterator[bytes]:
    lines = content.split(b"\n")
    if not lines[-1]:
        lines.pop()
    else:
        lines[-1] = lines[-1].rstrip(_DOS_END)
    return (line.removeprefix(b"" if number else _BYTE_ORDER_MARK) for number, line in enumerate(lines))


def _parse(text: str) -> Any:
    return json.loads(text, parse_float=Decimal, parse_constant=_refuse)


def _refuse(name: str) -> NoReturn:
    raise ValueError(name)


def _row(event: Any) -> dict[str, Any]:
    """Return the row of a valid event; raise any error for all else."""
    kind, payload, source = event["event_type"].strip().lower(), event["payload"], event["source"]
    if isinstance(payload, str):
        payload = _parse(payload)
    payload.keys()
    _check(kind)
    _check(source)
    _check(payload)
    if not kind or not source.strip() or max(len(kind), len(source)) > 255:
        raise ValueError("event_type or source")
    return {"event_type": kind, "payload": payload, "source": source}


def _check(value: Any, levels: int = 100) -> None:
    """Raise a ValueError for what no database stores."""
    if isinstance(value, str):
        value.encode()
        if "\0" in value:
            raise ValueError("NUL")
    if isinstance(value, Decimal) and not Decimal("1e-16384") < abs(value) < Decimal("1e131072") and value:
        raise ValueError("number")
    if isinstance(value, dict | list):
        if not levels:
            raise ValueError("depth")
        for part in [*value, *value.values()] if isinstance(value, dict) else value:
            _check(part, levels - 1)


def _as_written(value: Any) -> Any:
    """Return what is equal for values that differ in the order of keys only."""
    if isinstance(value, dict):
        return ("object", *((key, _as_written(value[key])) for key in sorted(value)))
    if isinstance(value, list):
        return ("array", *map(_as_written, value))
    return (type(value).__name__, str(value))


def as_stored(value: Any) -> Any:
    """Return what is equal for values that are equal in the database, whichever types their numbers have."""
    if isinstance(value, dict):
        return {key: as_stored(value[key]) for key in sorted(value)}
    if isinstance(value, list):
        return [as_stored(part) for part in value]
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return Fraction(str(value))
    return repr(value)
