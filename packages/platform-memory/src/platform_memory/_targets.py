"""The types of the placeholders of a statement, as far as its text shows them."""

import re
from collections.abc import Callable, Iterator

from platform_memory._types import find_type

Columns = dict[str, str]
"""The types of a table's columns by name, in their order."""

# Patterns for masked text, see ``_statement``.
_TYPE = r"((?:double\s+precision|character\s+varying|timestamp\s+with(?:out)?\s+time\s+zone|\w+)"
_TYPE += r"(?:\s*\([\d\s,]*\))?(?:\s*\[\d*\])?)"
_CASTS = (
    re.compile(rf"\$(\d+)\s*::\s*{_TYPE}", re.IGNORECASE),
    re.compile(rf"\bcast\s*\(\s*\$(\d+)\s+as\s+{_TYPE}\s*\)", re.IGNORECASE),
)
_TABLE = re.compile(r"\b(?:from|join|into|update|using)\s+((?:\w+\s*\.\s*)?\w+)", re.IGNORECASE)
_NOT_IN_EXPRESSION = r"(?:\b(?:where|and|or|on|not|when|having|set)\b|[(,])\s*(?:\w+\s*\.\s*)?"
_OPERATOR = r"(?:=|<>|!=|<=|>=|<|>)"
_ALONE = r"\b(?!\s*(?:::|[.\[+\-*/|(]))"
_COMPARED = re.compile(rf"{_NOT_IN_EXPRESSION}(\w+)\s*{_OPERATOR}\s*\$(\d+){_ALONE}", re.IGNORECASE)
_COMPARED_BACK = re.compile(
    rf"(?:\b(?:where|and|or|on|not|when|having)\b|[(])\s*\$(\d+)\s*{_OPERATOR}\s*(?:\w+\s*\.\s*)?(\w+){_ALONE}",
    re.IGNORECASE,
)
_LISTED = re.compile(
    rf"{_NOT_IN_EXPRESSION}(\w+)\s+(?:not\s+)?(?:in\s*\(([^()]*)\)|between\s+(\$\d+\s+and\s+\$\d+){_ALONE})",
    re.IGNORECASE,
)
_ANY = re.compile(
    rf"{_NOT_IN_EXPRESSION}(\w+)\s*{_OPERATOR}\s*(?:any|all)\s*\(\s*\$(\d+)\s*\)", re.IGNORECASE
)
_INSERT = re.compile(
    r"\binsert\s+into\s+((?:\w+\s*\.\s*)?\w+)\s*(?:as\s+\w+\s*)?(?:\(([^()]*)\))?\s*values\s*", re.IGNORECASE
)
_PLACEHOLDER = re.compile(r"\$(\d+)")


def find_casts(masked: str) -> dict[int, str]:
    """Return the types that placeholders are cast to, by their numbers."""
    found = {
        int(match[1]): find_type(re.sub(r"\(.*\)", "", match[2]))
        for p in _CASTS
        for match in p.finditer(masked)
    }
    return {number: kind for number, kind in found.items() if kind}


def find_column_types(query: str, masked: str, read_columns: Callable[[str], Columns]) -> dict[int, str]:
    """Return the types of placeholders that stand for the value of a column, by their numbers."""
    if not _PLACEHOLDER.search(masked):
        return {}
    tables = {query[slice(*match.span(1))] for match in _TABLE.finditer(masked)}
    kinds: dict[str, set[str]] = {}
    for table in tables:
        for name, kind in read_columns(table).items():
            kinds.setdefault(name, set()).add(kind)
    known = {name: next(iter(several)) for name, several in kinds.items() if len(several) == 1}
    found = {number: known.get(_plain(name), "") for number, name in _compared(query, masked)}
    for match in _ANY.finditer(masked):
        kind = known.get(_plain(query[slice(*match.span(1))]), "")
        found[int(match[2])] = kind and f"{kind}[]"
    found |= dict(_inserted(query, masked, read_columns))
    return {number: kind for number, kind in found.items() if kind}


def _compared(query: str, masked: str) -> Iterator[tuple[int, str]]:
    for match in _COMPARED.finditer(masked):
        yield int(match[2]), query[slice(*match.span(1))]
    for match in _COMPARED_BACK.finditer(masked):
        yield int(match[1]), query[slice(*match.span(2))]
    for match in _LISTED.finditer(masked):
        for item in re.split(r",|\band\b", match[2] or match[3], flags=re.IGNORECASE):
            if number := _PLACEHOLDER.fullmatch(item.strip()):
                yield int(number[1]), query[slice(*match.span(1))]


def _inserted(query: str, masked: str, read_columns: Callable[[str], Columns]) -> Iterator[tuple[int, str]]:
    for match in _INSERT.finditer(masked):
        columns = read_columns(query[slice(*match.span(1))])
        names = list(columns)
        if match[2] is not None:
            names = [_plain(name) for name in query[slice(*match.span(2))].split(",")]
        for values in _split_rows(masked[match.end() :]):
            for name, value in zip(names, values, strict=False):
                if number := _PLACEHOLDER.fullmatch(value.strip()):
                    yield int(number[1]), columns.get(name, "")


def _split_rows(text: str) -> Iterator[list[str]]:
    """Yield the values of each row of a VALUES list, which ``text`` begins with."""
    depth, values, start = 0, [], 0
    for index, character in enumerate(text):
        if depth == 0 and character not in "(, \t\r\n":
            return
        if depth == 1 and character in ",)":
            values.append(text[start:index])
            start = index + 1
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == "(" and depth == 1:
            values, start = [], index + 1
        if character == ")" and depth == 0:
            yield values


def _plain(name: str) -> str:
    """Return a column's name as the catalog has it; DuckDB compares names without their case."""
    return name.strip().strip('"').lower()
