"""Which rows the table has already, and whether this run or an earlier one has written them."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from batch_etl.ingest.columns import BYTES, EVENT_DATE
from batch_etl.ingest.met_pages import PAGE_BITS, pack_pages
from batch_etl.ingest.outcome import Outcome
from batch_etl.ingest.table import MAX_RUN_SPAN, TargetTable
from platform_interfaces import DatabaseInterface

_FULL_PAGE = bytearray(b"\1" * 2**PAGE_BITS)


@dataclass(frozen=True, slots=True)
class ExistingRows:
    """Rows that the table has of those that were looked for: those of one write and of one page of ids.

    Attributes:
        written_at: the ``created_at`` of the write; None when it was before this run.
        id_page: the upper bits of the ids.
        id_slots: the lower bits of each.
        row_indexes: the index of each among the keys that were looked for.
    """

    written_at: dt.datetime | None
    id_page: int
    id_slots: list[int]
    row_indexes: list[int]


class Finder:
    """Looks rows up in the table by their keys."""

    def __init__(self, db: DatabaseInterface, table: TargetTable, started_at: dt.datetime) -> None:
        self._db, self._table, self._started_at = db, table, started_at
        self._unique_key: tuple[str, ...] = ()  # asked for when it is needed first

    async def find_unique_key(self) -> tuple[str, ...]:
        """Return the columns of the unique key of the table."""
        self._unique_key = self._unique_key or await self._table.find_key()
        return self._unique_key

    async def find(self, keys: Sequence[Any]) -> list[ExistingRows]:
        """Return the rows that have one of ``keys``, which are all different."""
        # Row by row, for a planner would rather read a whole table of some hundred thousand rows.
        is_in_date = EVENT_DATE in await self.find_unique_key()
        wanted, key, value = self._describe_keys(keys)
        query = f"""
            SELECT
                CASE WHEN created_at > $2 AND created_at <= $3 THEN created_at END AS written_at,
                id >> {PAGE_BITS} AS id_page,
                array_agg(id & {2**PAGE_BITS - 1}) AS id_slots,
                array_agg(wanted.row_index - 1) AS row_indexes
            FROM {wanted} CROSS JOIN LATERAL (
                SELECT id, created_at FROM {self._table.quoted}
                WHERE {self._table.key} = {key} {f"AND {EVENT_DATE} = $4" if is_in_date else ""}
                LIMIT 1
            ) AS row_of_key
            GROUP BY written_at, id_page
        """  # noqa: S608 - quoted
        params = [value, self._started_at, self._started_at + MAX_RUN_SPAN]
        rows = await self._db.fetch_all(query, [*params, self._table.event_date] if is_in_date else params)
        return [ExistingRows(**row) for row in rows]

    def _describe_keys(self, keys: Sequence[Any]) -> tuple[str, str, Any]:
        """Return a relation of the keys, one of its keys, and its parameter; ``row_index`` counts from 1."""
        key_type = self._table.key_type
        sizes = set(map(len, keys)) if key_type is BYTES else set[int]()
        if len(sizes) != 1 or 0 in sizes:
            relation = f"unnest($1::{key_type.names[0]}[]) WITH ORDINALITY AS wanted (key, row_index)"
            return relation, "wanted.key", list(keys)
        # Digests are one value, which the server cuts: a driver takes long for each item of an array.
        [size] = sizes
        relation = f"generate_series(1, octet_length($1::bytea) / {size}) AS wanted (row_index)"
        return relation, f"substr($1::bytea, {size} * (wanted.row_index - 1) + 1, {size})", b"".join(keys)


class MetRows:
    """The rows of earlier runs that this run has met, one byte for each ``id`` in pages that are not full."""

    def __init__(self) -> None:
        self._pages = defaultdict[int, bytearray](partial(bytearray, 2**PAGE_BITS))

    def add(self, id_page: int, id_slots: Sequence[int]) -> list[int]:
        """Return the indexes of the slots that were met before; they are all different."""
        page = self._pages[id_page]
        met_before = [index for index, slot in enumerate(id_slots) if page[slot]]
        for slot in id_slots:
            page[slot] = 1
        if 0 not in page:
            self._pages[id_page] = _FULL_PAGE  # one for all, for a rerun fills nearly all of them
        return met_before

    def pack(self) -> bytes:
        """Return the ids of the rows for a ``MetUnion``."""
        return pack_pages(self._pages.items())

    def classify(
        self, existing: ExistingRows, last_written_at: dt.datetime, rows: Sequence[int], outcomes: bytearray
    ) -> None:
        """Set the outcomes of ``rows``, which were looked for, to what ``existing`` says of them."""
        is_of_run = existing.written_at is not None and existing.written_at <= last_written_at
        for index in existing.row_indexes:
            outcomes[rows[index]] = Outcome.DUPLICATE if is_of_run else Outcome.SKIPPED
        if not is_of_run:
            for index in self.add(existing.id_page, existing.id_slots):
                outcomes[rows[existing.row_indexes[index]]] = Outcome.DUPLICATE
