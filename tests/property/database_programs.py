"""Random programs for a database: statements and nested transactions, with errors caught here and there."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

from hypothesis import strategies as st

from platform_interfaces import DatabaseInterface, PlatformError

Trace = list[Any]
DEPTH = 3  # of transactions

_text = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=6)
_timestamps = st.datetimes(
    datetime(1900, 1, 1),  # noqa: DTZ001 - hypothesis wants it without a time zone, and adds one
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=-5)), timezone(timedelta(hours=5, minutes=45))]),
)
_json_numbers = (
    st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.decimals(-(10**12), 10**12, allow_nan=False, places=15)
)
_json = st.recursive(
    st.none() | st.booleans() | _json_numbers | _text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_text, inner, max_size=3),
    max_leaves=6,
)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "BOOLEAN": st.booleans(),
    "INTEGER": st.integers(-(2**31), 2**31 - 1),
    "BIGINT": st.integers(-(2**63), 2**63 - 1),
    "DOUBLE PRECISION": st.floats(),
    "NUMERIC(12, 3)": st.decimals(-999_999, 999_999, places=3),
    "TEXT": _text,
    "VARCHAR(6)": _text,
    "DATE": st.dates(date(1900, 1, 1)),
    "TIMESTAMPTZ": _timestamps,
    "UUID": st.uuids(),
    "BYTEA": st.binary(max_size=6),
    "JSONB": _json.filter(lambda value: value is not None),
}


class StopError(Exception):
    """Raised by a program to leave a transaction."""


@dataclass(frozen=True, kw_only=True)
class Step(ABC):
    """One step; what it gives, or the kind of its error, is added to the trace."""

    is_caught: bool = True

    @abstractmethod
    async def take(self, db: DatabaseInterface, trace: Trace) -> None:
        """Take it."""


def _in_order(value: Any) -> Any:
    """Sort the keys of the objects in the value, which a database keeps in an order of its own."""
    if isinstance(value, dict):
        return {key: _in_order(value[key]) for key in sorted(value)}
    return [_in_order(item) for item in value] if isinstance(value, list) else value


async def run(db: DatabaseInterface, steps: Sequence[Step], trace: Trace) -> None:
    """Take the steps one after the other; an error that is not caught ends it."""
    for step in steps:
        try:
            await step.take(db, trace)
        except (PlatformError, StopError) as error:
            trace.append(type(error).__name__)
            if not step.is_caught:
                raise


@dataclass(frozen=True)
class Execute(Step):
    """A statement that changes rows."""

    query: str
    params: list[Any]

    async def take(self, db: DatabaseInterface, trace: Trace) -> None:
        trace.append(await db.execute(self.query, self.params))


@dataclass(frozen=True)
class Bulk(Step):
    """Many rows."""

    rows: list[dict[str, Any]]
    skip_conflicts_on: list[str]

    async def take(self, db: DatabaseInterface, trace: Trace) -> None:
        trace.append(await db.bulk_insert("items", self.rows, skip_conflicts_on=self.skip_conflicts_on))


@dataclass(frozen=True)
class Look(Step):
    """All rows, whichever way they are asked for."""

    is_streamed: bool

    async def take(self, db: DatabaseInterface, trace: Trace) -> None:
        query = "SELECT k, u, v, w FROM items"
        if self.is_streamed:
            rows = [row async for row in db.stream(query)]
        else:
            rows = await db.fetch_all(query)
        trace.append(sorted(repr(_in_order(row)) for row in rows))


@dataclass(frozen=True)
class Block(Step):
    """A transaction."""

    steps: list[Step]
    is_stopped: bool

    async def take(self, db: DatabaseInterface, trace: Trace) -> None:
        async with db.transaction():
            await run(db, self.steps, trace)
            if self.is_stopped:
                raise StopError
        trace.append("kept")


@dataclass(frozen=True)
class Program:
    """The table to be made, and what is done with it."""

    columns: str
    steps: list[Step]

    async def trace(self, db: DatabaseInterface) -> Trace:
        """Return all that the program sees; errors end no more than the step at the top that raised them."""
        trace: Trace = []
        await db.execute(f"CREATE TABLE items ({self.columns})")
        for step in self.steps:
            with suppress(PlatformError, StopError):
                await run(db, [step], trace)
            await Look(is_streamed=True).take(db, trace)
        return trace


@st.composite
def programs(draw: st.DrawFn) -> Program:
    """Draw a program on a table with two keys and two columns of any type; transactions go three deep."""
    kinds = draw(st.tuples(st.sampled_from(sorted(VALUES)), st.sampled_from(sorted(VALUES))))
    columns = (
        f"id BIGSERIAL PRIMARY KEY, k INTEGER NOT NULL UNIQUE, u TEXT UNIQUE, v {kinds[0]}, w {kinds[1]}"
    )
    rows = _rows(*kinds)
    steps: st.SearchStrategy[Step] = st.one_of(
        _bulks(rows),
        _bulks(rows),
        _inserts(rows, *kinds),
        _changes(kinds[0]),
        st.builds(Look, st.booleans()),
        _mistakes,
    )
    for _ in range(DEPTH):
        blocks = st.builds(
            Block, st.lists(steps, min_size=1, max_size=4), st.booleans(), is_caught=st.booleans()
        )
        steps = st.one_of(steps, blocks, blocks)
    return Program(columns, draw(st.lists(steps, min_size=1, max_size=6)))


def _rows(v: str, w: str) -> st.SearchStrategy[dict[str, Any]]:
    optional = {
        "u": st.none() | _names,
        "v": st.none() | VALUES[v],
        "w": st.none() | VALUES[w],
    }
    return st.fixed_dictionaries({"k": _keys, **optional})


_keys = st.integers(0, 8)
_names = st.sampled_from("abc")
_mistakes = st.builds(
    Execute,
    st.sampled_from(
        [
            "SELECT no_such_column FROM items",
            "INSERT INTO items (k) VALUES (NULL)",
            "UPDATE items SET no_such_column = 1",
            "SELECT * FROM no_such_table",
        ]
    ),
    st.just([]),
    is_caught=st.booleans(),
)


@st.composite
def _bulks(draw: st.DrawFn, rows: st.SearchStrategy[dict[str, Any]]) -> Step:
    """Draw rows that are equal where their keys are: which of two different ones stays is not promised."""
    skip = draw(st.sampled_from([["k"], ["u"], [], ["v"]]))
    some = draw(st.lists(rows, max_size=5, unique_by=lambda row: row["k"]))
    again = draw(st.lists(st.sampled_from(some), max_size=2)) if some else []
    if skip == ["u"]:
        some, again = list({row["u"]: row for row in some}.values()), []
    return Bulk([*some, *again], skip, is_caught=draw(st.booleans()))


@st.composite
def _inserts(draw: st.DrawFn, rows: st.SearchStrategy[dict[str, Any]], v: str, w: str) -> Step:
    row = draw(rows)
    conflict = draw(st.sampled_from(["", " ON CONFLICT (k) DO NOTHING", " ON CONFLICT (u) DO NOTHING"]))
    query = f"INSERT INTO items (k, u, v, w) VALUES ($1, $2, $3{_cast(v)}, $4{_cast(w)}){conflict}"
    return Execute(query, [row[name] for name in ("k", "u", "v", "w")], is_caught=draw(st.booleans()))


def _cast(kind: str) -> str:
    """Return a cast for JSONB: in memory, it distinguishes text from JSON."""
    return "::jsonb" if kind == "JSONB" else ""


@st.composite
def _changes(draw: st.DrawFn, kind: str) -> Step:
    query, params = draw(
        st.one_of(
            st.tuples(
                st.just(f"UPDATE items SET v = $1{_cast(kind)} WHERE k >= $2"),
                st.tuples(st.none() | VALUES[kind], _keys),
            ),
            st.tuples(st.just("UPDATE items SET u = $1 WHERE k = $2"), st.tuples(_names, _keys)),
            st.tuples(st.just("DELETE FROM items WHERE k < $1"), st.tuples(_keys)),
        )
    )
    return Execute(query, list(params), is_caught=draw(st.booleans()))
