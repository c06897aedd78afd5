"""However loads of dates and tables overlap, an undo of one of them removes exactly the rows it inserted."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from platform_interfaces import DatabaseInterface
from platform_memory import MemoryDatabase
from tests.helpers.tables import make_tables
from tests.helpers.undo import Loader, small_batches

TABLES = ("cleaned_events", "other_events")
COPY = """
    CREATE TABLE other_events (
        id BIGSERIAL PRIMARY KEY, event_type VARCHAR(255) NOT NULL, payload JSONB NOT NULL,
        source VARCHAR(255) NOT NULL, event_date DATE NOT NULL, dedup_key BYTEA NOT NULL UNIQUE,
        created_at TIMESTAMPTZ NOT NULL DEFAULT NOW()
    )
"""


@dataclass(frozen=True)
class Load:
    date: str
    table: str
    events: tuple[int, ...]

    @property
    def content(self) -> bytes:
        lines = (b'{"event_type": "e%d", "payload": {}, "source": "s"}\n' % each for each in self.events)
        return b"".join(lines)

    @property
    def rows(self) -> set[tuple[str, str, str]]:
        return {(self.table, self.date, f"e{each}") for each in self.events}


loads = st.builds(
    Load,
    st.sampled_from(["2026-01-15", "2026-01-16"]),
    st.sampled_from(TABLES),
    st.lists(st.integers(0, 9), min_size=1, max_size=8).map(tuple),
)


async def stored(db: DatabaseInterface) -> set[tuple[str, str, str]]:
    return {
        (table, row["event_date"].isoformat(), row["event_type"])
        for table in TABLES
        for row in await db.fetch_all(f"SELECT event_date, event_type FROM {table}")
    }


async def check(rounds: list[list[Load]], draw: Any, has_died: bool) -> None:
    async with MemoryDatabase() as db:
        await make_tables(db)
        await db.execute(COPY)
        loader, done = Loader(db, small_batches(3)), []
        for group in rounds:  # those of a round run at the same time
            before = await stored(db)
            runs = await asyncio.gather(*(loader.load(each.content, each.date, each.table) for each in group))
            done += [(run, each, each.rows - before) for run, each in zip(runs, group, strict=True)]
        run, load, inserted = done[draw(st.integers(0, len(done) - 1), label="undone")]
        everything = await stored(db)
        assert await loader.remove(run, has_died=has_died) == len(inserted)
        assert await stored(db) == everything - inserted
        again = await loader.load(load.content, load.date, load.table)
        assert again.figures["inserted"] == len(inserted)
        assert await stored(db) == everything


@settings(max_examples=settings().max_examples // 6)  # each of them runs up to seven loads
@given(
    st.lists(
        # Of two loads of the same date and table at once, either may insert a row: that is not known here.
        st.lists(loads, min_size=1, max_size=2, unique_by=lambda load: (load.date, load.table)),
        min_size=1,
        max_size=3,
    ),
    st.data(),
    st.booleans(),
)
def test_an_undo_removes_exactly_the_rows_of_its_run(
    rounds: list[list[Load]], data: st.DataObject, has_died: bool
) -> None:
    asyncio.run(check(rounds, data.draw, has_died))
