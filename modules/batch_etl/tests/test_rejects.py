import json
from collections.abc import AsyncIterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import pytest

import platform_migrate
from batch_etl import validator
from batch_etl.codes import EventCode
from batch_etl.ingest import LIMITS, Limits
from batch_etl.main import retry, run
from platform_interfaces import (
    ConfigurationError,
    DataError,
    PlatformContext,
    read_rejects,
)
from platform_memory import MemoryDatabase, MemoryFileSystem, MemoryLogger
from tests.helpers.data_factory import events_to_jsonl, make_event, make_events

FOLDER = "raw/events/2026-01-15"
KEPT = f"rejected/{FOLDER}/rejects.jsonl"


class FussyDatabase(MemoryDatabase):
    """Refuses rows of one kind, as a server may for reasons that no test foresees."""

    async def bulk_insert(self, table: str, rows: Sequence[Mapping[str, Any]], **options: Any) -> int:
        if any(row["event_type"] == "refused" for row in rows):
            raise DataError("refused for a reason of its own")
        return await super().bulk_insert(table, rows, **options)


class Bench:
    """One memory database and file system, and runs of the job on them."""

    def __init__(self, db: MemoryDatabase) -> None:
        self.db, self.fs = db, MemoryFileSystem()
        self.log = MemoryLogger()

    async def run(
        self, data: bytes | None = None, *, is_retry: bool = False, limits: Limits = LIMITS, **changes: Any
    ) -> tuple[int, dict[str, Any]]:
        """Return the exit code and the totals of a run; ``data`` replaces the one file of the day."""
        if data is not None:
            await self.fs.write(f"{FOLDER}/a.jsonl", data)
        config = {"date": "2026-01-15", "source-path": "raw/events"} | {
            key.replace("_", "-"): value for key, value in changes.items()
        }
        self.log = log = MemoryLogger()
        ctx = PlatformContext(log=log, db=self.db, fs=self.fs, config=config)
        code = await (retry(ctx, limits) if is_retry else run(ctx, limits))
        assert log.events[-1].message == "Batch ETL complete"
        return code, dict(log.events[-1].fields)

    async def read_rejects(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (await self.fs.read(KEPT)).splitlines()]


