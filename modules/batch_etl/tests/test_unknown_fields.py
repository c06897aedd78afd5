import datetime as dt

import pytest

from batch_etl import preparation
from batch_etl.preparation import KnownTypes, Prepared, RecentKeys, prepare
from batch_etl.reader import Chunk

GOOD = b'{"event_type": "a", "payload": {"n": 1}, "source": "s"'
LINES = [
    GOOD + b"}",
    GOOD + b', "ts": 1}',
    GOOD + b', "ts": 2, "user": {}}',
    GOOD + b', "Source": null}',
    GOOD + b', "": 1}',
    GOOD + b', "source": "t"}',  # twice, so no other field
    b'{"event_type": "a", "payload": "{}", "source": "s", "ts": 1}',
    b'{"event_type": "a", "payload": {}, "ts": 1}',
    b'{"event_type": "a", "payload": {}, "sources": "s"}',
    b'{"ts": 1}',
    b"{}",
    b"[1, 2, 3, 4]",
    b"",
    b"{",
]


def prepared(policy: str) -> Prepared:
    chunk = Chunk("a", LINES, range(1, len(LINES) + 1), [0] * len(LINES))
    return prepare(chunk, KnownTypes(dt.date(2026, 1, 15), policy), RecentKeys())


def figures(found: Prepared) -> tuple[object, ...]:
    rejects = [(each.line, [reason.code for reason in each.reasons]) for each in found.rejects]
    names = dict[str, int]()
    for name, lines in found.unknown.names():
        names[name] = names.get(name, 0) + lines
    unknown = found.unknown
    return (
        rejects,
        found.duplicates,
        list(found.unique),
        names,
        unknown.lines,
        unknown.duplicates,
        unknown.unique,
    )


@pytest.mark.parametrize("policy", ["warn", "reject", "ignore"])
def test_the_fast_path_and_the_careful_one_find_the_same_fields(
    monkeypatch: pytest.MonkeyPatch, policy: str
) -> None:
    fast = figures(prepared(policy))
    monkeypatch.setattr(preparation, "_read_at_first_sight", lambda *_: None)
    assert figures(prepared(policy)) == fast


def test_fields_are_counted_for_accepted_lines_only() -> None:
    _, duplicates, _, names, lines, duplicates_with_some, unique = figures(prepared("warn"))
    assert names == {"ts": 3, "user": 1, "Source": 1, "": 1}
    assert (lines, duplicates, duplicates_with_some, unique) == (5, 5, 4, (1,))


def test_a_line_is_rejected_for_all_its_reasons_the_unknown_fields_last() -> None:
    rejects = dict(figures(prepared("reject"))[0])  # type: ignore[call-overload]
    assert rejects[2] == ["unknown_fields"]
    assert rejects[9] == ["missing_source", "unknown_fields"]
    assert 6 not in rejects


def test_nothing_is_counted_where_fields_are_ignored() -> None:
    assert figures(prepared("ignore"))[3:6] == ({}, 0, 0)
