"""How the records of a file are framed, where its lines show that it is not one JSON object a line."""

import re
from collections.abc import Callable, Collection, Sequence
from functools import partial
from itertools import accumulate
from typing import TypeAlias

from batch_etl.ingest.json_text import parse_json_of_any_numbers
from batch_etl.ingest.lines import Line
from batch_etl.ingest.text_tables import find_table

MAX_LINES = 20
_Finder: TypeAlias = Callable[[Sequence[bytes]], str | None]
_END_BYTES = 512  # of a line's beginning and end; more of it is not looked at
_PARSED_BYTES = 64 * 1024
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_ARRAY_START = re.compile(rb"\[\s*(\{|$)")  # of objects; a single line [1, 2] is a bad line among good ones
_STEPS = {ord("{"): 1, ord("["): 1, ord("]"): -1, ord("}"): -1}

_WANTED = "one JSON object a line is read"
_BINARY = "binary data, not text: is the file complete, and of the right kind?"
_UTF16 = "UTF-16 without a byte order mark: convert it to UTF-8"
_SEVERAL = (
    f"several objects on one line: {_WANTED}, so put a line feed between them, for example with jq -c ."
)
_ARRAY = f"a JSON array: {_WANTED}, so convert it, for example with jq -c '.[]'"
_PRETTY = f"pretty-printed JSON: {_WANTED}, so convert it, for example with jq -c ."

# What most of the lines that are not good begin with or have. The first that fits counts.
_LINES: tuple[tuple[bytes, str], ...] = (
    (rb"\x1e", "JSON text sequences (RFC 7464): remove the character 0x1E before each object"),
    (rb"(data|event|id|retry): ?", "server-sent events: remove what is not JSON, such as 'data: '"),
    (rb"\{\s*'", "Python dictionaries, not JSON: write them with json.dumps"),
    (rb'\{\s*\\+"', "JSON whose quotes are escaped: remove the backslashes"),
    (rb"\{\s*&quot;", "JSON whose quotes are escaped as in HTML: replace &quot;"),
    (rb"\{\s*(\xe2\x80\x9c|\xe2\x80\x9d)", "JSON with typographic quotes: replace them by straight ones"),
    (rb"\{\s*[A-Za-z_$][\w$]*\s*:", "JavaScript objects, not JSON: keys need double quotes"),
    (rb'"\s*\{\s*\\"', f"JSON objects inside JSON strings: {_WANTED}, so convert them with jq -c fromjson"),
    (rb'"\{""', "CSV whose one column is JSON: CSV is not read yet; convert it to one JSON object a line"),
    (rb"</?[A-Za-z][^>]*>", f"XML or HTML: {_WANTED}"),
    (rb"[A-Za-z_$][\w.$]*\(\s*[{\[]", f"JSON inside a function call (JSONP): {_WANTED}, so remove the call"),
    (
        rb"(?i)(insert\s+into|copy|create\s+table)\s",
        "SQL statements: export the rows as one JSON object a line",
    ),
    (
        rb'[^{"\[\],:\s][^{"]*\{\s*"',
        "JSON with other text before it on each line: remove what is before the '{'",
    ),
    (
        rb'[A-Za-z_][\w.-]*=("[^"]*"|\S*)(\s+[A-Za-z_][\w.-]*=("[^"]*"|\S*))+\s*$',
        f"key=value pairs (logfmt): {_WANTED}",
    ),
)
_ANYWHERE: tuple[tuple[bytes, str], ...] = (
    (rb"(None|True|False)\b", "Python dictionaries, not JSON: write them with json.dumps"),
    (rb"-?(NaN|Infinity)\b", "JSON with NaN or Infinity, which JSON does not have: write null"),
    (rb"(ObjectId|ISODate|NumberLong)\(", "output of the MongoDB shell, not JSON: use mongoexport"),
    (rb"//|/\*", "JSON with comments: remove them"),
)


def find_framing_hint(lines: Sequence[Line], fields: Collection[str]) -> str | None:
    """Return what the first ``lines`` of a file look like, and what to do; None when unknown.

    Only their beginnings and ends are looked at, and nothing is returned where half of them are JSON objects.
    ``fields`` are those that a record should have.
    """
    texts = [(line if isinstance(line, bytes) else line.start).strip() for line in lines[:MAX_LINES]]
    if texts:
        texts[0] = texts[0].removeprefix(b"\xef\xbb\xbf").lstrip()
    if not (texts := [text for text in texts if text]):
        return None
    bad = [text for text in texts if not _is_object(text)]
    is_array = _ARRAY_START.match(texts[0]) or sum(text.endswith(b"},") for text in texts) * 2 >= len(texts)
    if len(bad) * 2 <= len(texts) and not (bad and is_array):
        return None
    finders: tuple[_Finder, ...] = (*_FINDERS, partial(find_table, fields=fields), _find_yaml)
    found = next((hint for find in finders if (hint := find(bad))), None)
    return found and f"looks like {found}"