def as_lines(*records: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async with FussyDatabase() as db:
        await platform_migrate.up(db)
        yield Bench(db)


GOOD = events_to_jsonl(make_events(2)).splitlines()


async def test_a_bad_line_is_kept_with_its_place_all_its_reasons_and_its_bytes(bench: Bench) -> None:
    bad = b'{"event_type": " ", "payload": "[1]"}'
    code, totals = await bench.run(b"\n".join([GOOD[0], b"", bad, b"caf\xe9", GOOD[1]]))
    assert (code, totals["invalid"], totals["inserted"]) == (0, 2, 2)
    first, second = await bench.read_rejects()
    assert (first["file"], first["line"], first["offset"]) == (f"{FOLDER}/a.jsonl", 3, len(GOOD[0]) + 2)
    assert first["raw"] == bad.decode()
    codes = [EventCode.EMPTY_EVENT_TYPE, EventCode.MISSING_SOURCE, EventCode.PAYLOAD_NOT_AN_OBJECT]
    assert first["reasons"] == [{"code": code.value, "message": code.message} for code in codes]
    assert (second["line"], second["raw_base64"]) == (4, "Y2Fm6Q==")
    assert "raw" not in second
    assert first["run_id"] == second["run_id"]
    assert totals["invalid_by_reason"] == {"empty_event_type": 1, "not_utf8": 1}


async def test_a_rerun_replaces_what_was_kept_and_removes_it_when_all_is_well(bench: Bench) -> None:
    await bench.run(b"\n".join([*GOOD, b"{", b"["]))
    assert [reject["line"] for reject in await bench.read_rejects()] == [3, 4]
    await bench.run(b"\n".join([*GOOD, b"[", b""]))
    assert [reject["line"] for reject in await bench.read_rejects()] == [3]
    await bench.run(b"\n".join(GOOD))
    assert await bench.fs.list("rejected") == []


async def test_nothing_is_written_when_nothing_was_rejected_or_in_a_dry_run(bench: Bench) -> None:
    await bench.run(b"\n".join(GOOD))
    assert await bench.fs.list("rejected") == []
    await bench.run(b"{", dry_run=True)
    assert await bench.fs.list("rejected") == []


async def test_a_row_that_only_the_database_refuses_costs_no_other(bench: Bench) -> None:
    events = make_events(40)
    events[17] = make_event("Refused", id=17)
    events[30] = make_event("refused", id=30)
    code, totals = await bench.run(events_to_jsonl([*events, events[17]]), batch_size=8)
    assert code == 0
    assert (totals["inserted"], totals["unique"], totals["invalid"], totals["duplicates"]) == (38, 38, 2, 1)
    assert totals["invalid_by_reason"] == {"refused_by_database": 2}
    assert [(reject["line"], reject["reasons"][0]["code"]) for reject in await bench.read_rejects()] == [
        (18, "refused_by_database"),
        (31, "refused_by_database"),
    ]


async def test_refused_rows_are_kept_in_the_order_of_their_lines(bench: Bench) -> None:
    refused = [make_event("refused", id=number) for number in (1, 2)]
    lines = events_to_jsonl([make_event(), *refused]).splitlines()
    _, totals = await bench.run(b"\n".join([lines[0], lines[1], b"{", lines[2], b"["]))
    assert (totals["inserted"], totals["invalid"]) == (1, 4)
    assert [reject["line"] for reject in await bench.read_rejects()] == [2, 3, 4, 5]


async def test_any_number_of_refused_rows_costs_no_other_once_some_were_written(
    bench: Bench,
) -> None:
    events = [*make_events(20), *make_events(20, event_type="refused"), *make_events(30)]
    code, totals = await bench.run(
        events_to_jsonl(events), batch_size=3, limits=Limits(chunk_lines=5, batch_lines=5)
    )
    assert (code, totals["inserted"], totals["invalid"], totals["duplicates"]) == (0, 30, 20, 20)


WITH_NUMBER = b'{"event_type": "a", "payload": {"n": %b}, "source": "s"}\n'


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b'{"event_type": "a"', "truncated_line"),
        (b'{"event_type": "\xc3', "truncated_line"),
        (b'{"event_type": "a"\n', "malformed_json"),
        ("\ufeff{}\n".encode("utf-16-le"), "wrong_encoding"),
        (b"\xed\xa0\x80\n", "not_utf8"),
        (b'{"a": "\xed\xa0\x80"}\n', "not_utf8"),
        (b'{"a": "\\ud800"}\n', "malformed_json"),
        (b'{"a": 1} {"a": 2}\n', "malformed_json"),
        (WITH_NUMBER % b"1e131072", "number_out_of_range"),
        (WITH_NUMBER % b"1e-20000", "number_out_of_range"),
        (WITH_NUMBER % b"1e99999999999999999999", "number_out_of_range"),
    ],
)
async def test_what_is_wrong_with_a_line_has_its_own_code(bench: Bench, data: bytes, reason: str) -> None:
    _, totals = await bench.run(data)
    assert totals["invalid_by_reason"][reason] >= 1
    assert (await bench.read_rejects())[0]["reasons"][0]["code"] == reason


def nested(opening: str, closing: str, levels: int) -> str:
    """Return a payload of so many levels, of which the first is an object."""
    return '{"a":' + opening * (levels - 1) + "1" + closing * (levels - 1) + "}"


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (nested('{"a":', "}", 100), None),
        (nested('{"a":', "}", 101), "too_deep"),
        (nested("[", "]", 100), None),
        (nested("[", "]", 101), "too_deep"),
        ('{"a":[' + ",".join(["[]"] * 200) + "]}", None),
        ('{"a":"' + "[{" * 200 + '"}', None),
        ('{"a":"\\u0000"}', "nul_character"),
        ('{"\\u0000":1}', "nul_character"),
        ('{"a":"\\\\u0000"}', None),
    ],
)
async def test_a_payload_is_stored_up_to_the_limits_and_not_beyond(
    bench: Bench, payload: str, reason: str | None
) -> None:
    line = f'{{"event_type": "deep", "payload": {payload}, "source": "s"}}\n'
    _, totals = await bench.run(line.encode())
    assert totals["invalid_by_reason"] == ({reason: 1} if reason else {})
    assert totals["inserted"] == (0 if reason else 1)


