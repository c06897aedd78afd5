"""Many rows into one table, in few round trips."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from platform_interfaces import Columns, quote_identifiers, quote_table, split_table
from platform_postgres._bulk.encode import encode_copies
from platform_postgres._bulk.plan import Plan, Way
from platform_postgres._errors import translate_errors
from platform_postgres._numbers import refuse_changes
from platform_postgres._rows import count_affected

if TYPE_CHECKING:
    from platform_postgres._connection import Connection

_STAGING = "pg_temp._platform_staging"


class BulkInsert:
    """One call of ``bulk_insert``; the caller holds the transaction, and rolls back on an error."""

    def __init__(
        self,
        connection: Connection,
        plan: Plan,
        rows: Sequence[Mapping[str, Any]],
        *,
        key: Sequence[str],
        batch_size: int | None,
    ) -> None:
        """Keep the arguments, which ``check_bulk_insert`` has checked; ``rows`` are not empty."""
        self._connection = connection
        self._plan = plan
        self._columns = quote_identifiers(plan.columns)
        self._rows = rows
        self._key = quote_identifiers(key)
        self._batch_size = batch_size or len(rows)

    async def run(self) -> int:
        """Insert the rows; return how many were stored.

        With a key they go through a temporary table, because COPY has no ON CONFLICT.

        Raises:
            ValueError: when a row has other columns than the first.
        """
        if not self._key:
            return await self._write(self._plan.table)
        await self._create_staging()
        await self._write(_STAGING)
        return await self._move_staged()

    async def _write(self, table: str) -> int:
        """Send the rows to ``table`` part by part; while one is sent, the next is encoded."""
        stored, sending = 0, None
        try:
            async for part in self._encode():
                if sending is not None:
                    stored += await sending
                sending = asyncio.create_task(self._send(table, part))
            return stored + (await sending if sending is not None else 0)
        except BaseException:
            if sending is not None:  # it uses the connection until it has ended
                await asyncio.gather(sending, return_exceptions=True)
            raise

    async def _encode(self) -> AsyncIterator[bytearray | Columns]:
        """Yield what to send: the data of COPYs, or rows that the driver encodes."""
        plan = self._plan
        if plan.way is Way.COPY:
            async for part in encode_copies(plan.encoders, plan.columns, self._rows, self._batch_size):
                yield part
            return
        for start in range(0, len(self._rows), self._batch_size):
            batch = self._rows[start : start + self._batch_size]
            yield Columns.from_rows(batch, plan.columns, first_index=start)

    async def _send(self, table: str, part: bytearray | Columns) -> int:
        with translate_errors():
            if not isinstance(part, Columns):
                return await self._copy(table, part)
            await refuse_changes(self._connection, self._plan.types, map(part.column, part.names))
            if self._plan.way is Way.INSERT:
                return await self._insert(table, part)
            return await self._copy_by_driver(table, part)

    async def _copy(self, table: str, data: bytearray) -> int:
        # In one piece: of an iterator, the driver waits for ever when the connection is lost between two
        # pieces, and goes on to the end when the server has refused the rows.
        schema, name = split_table(table)
        status = await self._connection.copy_to_table(
            name,
            schema_name=schema,
            columns=self._plan.columns,
            format="binary",
            source=data,  # type: ignore[arg-type]  # a buffer is documented, and not typed
        )
        return count_affected(status)

    async def _copy_by_driver(self, table: str, rows: Columns) -> int:
        schema, name = split_table(table)
        status = await self._connection.copy_records_to_table(
            name, schema_name=schema, columns=rows.names, records=_make_records(rows)
        )
        return count_affected(status)

    async def _insert(self, table: str, rows: Columns) -> int:
        """Send each row as an INSERT; return how many were sent, though a trigger may skip some of them."""
        values = ", ".join(f"${number}" for number in range(1, len(rows.names) + 1))
        statement = await self._connection.prepare(
            f"INSERT INTO {quote_table(table)} ({self._columns}) VALUES ({values})"
        )
        await statement.executemany(_make_records(rows))
        return len(rows)

    async def _create_staging(self) -> None:
        await self._execute(
            f"CREATE TEMPORARY TABLE {quote_table(_STAGING)} ON COMMIT DROP AS "
            f"SELECT {self._columns} FROM {quote_table(self._plan.table)} WITH NO DATA"
        )

    async def _move_staged(self) -> int:
        """Insert the staged rows that clash with none on the key; return how many.

        The order of the key keeps two writers from waiting for each other's rows crosswise.
        """
        stored = await self._execute(
            f"INSERT INTO {quote_table(self._plan.table)} ({self._columns}) "
            f"SELECT {self._columns} FROM {quote_table(_STAGING)} "
            f"ORDER BY {self._key} ON CONFLICT ({self._key}) DO NOTHING"
        )
        await self._execute(f"DROP TABLE {quote_table(_STAGING)}")
        return stored

    async def _execute(self, statement: str) -> int:
        with translate_errors():
            return count_affected(await self._connection.execute(statement))


def _make_records(rows: Columns) -> Iterator[tuple[Any, ...]]:
    return zip(*map(rows.column, rows.names), strict=True)
