import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

import platform_migrate
from batch_etl.main import run
from platform_interfaces import ConfigurationError, PlatformContext
from platform_memory import MemoryDatabase, MemoryFileSystem, MemoryLogger
from tests.helpers.data_factory import events_to_jsonl, make_event, make_events, make_invalid_event

FIXTURES = Path(__file__).parent / "fixtures"
FOLDER = "raw/events/2026-01-15"
MakeContext = Callable[..., PlatformContext]


@pytest.fixture
async def make_ctx() -> AsyncIterator[MakeContext]:
    """Return a maker of contexts on the same adapters, from the arguments that differ."""
    fs = MemoryFileSystem()
    async with MemoryDatabase() as db:
        await platform_migrate.up(db)

        def make(**changes: Any) -> PlatformContext:
            config = {
                "date": "2026-01-15",
                "source-path": "raw/events",
                "target-table": "cleaned_events",
                "batch-size": 500,
                "dry-run": False,
            }
            config |= {key.replace("_", "-"): value for key, value in changes.items()}
            return PlatformContext(log=MemoryLogger(), db=db, fs=fs, config=config)

        yield make


@pytest.fixture
def ctx(make_ctx: MakeContext) -> PlatformContext:
    return make_ctx()


def totals(ctx: PlatformContext) -> dict[str, Any]:
    """Return the fields of the last event, which must be the summary."""
    assert isinstance(ctx.log, MemoryLogger)
    last = ctx.log.events[-1]
    assert (last.level, last.message) == ("info", "Batch ETL complete")
    fields = dict(last.fields)
    assert fields["lines"] == fields["blank"] + fields["raw"]
    assert fields["raw"] == fields["valid"] + fields["invalid"]
    assert fields["invalid"] == sum(fields["invalid_by_reason"].values())
    assert fields["valid"] == fields["duplicates"] + fields["unique"]
    return fields


async def count_rows(ctx: PlatformContext) -> int:
    row = await ctx.db.fetch_one("SELECT COUNT(*) AS n FROM cleaned_events")
    assert row is not None
    return int(row["n"])


class StuckFileSystem(MemoryFileSystem):
    """Gives the first lines of a file, and then no more."""

    def __init__(self) -> None:
        super().__init__()
        self.is_stuck = asyncio.Event()

    async def stream(self, path: str, *, offset: int = 0) -> AsyncGenerator[bytes, None]:
        yield events_to_jsonl(make_events(10))
        self.is_stuck.set()
        await asyncio.Event().wait()


async def test_a_run_that_is_interrupted_logs_its_totals_so_far(ctx: PlatformContext) -> None:
    fs, log = StuckFileSystem(), MemoryLogger()
    await fs.write(f"{FOLDER}/a.jsonl", b"x")
    task = asyncio.create_task(run(PlatformContext(log=log, db=ctx.db, fs=fs, config=ctx.config)))
    await fs.is_stuck.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    last = log.events[-1]
    assert last.message == "Batch ETL was interrupted: run again to complete it; the totals so far"
    assert last.fields["lines"] == last.fields["inserted"]  # none was read and not accounted for


async def test_run_success(ctx: PlatformContext) -> None:
    await ctx.fs.write(f"{FOLDER}/batch_0.jsonl", events_to_jsonl(make_events(10)))
    assert await run(ctx) == 0
    rows = await ctx.db.fetch_all("SELECT * FROM cleaned_events ORDER BY id")
    assert sorted(row["payload"]["id"] for row in rows) == list(range(10))
    assert {row["event_type"] for row in rows} == {"page_view"}
    assert {str(row["event_date"]) for row in rows} == {"2026-01-15"}
    assert totals(ctx) | {"inserted": 10, "skipped": 0, "raw": 10} == totals(ctx)


async def test_run_no_data(ctx: PlatformContext) -> None:
    assert await run(ctx) == 0
    assert isinstance(ctx.log, MemoryLogger)
    assert [event.message for event in ctx.log.events if event.level == "warn"] == ["No raw data found"]
    assert "2026-01-15" in ctx.run.figures["nothing_read"]
    assert totals(ctx)["lines"] == 0


