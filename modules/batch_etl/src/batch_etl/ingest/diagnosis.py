"""Why no line of a run is valid, as far as the rejected lines show it."""

import difflib
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from batch_etl.ingest.json_text import parse_json

_SHOWN_FIELDS, _SHOWN_REASONS = 10, 3
_FIELD_CHARACTERS = 50


def explain_none_valid(
    invalid: Counter[str], samples: Iterable[bytes], hint: str, fields: Sequence[str], *, is_complete: bool
) -> str:
    """Return why all lines were rejected: the codes, the fields that they have, a guess at the cause.

    Args:
        invalid: the number of lines by reject code.
        samples: some of the lines.
        hint: what a file of theirs is instead of JSON lines; empty when unknown.
        fields: those that a record should have.
        is_complete: whether all lines were read.
    """
    reasons = [f"{code} ({count:,})" for code, count in invalid.most_common(_SHOWN_REASONS)]
    lines = f"all {invalid.total():,} lines" if invalid.total() > 1 else "the only line"
    verb = "that were read were" if not is_complete else "were" if invalid.total() > 1 else "was"
    parts = [f"{lines} {verb} rejected: {', '.join(reasons)}"]
    objects = [value for value in map(_parse, samples) if isinstance(value, dict)]
    if hint:
        parts.append(hint)
    elif objects:
        names = list(Counter(name for each in objects for name in each))
        parts.append(f"fields seen: {', '.join(map(_show, names[:_SHOWN_FIELDS]))}")
        parts += _guess_fields(objects, names, frozenset(fields))
    return "; ".join(parts)


def join_names(names: Sequence[str]) -> str:
    """Return names as a sentence has them: "a, b and c"."""
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last


def _show(name: str) -> str:
    """Return the name of a field, in quotes where its borders would be unclear."""
    name = name[:_FIELD_CHARACTERS]
    return name if name.isprintable() and name.strip() == name != "" and "," not in name else repr(name)


def _parse(text: bytes) -> Any:
    try:
        return parse_json(text)
    except ValueError:
        return None


def _guess_fields(
    objects: Sequence[dict[str, Any]], names: Sequence[str], fields: frozenset[str]
) -> list[str]:
    """Return what fields of other names may be meant to be those that are missing everywhere."""
    around = Counter(
        name
        for each in objects
        for name, value in each.items()
        if isinstance(value, dict) and value.keys() >= fields
    )
    if around:
        return [f"{join_names(sorted(fields))} are inside {around.most_common(1)[0][0]!r}, not at the top"]
    others = [name for name in names if name not in fields]
    pairs = [(field, _find_near(field, others)) for field in sorted(fields.difference(names))]
    return [f"is {near[:_FIELD_CHARACTERS]!r} meant to be {field!r}?" for field, near in pairs if near]


def _find_near(field: str, names: Sequence[str]) -> str:
    """Return the name that differs least from ``field``: only in case or signs, as a part, in letters."""
    wanted = _fold(field)
    folded = {_fold(name): name for name in reversed(names)}
    if wanted in folded:
        return folded[wanted]
    parts = [name for text, name in folded.items() if len(text) >= 3 and (text in wanted or wanted in text)]
    near = difflib.get_close_matches(wanted, folded, n=1, cutoff=0.6)
    return parts[-1] if parts else folded[near[0]] if near else ""


def _fold(name: str) -> str:
    return "".join(filter(str.isalnum, name.casefold()))