def _is_object(text: bytes) -> bool:
    if len(text) > _PARSED_BYTES:
        return text.startswith(b"{") and text.endswith(b"}") and not _find_several([text])
    try:
        return isinstance(parse_json_of_any_numbers(text), dict)
    except (ValueError, RecursionError):
        return False


def _find_bytes(lines: Sequence[bytes]) -> str | None:
    sample = b"\n".join(line[:_END_BYTES] for line in lines)
    if b"}\0{" in sample or b"}\0\0{" in sample:
        return "objects with NUL characters between them: replace those by line feeds (tr '\\0' '\\n')"
    if sample[:2] in (b"{\0", b"\0{", b"[\0", b"\0["):
        return _UTF16
    nuls = sample.strip(b"\0").count(b"\0")
    if nuls * 3 > len(sample):
        return _UTF16
    controls = len(sample) - len(
        sample.translate(None, bytes({*range(9), *range(14, 26), 28, 29, 127} - {0}))
    )
    return _BINARY if (controls + nuls) * 20 > len(sample) else None


def _find_carriage_returns(lines: Sequence[bytes]) -> str | None:
    if _most(lines, lambda line: b"\r" in line[:_PARSED_BYTES].rstrip(b"\r")):
        return "a file whose lines end with CR only: end them with a line feed (tr '\\r' '\\n')"
    return None


def _find_prefix(lines: Sequence[bytes]) -> str | None:
    if match := re.match(rb"\)\]\}'|while ?\(1\);|for ?\(;;\);", lines[0]):
        return f"JSON behind the prefix {match[0].decode()}, which protects web pages: remove it"
    return None


def _find_several(lines: Sequence[bytes]) -> str | None:
    return _SEVERAL if _most(lines, _has_several) else None


def _has_several(line: bytes) -> bool:
    """Return whether another value begins where the first object of the line has ended."""
    text = _STRING.sub(b"0", line[:_PARSED_BYTES])
    if not text.startswith(b"{"):
        return False
    depths = accumulate(_STEPS.get(byte, 0) for byte in text)
    end = next((index for index, depth in enumerate(depths) if depth == 0), len(text))
    return re.match(rb"[\s,;|\x1e]*\{", text[end + 1 :]) is not None


def _find_array(lines: Sequence[bytes]) -> str | None:
    first = lines[0]
    if _ARRAY_START.match(first):
        return _ARRAY
    if first.startswith(b"[") and _most(lines, lambda line: line.startswith(b"[") and line.endswith(b"]")):
        return f"JSON arrays: {_WANTED}, so each value needs its key"
    if _most(lines, lambda line: line.startswith(b"{") and line.endswith((b"},", b"};"))):
        return f"JSON objects with a comma behind each: {_WANTED}, so remove the commas"
    return None


def _find_pretty(lines: Sequence[bytes]) -> str | None:
    member = re.compile(rb'"(?:[^"\\]|\\.)*"\s*:|[\]}{\[],?$|(".*"|[-\d.eE+]+|true|false|null),?$', re.DOTALL)
    if re.fullmatch(rb'[{\[]|\{\s*"[^"]*"\s*:.*[,{\[]', lines[0], re.DOTALL) and len(lines) > 1:
        return _PRETTY if _most(lines[1:], lambda line: member.match(line[:_END_BYTES]) is not None) else None
    return None


def _find_by_line(lines: Sequence[bytes]) -> str | None:
    for pattern, hint in _LINES:
        if _most(lines, lambda line, pattern=pattern: re.match(pattern, line[:_END_BYTES]) is not None):  # type: ignore[misc]
            return hint
    for pattern, hint in _ANYWHERE:
        wanted = re.compile(pattern)
        if _most(lines, lambda line, wanted=wanted: line.startswith(b"{") and _has(wanted, line)):  # type: ignore[misc]
            return hint
    return None


def _has(wanted: "re.Pattern[bytes]", line: bytes) -> bool:
    return wanted.search(_STRING.sub(b"0", line[:_END_BYTES])) is not None


def _find_yaml(lines: Sequence[bytes]) -> str | None:
    pair = re.compile(rb"(- )?[A-Za-z_][\w .-]*:( |$)|---|- ")
    if len(lines) > 1 and _most(lines, lambda line: pair.match(line) is not None):
        return f"YAML or other 'key: value' lines: {_WANTED}"
    return None


def _most(lines: Sequence[bytes], is_so: Callable[[bytes], bool]) -> bool:
    return sum(map(is_so, lines)) * 2 > len(lines)


_FINDERS: tuple[_Finder, ...] = (
    _find_bytes,
    _find_prefix,
    _find_carriage_returns,
    _find_array,
    _find_pretty,
    _find_several,
    _find_by_line,
)