async def test_run_dry_run(make_ctx: MakeContext) -> None:
    dry, real = make_ctx(dry_run=True), make_ctx()
    for number, name in enumerate(("valid", "mixed", "duplicate")):
        data = (FIXTURES / f"{name}_events.jsonl").read_bytes()
        await dry.fs.write(f"{FOLDER}/{number}.jsonl", data)
    assert await run(dry) == 0
    assert await count_rows(dry) == 0
    assert await run(real) == 0
    assert totals(dry) == totals(real) | {"inserted": 0, "skipped": 0}


async def test_run_deduplication(ctx: PlatformContext) -> None:
    await ctx.fs.write(f"{FOLDER}/a.jsonl", (FIXTURES / "duplicate_events.jsonl").read_bytes())
    assert await run(ctx) == 0
    assert await count_rows(ctx) == 3
    assert totals(ctx) | {"duplicates": 2, "unique": 3, "inserted": 3} == totals(ctx)


async def test_run_idempotent(make_ctx: MakeContext) -> None:
    first, second = make_ctx(), make_ctx()
    await first.fs.write(f"{FOLDER}/a.jsonl", events_to_jsonl([*make_events(10), *make_events(10)]))
    assert await run(first) == 0
    before = await first.db.fetch_all("SELECT * FROM cleaned_events ORDER BY id")
    assert await run(second) == 0
    assert await second.db.fetch_all("SELECT * FROM cleaned_events ORDER BY id") == before
    assert totals(first) | {"inserted": 10, "skipped": 0, "duplicates": 10} == totals(first)
    assert totals(second) | {"inserted": 0, "skipped": 10, "duplicates": 10} == totals(second)


@pytest.mark.parametrize("batch_size", [1, 2, 7, 500])
async def test_duplicates_in_other_files_and_batches_differ_from_rows_of_earlier_runs(
    make_ctx: MakeContext, batch_size: int
) -> None:
    events = make_events(30)
    ctx = make_ctx()
    await ctx.fs.write(f"{FOLDER}/a.jsonl", events_to_jsonl(events[:10]))
    assert await run(ctx) == 0
    await ctx.fs.write(f"{FOLDER}/b.jsonl", events_to_jsonl(events[5:25]))
    await ctx.fs.write(f"{FOLDER}/c/d.jsonl", events_to_jsonl(events[20:30]))
    ctx = make_ctx(batch_size=batch_size)
    assert await run(ctx) == 0
    found = totals(ctx)
    assert (found["raw"], found["inserted"], found["skipped"], found["duplicates"]) == (40, 20, 10, 10)
    assert await count_rows(ctx) == 30


async def test_invalid_lines_cost_no_other_line(ctx: PlatformContext) -> None:
    await ctx.fs.write(f"{FOLDER}/mixed.jsonl", (FIXTURES / "mixed_events.jsonl").read_bytes())
    assert await run(ctx) == 0
    assert await count_rows(ctx) == 7
    assert totals(ctx)["invalid_by_reason"] == {
        "empty_event_type": 1,
        "malformed_payload": 1,
        "missing_event_type": 1,
    }
    assert isinstance(ctx.log, MemoryLogger)
    assert [(event.level, event.fields) for event in ctx.log.events if event.message == "Invalid line"] == [
        ("warn", {"reason": "empty_event_type", "file": f"{FOLDER}/mixed.jsonl", "line": 2}),
        ("warn", {"reason": "missing_event_type", "file": f"{FOLDER}/mixed.jsonl", "line": 3}),
        ("error", {"reason": "malformed_payload", "file": f"{FOLDER}/mixed.jsonl", "line": 4}),
    ]


async def test_every_kind_of_bad_line_is_counted_and_blank_ones_are_not_bad(ctx: PlatformContext) -> None:
    good = events_to_jsonl(make_events(2)).splitlines()
    bad = [
        b"{",
        b"[1, 2]",
        b'{"a": 1,}',
        b'{"a": NaN}',
        b"\xff\xfe",
        b'{"a": "\xed\xa0\x80"}',
        b"[" * 5000,
        b"1" * 5000,
        events_to_jsonl([make_invalid_event("missing_source")]).strip(),
    ]
    await ctx.fs.write(f"{FOLDER}/a.jsonl", b"\n".join([good[0], *bad, b"", b" \t\r", good[1]]))
    assert await run(ctx) == 0
    found = totals(ctx)
    assert (found["lines"], found["blank"], found["invalid"], found["inserted"]) == (13, 2, 9, 2)


