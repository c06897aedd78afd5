"""PostgreSQL's SQL in DuckDB's words; what means the same to both passes unchanged."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count, pairwise

import duckdb
from duckdb import StatementType, token_type

from platform_memory._jsonb import normalize

_SERIALS = {
    "smallserial": "SMALLINT",
    "serial2": "SMALLINT",
    "serial": "INTEGER",
    "serial4": "INTEGER",
    "bigserial": "BIGINT",
    "serial8": "BIGINT",
}
# Patterns for masked text, where every literal and quoted name is one word; group 1 is a column's name.
_COLUMN = r"(?:[(,]|\b(?:add|column|exists)\b)\s*(?!column\b)(\w+)\s+"
_SERIAL = re.compile(rf"{_COLUMN}({'|'.join(_SERIALS)})\b", re.IGNORECASE)
_VARCHAR = re.compile(
    r"[(,]\s*(\w+)\s+(?:varchar|character\s+varying)\s*\(\s*(\d+)\s*\)(?!\s*\[)", re.IGNORECASE
)
_NUMERIC = re.compile(
    rf"(?:::\s*|\btype\s+|{_COLUMN})(?:numeric|decimal)\b(?!\s*\()|\bas\s+(?:numeric|decimal)(?=\s*\))",
    re.IGNORECASE,
)
_ARROW = re.compile(r"->(?!>)")
_PLACEHOLDER = re.compile(r"\$(\d+)")
_JSON_PLACEHOLDER = re.compile(r"\$(\d+)\s*(?:::\s*jsonb?\b(?!\s*\[)|\bas\s+jsonb?\s*\))", re.IGNORECASE)
_ARRAY_PLACEHOLDER = re.compile(
    r"\b(?:any|all|some|unnest)\s*\(\s*\$(\d+)|\$(\d+)\s*::\s*\w+(?:\s+\w+)?\s*(?:\([\d\s,]*\)\s*)?\[",
    re.IGNORECASE,
)
_JSON_LITERAL = re.compile(r"(_+)\s*::\s*jsonb\b(?!\s*\[)", re.IGNORECASE)
_RETURNING = re.compile(r"\breturning\b", re.IGNORECASE)
_TRUNCATE = re.compile(r"\s*truncate\b", re.IGNORECASE)
_CHANGING = re.compile(r"\b(?:insert|update|delete|merge|nextval|setval)\b", re.IGNORECASE)
_DML = {StatementType.INSERT, StatementType.UPDATE, StatementType.DELETE, StatementType.MERGE_INTO}
_READS = {StatementType.SELECT, StatementType.EXPLAIN}

_serial_numbers = count(1)


@dataclass(frozen=True)
class Statement:
    """One statement, ready for DuckDB."""

    text: str
    kind: StatementType
    placeholders: int
    json_placeholders: frozenset[int]
    array_placeholders: frozenset[int]
    query: str
    masked: str
    """``query``, with ``_`` for literals and quoted names and blanks for comments."""
    returns_rows: bool
    changes_data: bool
    hashing_text: str | None
    """The same statement returning a hash of each row it changes, unless it returns rows itself."""


def translate(parsed: duckdb.Statement) -> Statement:
    """Translate ``parsed``, from DuckDB's parser, so that it does what PostgreSQL would do."""
    query, kind = parsed.query.rstrip("; \n"), parsed.type
    masked = _mask(query)
    text = _rewrite(query, masked, kind)
    returns_rows = bool(_RETURNING.search(masked)) if kind in _DML else kind in _READS
    is_hashable = kind in _DML and not returns_rows and not _TRUNCATE.match(masked)
    return Statement(
        text=text,
        kind=kind,
        placeholders=max(_numbers(_PLACEHOLDER, masked), default=0),
        json_placeholders=frozenset(_numbers(_JSON_PLACEHOLDER, masked)),
        array_placeholders=frozenset(_numbers(_ARRAY_PLACEHOLDER, masked)),
        query=query,
        masked=masked,
        returns_rows=returns_rows,
        changes_data=kind not in _READS or bool(_CHANGING.search(masked)),
        hashing_text=f"{text}\nRETURNING hash(*COLUMNS(*))" if is_hashable else None,
    )


def _mask(query: str) -> str:
    """Return ``query`` at its length, with ``_`` for literals and quoted names and blanks for comments."""
    text = query.encode()  # offsets of tokens count bytes
    tokens = [*duckdb.tokenize(query), (len(text), token_type.operator)]
    masked = [text[: tokens[0][0]].decode()]
    for (start, kind), (end, _) in pairwise(tokens):
        token = text[start:end].decode()
        word = token.rstrip()
        if kind is token_type.comment:
            masked.append(" " * len(token))
        elif kind is token_type.string_const or word.startswith('"'):
            masked.append("_" * len(word) + token[len(word) :])
        else:
            masked.append(token)
    return "".join(masked)


def _numbers(pattern: re.Pattern[str], masked: str) -> Iterator[int]:
    return (int(match[match.lastindex or 0]) for match in pattern.finditer(masked))


def _rewrite(query: str, masked: str, kind: StatementType) -> str:
    for start, end, text in sorted(_edits(query, masked, kind), reverse=True):
        query = query[:start] + text + query[end:]
    return query


def _edits(query: str, masked: str, kind: StatementType) -> Iterator[tuple[int, int, str]]:
    """Yield start, end and new text of what is replaced in ``query``."""
    for match in _ARROW.finditer(masked):  # DuckDB's own binds like the arrow of a lambda
        yield (*match.span(), "@->")
    for match in _JSON_LITERAL.finditer(masked):
        yield (*match.span(1), _normalize_literal(query[slice(*match.span(1))]))
    for match in _NUMERIC.finditer(masked):  # without a precision, DuckDB's has three decimals
        yield (match.end(), match.end(), "(38, 10)")
    if kind in (StatementType.CREATE, StatementType.ALTER):
        for match in _SERIAL.finditer(masked):
            sequence = f"serials.serial_{next(_serial_numbers)}"
            yield (0, 0, f"CREATE SEQUENCE {sequence}; ")
            yield (*match.span(2), f"{_SERIALS[match[2].lower()]} NOT NULL DEFAULT nextval('{sequence}')")
    if kind is StatementType.CREATE:
        for match in _VARCHAR.finditer(masked):  # DuckDB takes the length and ignores it
            name = query[slice(*match.span(1))]
            too_long = f"error('value too long for type character varying({match[2]})')"
            check = f" CHECK (CASE WHEN length({name}) > {match[2]} THEN {too_long} ELSE TRUE END)"
            yield (match.end(), match.end(), check)


def _normalize_literal(literal: str) -> str:
    text = literal[1:-1].replace("''", "'")
    try:
        return "'" + normalize(text).replace("'", "''") + "'" if literal.startswith("'") else literal
    except (ValueError, RecursionError):  # for DuckDB to report
        return literal
