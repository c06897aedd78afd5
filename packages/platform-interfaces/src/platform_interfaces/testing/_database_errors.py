"""What errors show, and what they must not show."""

from __future__ import annotations

import traceback
from collections.abc import Awaitable, Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest

from platform_interfaces import DatabaseError, DatabaseInterface, DataError
from platform_interfaces.testing._support import insert

MANY = 1500  # rows: an adapter may have a way of its own for many


def _among_many(row: dict[str, Any]) -> list[dict[str, Any]]:
    return [*({"name": f"{number:04}", "payload": None} for number in range(MANY)), row]


async def _in_a_stream(db: DatabaseInterface, value: Any) -> None:
    await anext(db.stream("SELECT $1::text::integer AS n", [value]))


async def _in_a_transaction(db: DatabaseInterface, value: Any) -> None:
    async with db.transaction():
        await insert(db, value)


# Each meets an error because of a value: the name is there already, or it fits no column.
FAILING_CALLS: dict[str, Callable[[DatabaseInterface, str], Awaitable[Any]]] = {
    "unique": lambda db, value: insert(db, value),
    "unique in a transaction": _in_a_transaction,
    "unique in bulk": lambda db, value: db.bulk_insert("items", [{"name": "x"}, {"name": value}]),
    "unique among many": lambda db, value: db.bulk_insert(
        "items", _among_many({"name": value, "payload": None})
    ),
    "not null": lambda db, value: db.execute(
        "INSERT INTO items (name, payload) VALUES (NULL, $1)", [{"k": value}]
    ),
    "not null in bulk": lambda db, value: db.bulk_insert("items", [{"name": None, "payload": {"k": value}}]),
    "not null among many": lambda db, value: db.bulk_insert(
        "items", _among_many({"name": None, "payload": {"k": value}})
    ),
    "too long": lambda db, value: insert(db, value * 20),
    "too long in bulk": lambda db, value: db.bulk_insert("items", [{"name": value * 20}]),
    "too long among many": lambda db, value: db.bulk_insert(
        "items", _among_many({"name": value * 20, "payload": None})
    ),
    "no integer": lambda db, value: db.fetch_one("SELECT $1::text::integer AS n", [value]),
    "wrong type": lambda db, value: db.execute("DELETE FROM items WHERE id = $1", [value]),
    "wrong type in bulk": lambda db, value: db.bulk_insert("items", [{"id": value, "name": "x"}]),
    "stream": _in_a_stream,
}


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield the error and what a traceback shows as having led to it."""
    while error is not None:
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


class DatabaseErrorCases:
    """Errors go to logs and to people who may not see the data: they name columns, never values."""

    @pytest.mark.usefixtures("items")
    @pytest.mark.parametrize("call", FAILING_CALLS.values(), ids=FAILING_CALLS.keys())
    async def test_no_error_shows_a_value_of_a_row(
        self, db: DatabaseInterface, call: Callable[[DatabaseInterface, str], Awaitable[Any]]
    ) -> None:
        value = f"canary{uuid4().hex}"
        await insert(db, value)
        with pytest.raises(DatabaseError) as caught:
            await call(db, value)
        assert isinstance(caught.value, DataError)
        assert caught.value.is_transient is False
        shown = "".join(traceback.format_exception(caught.value))
        for error in _chain(caught.value):
            shown += f"{error!r} {error.args!r} {vars(error)!r}"
        assert value not in shown

    @pytest.mark.usefixtures("items")
    async def test_errors_of_statements_are_not_those_a_retry_helps(self, db: DatabaseInterface) -> None:
        await insert(db, "a")
        for query in ("SELEC 1", "SELECT * FROM no_such_table", "INSERT INTO items (name) VALUES ('a')"):
            with pytest.raises(DatabaseError) as caught:
                await db.execute(query)
            assert caught.value.is_transient is False