async def test_numbers_of_any_size_that_a_database_holds_are_loaded(bench: Bench) -> None:
    numbers = ["1" * 4301, "-" + "7" * 5000, "1" * 5000 + ".5", "1e5000", "1e131071", "0." + "1" * 16383]
    lines = [f'{{"event_type": "n", "payload": {{"n": {number}}}, "source": "s"}}' for number in numbers]
    code, totals = await bench.run("\n".join(lines).encode())
    assert (code, totals["inserted"], totals["invalid"]) == (0, len(numbers), 0)
    rows = await bench.db.fetch_all("SELECT payload FROM cleaned_events ORDER BY id")
    assert sorted(Decimal(row["payload"]["n"]) for row in rows) == sorted(map(Decimal, numbers))


async def test_the_rejects_of_a_file_with_a_very_long_name_are_kept_like_others(bench: Bench) -> None:
    path = f"{FOLDER}/{'n' * 250}"
    await bench.fs.write(path, b"{")
    assert (await bench.run(GOOD[0]))[0] == 0
    [kept] = await bench.fs.list("rejected")
    assert [reject.file async for reject in read_rejects(bench.fs, kept)] == [path]
    code, totals = await bench.run(is_retry=True)
    assert (code, totals["invalid"]) == (0, 1)
    assert await bench.fs.list("rejected") == [kept]


async def test_a_table_that_takes_no_row_stops_the_run_and_nothing_is_kept(bench: Bench) -> None:
    await bench.fs.write(f"{FOLDER}/a.jsonl", events_to_jsonl(make_events(20, event_type="refused")))
    with pytest.raises(DataError, match="a reason of its own"):
        await bench.run()
    assert await bench.fs.list("rejected") == []


async def test_a_byte_order_mark_is_never_data_at_the_start_only(bench: Bench) -> None:
    mark = b"\xef\xbb\xbf"
    _, totals = await bench.run(mark + GOOD[0] + b"\n" + mark + GOOD[1] + b"\n")
    assert (totals["inserted"], totals["invalid_by_reason"]) == (1, {"malformed_json": 1})
    _, totals = await bench.run(mark + b"\n" + GOOD[0])
    assert (totals["blank"], totals["invalid"]) == (1, 0)


@pytest.mark.parametrize(
    ("limit", "code"), [("2", 0), ("1", 1), ("0", 1), ("50%", 0), ("49.9%", 1), ("100%", 0), ("", 0)]
)
async def test_more_rejects_than_allowed_fail_the_run_with_what_is_good_loaded(
    bench: Bench, limit: str, code: int
) -> None:
    found, totals = await bench.run(b"\n".join([*GOOD, b"{", b"{"]), max_rejected=limit)
    assert (found, totals["inserted"], totals["invalid"]) == (code, 2, 2)
    errors = [event for event in bench.log.events if event.message == "Too many lines were rejected"]
    reasons = [event.fields["reason"] for event in errors]
    assert reasons == [f"2 of 4 lines (50%), more than {limit}"] * code


@pytest.mark.parametrize("limit", ["-1", "many", "5 %", "%", "1.5", "1e3", "٣"])
async def test_a_limit_that_is_invalid_is_refused(bench: Bench, limit: str) -> None:
    with pytest.raises(ConfigurationError, match="--max-rejected"):
        await bench.run(b"", max_rejected=limit)


async def test_a_retry_loads_what_passes_now_and_keeps_the_rest(bench: Bench) -> None:
    await bench.run(b"\n".join([GOOD[0], b"{", b"caf\xe9", GOOD[1], GOOD[0]]))
    first, second = await bench.read_rejects()
    mended = {**first, "raw": GOOD[1].decode()}
    new = {**first, "raw": json.dumps(make_event(id=99))}
    await bench.fs.write(KEPT, as_lines(mended, new, {**second, "line": 7}))
    code, totals = await bench.run(is_retry=True)
    assert (code, totals["lines"], totals["inserted"], totals["skipped"], totals["invalid"]) == (
        0,
        3,
        1,
        1,
        1,
    )
    [left] = await bench.read_rejects()
    assert (left["line"], left["raw_base64"]) == (7, "Y2Fm6Q==")
    code, totals = await bench.run(is_retry=True)
    assert (code, totals["lines"], totals["inserted"], totals["invalid"]) == (0, 1, 0, 1)
    assert len(await bench.db.fetch_all("SELECT * FROM cleaned_events")) == 3


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param([b"bad"] * LIMITS.chunk_lines, id="as many lines as a chunk takes"),
        pytest.param([b"x" * (LIMITS.retry_chunk_bytes + 1)], id="a line of more than a chunk takes"),
    ],
)
async def test_a_retry_keeps_what_still_fails_where_it_was_however_much_it_is(
    bench: Bench, lines: list[bytes]
) -> None:
    await bench.run(b"\n".join(lines) + b"\n")
    before = await bench.fs.list("rejected")
    code, totals = await bench.run(is_retry=True)
    assert (code, totals["lines"], totals["invalid"]) == (0, len(lines), len(lines))
    assert await bench.fs.list("rejected") == before
    assert len(await bench.read_rejects()) == len(lines)


