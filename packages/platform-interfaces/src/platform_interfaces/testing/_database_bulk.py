"""What many rows in one call may rely on: all or none, whatever their number."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from platform_interfaces import ConstraintError, DatabaseInterface, DataError
from platform_interfaces.testing._support import bounded, give_turns, insert, names

MANY_ROWS = 3000  # so many that an adapter's way for many rows is taken
MANY_VALUES = 80_000  # beyond 65,535, the most that PostgreSQL's protocol counts in one statement


def _rows(count: int) -> list[dict[str, Any]]:
    return [{"name": f"{number:06}"} for number in range(count)]


class DatabaseBulkCases:
    """``bulk_insert`` with as many rows as real loads have."""

    @pytest.mark.usefixtures("items")
    @pytest.mark.parametrize("batch_size", [None, 500])
    @pytest.mark.parametrize("key", [(), ("name",)], ids=["no key", "key"])
    @pytest.mark.parametrize(
        ("last", "error"),
        [({"name": None}, ConstraintError), ({"name": "n" * 256}, DataError), ({"name": 1.5}, DataError)],
        ids=["null", "too long", "wrong type"],
    )
    async def test_no_batch_is_kept_when_the_last_one_fails(
        self,
        db: DatabaseInterface,
        batch_size: int | None,
        key: Sequence[str],
        last: dict[str, Any],
        error: type[Exception],
    ) -> None:
        rows = [*_rows(MANY_ROWS), last]
        with pytest.raises(error):
            await db.bulk_insert("items", rows, skip_conflicts_on=key, batch_size=batch_size)
        assert await names(db) == []
        async with db.transaction():
            await insert(db, "before")
            with pytest.raises(error):
                await db.bulk_insert("items", rows, skip_conflicts_on=key, batch_size=batch_size)
            await insert(db, "after")
        assert await names(db) == ["after", "before"]

    @pytest.mark.usefixtures("items")
    @pytest.mark.parametrize("batch_size", [None, 500])
    async def test_no_batch_is_kept_when_a_late_row_is_there_already(
        self, db: DatabaseInterface, batch_size: int | None
    ) -> None:
        rows = _rows(MANY_ROWS)
        await insert(db, rows[-1]["name"])
        with pytest.raises(ConstraintError):
            await db.bulk_insert("items", rows, batch_size=batch_size)
        assert await names(db) == [rows[-1]["name"]]

    @pytest.mark.usefixtures("items")
    async def test_a_cancelled_bulk_insert_keeps_all_rows_or_none(self, db: DatabaseInterface) -> None:
        rows = _rows(MANY_ROWS)
        async with bounded():
            for turns in range(0, 60, 4):
                task = asyncio.create_task(db.bulk_insert("items", rows, batch_size=100))
                await give_turns(turns)
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
                assert await db.execute("DELETE FROM items") in (0, MANY_ROWS)

    @pytest.mark.usefixtures("items")
    async def test_rows_of_a_bulk_insert_are_seen_all_at_once(self, db: DatabaseInterface) -> None:
        seen: set[int] = set()

        async def watch() -> None:
            while True:
                seen.add(len(await names(db)))

        watcher = asyncio.create_task(watch())
        await give_turns(10)
        try:
            async with bounded():
                assert await db.bulk_insert("items", _rows(MANY_ROWS), batch_size=100) == MANY_ROWS
        finally:
            watcher.cancel()
            await asyncio.gather(watcher, return_exceptions=True)
        assert seen <= {0, MANY_ROWS}

    @pytest.mark.usefixtures("items")
    @pytest.mark.parametrize("batch_size", [None, 700])
    async def test_of_many_rows_only_those_really_inserted_are_counted(
        self, db: DatabaseInterface, batch_size: int | None
    ) -> None:
        rows = _rows(MANY_ROWS)
        before = rows[:500]
        assert await db.bulk_insert("items", before) == 500
        given = [*rows, *rows[::-1]]
        unchanged = [dict(row) for row in given]
        count = await db.bulk_insert("items", given, skip_conflicts_on=["name"], batch_size=batch_size)
        assert count == MANY_ROWS - 500
        assert given == unchanged
        assert await names(db) == [row["name"] for row in rows]

    @pytest.mark.usefixtures("items")
    @pytest.mark.parametrize("key", [(), ("name",)], ids=["no key", "key"])
    async def test_one_call_takes_more_values_than_one_statement(
        self, db: DatabaseInterface, key: Sequence[str]
    ) -> None:
        count = MANY_VALUES // 2
        rows = [{"name": f"{number:06}", "payload": None} for number in range(count)]
        assert await db.bulk_insert("items", rows, skip_conflicts_on=key) == count
        assert await db.fetch_one(
            "SELECT COUNT(*) AS n, MIN(name) AS first, MAX(name) AS last FROM items"
        ) == {"n": count, "first": "000000", "last": f"{count - 1:06}"}
        assert await db.bulk_insert("items", rows, skip_conflicts_on=["name"], batch_size=count) == 0