async def test_numbers_reach_the_database_as_they_were_written(ctx: PlatformContext) -> None:
    payload = '{"big":12345678901234567890123,"small":0.10,"exponent":1e400,"precise":0.1234567890123456789}'
    line = f'{{"event_type": "n", "payload": {payload}, "source": "s"}}'
    await ctx.fs.write(f"{FOLDER}/a.jsonl", line.encode())
    assert await run(ctx) == 0
    row = await ctx.db.fetch_one(
        "SELECT payload->>'big' AS big, payload->>'small' AS small, payload->>'precise' AS precise "
        "FROM cleaned_events"
    )
    assert row == {"big": "12345678901234567890123", "small": "0.10", "precise": "0.1234567890123456789"}


async def test_a_large_file_of_small_batches_is_loaded_whole(make_ctx: MakeContext) -> None:
    ctx = make_ctx(batch_size=100)
    events = [make_event(id=number, text="x" * 1000) for number in range(5000)]
    await ctx.fs.write(f"{FOLDER}/a.jsonl", events_to_jsonl(events))
    assert await run(ctx) == 0
    assert totals(ctx)["inserted"] == await count_rows(ctx) == 5000


async def test_a_file_that_vanishes_is_reported_and_the_others_load(make_ctx: MakeContext) -> None:
    ctx = make_ctx()

    class Vanishing(MemoryFileSystem):
        async def list(self, prefix: str) -> list[str]:
            return [f"{FOLDER}/gone.jsonl", *await super().list(prefix)]

    fs = Vanishing()
    await fs.write(f"{FOLDER}/here.jsonl", events_to_jsonl(make_events(3)))
    ctx = PlatformContext(log=ctx.log, db=ctx.db, fs=fs, config=ctx.config)
    assert await run(ctx) == 1
    assert totals(ctx)["inserted"] == 3
    assert isinstance(ctx.log, MemoryLogger)
    failures = [event.fields for event in ctx.log.events if event.message == "Cannot read file"]
    assert [fields["file"] for fields in failures] == [f"{FOLDER}/gone.jsonl"]


async def test_every_file_has_its_own_account(ctx: PlatformContext) -> None:
    await ctx.fs.write(f"{FOLDER}/a.jsonl", events_to_jsonl(make_events(5)))
    await ctx.fs.write(f"{FOLDER}/b.jsonl", events_to_jsonl([*make_events(7), make_invalid_event()]) + b"\n")
    assert await run(ctx) == 0
    assert isinstance(ctx.log, MemoryLogger)
    files = {
        event.fields["file"]: event.fields for event in ctx.log.events if event.message == "File complete"
    }
    counts = ("lines", "blank", "invalid", "duplicates", "inserted", "skipped")
    assert [files[f"{FOLDER}/a.jsonl"][name] for name in counts] == [5, 0, 0, 0, 5, 0]
    assert [files[f"{FOLDER}/b.jsonl"][name] for name in counts] == [9, 1, 1, 5, 2, 0]
    assert [totals(ctx)[name] for name in counts] == [14, 1, 1, 5, 7, 0]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"date": "20260115"}, "--date"),
        ({"date": "2026-02-30"}, "--date"),
        ({"date": "2026-W03-4"}, "--date"),
        ({"date": "٢٠٢٦-٠١-١٥"}, "--date"),
        ({"date": "2026-01-15\n"}, "--date"),
        ({"source_path": "../secret"}, "--source-path"),
        ({"source_path": "/etc"}, "--source-path"),
        ({"target_table": "x; DROP TABLE cleaned_events"}, "--target-table"),
        ({"batch_size": 0}, "--batch-size"),
        ({"date": "x", "batch_size": -1}, "--date.*--batch-size"),
    ],
)
async def test_arguments_with_invalid_values_are_refused_before_anything_is_read(
    make_ctx: MakeContext, changes: dict[str, Any], message: str
) -> None:
    """Bad input 69."""
    with pytest.raises(ConfigurationError, match=message):
        await run(make_ctx(**changes))