async def test_a_retry_rejects_what_only_the_whole_file_showed_as_the_run_did(bench: Bench) -> None:
    good = events_to_jsonl(make_events(1))
    for data, reasons in (
        (b"\xff\xfe\n" + good, {"wrong_encoding": 2}),
        (good[:-5], {"truncated_line": 1}),
    ):
        assert (await bench.run(data))[1]["invalid_by_reason"] == reasons
        assert (await bench.run(is_retry=True))[1]["invalid_by_reason"] == reasons


async def test_after_a_rule_was_relaxed_a_retry_ends_as_a_clean_load(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(validator, "MAX_TEXT_CHARACTERS", 5)
    data = events_to_jsonl([*make_events(3), *make_events(2, event_type="click")])
    assert (await bench.run(data))[1]["invalid"] == 3
    monkeypatch.undo()
    assert (await bench.run(is_retry=True))[1]["inserted"] == 3
    assert await bench.fs.list("rejected") == []
    assert (await bench.run())[1]["skipped"] == 5


async def test_a_dry_retry_changes_nothing(bench: Bench) -> None:
    await bench.run(b"{")
    before = await bench.fs.read(KEPT)
    code, totals = await bench.run(is_retry=True, dry_run=True)
    assert (code, totals["invalid"]) == (0, 1)
    assert await bench.fs.read(KEPT) == before


async def test_a_retry_loads_and_keeps_the_others_when_a_kept_line_was_changed(bench: Bench) -> None:
    for name in "bc":
        await bench.fs.write(f"{FOLDER}/{name}.jsonl", b"{")
    await bench.run(b"{")
    first, second, third = await bench.read_rejects()
    changed = as_lines({**first, "raw": {"an": "object"}})
    mended = as_lines({**first, "raw": GOOD[0].decode()})
    await bench.fs.write(KEPT, mended + changed + b"\n" + as_lines(second) + as_lines(third))
    code, totals = await bench.run(is_retry=True)
    assert (code, totals["lines"], totals["inserted"], totals["invalid"]) == (1, 3, 1, 2)
    *left, last = (await bench.fs.read(KEPT)).splitlines(keepends=True)  # the blank line is gone
    assert [json.loads(line)["file"][-7:] for line in left] == ["b.jsonl", "c.jsonl"]
    assert last == changed


async def test_what_was_kept_of_files_that_are_gone_or_not_read_stays(bench: Bench) -> None:
    await bench.fs.write(f"{FOLDER}/b.jsonl", b"[")
    await bench.fs.write(f"{FOLDER}/c.jsonl.gz", b"\x1f\x8b\x08 and no more")
    assert (await bench.run(b"{\n["))[0] == 1
    assert [(reject["file"][-7:], reject["line"]) for reject in await bench.read_rejects()] == [
        ("a.jsonl", 1),
        ("a.jsonl", 2),
        ("b.jsonl", 1),
    ]
    await bench.fs.delete(f"{FOLDER}/b.jsonl")
    await bench.fs.delete(f"{FOLDER}/c.jsonl.gz")
    assert (await bench.run(b"[\n"))[0] == 1  # for no line is valid
    assert [(reject["file"][-7:], reject["line"]) for reject in await bench.read_rejects()] == [
        ("a.jsonl", 1),
        ("b.jsonl", 1),
    ]
    _, totals = await bench.run(is_retry=True)
    assert (totals["lines"], totals["invalid"]) == (2, 2)


async def test_a_retry_of_many_files_keeps_each_line_with_its_file(bench: Bench) -> None:
    for name in "bcd":
        await bench.fs.write(f"{FOLDER}/{name}.jsonl", b"{\n" * 3 + b"\n" + b"[")
    await bench.run(b"{")
    before = await bench.read_rejects()
    code, totals = await bench.run(is_retry=True)
    after = await bench.read_rejects()
    assert (code, totals["lines"], totals["invalid"]) == (0, 13, 13)
    assert [{**reject, "run_id": ""} for reject in after] == [{**reject, "run_id": ""} for reject in before]
