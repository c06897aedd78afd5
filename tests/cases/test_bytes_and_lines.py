"""Cases 1 to 14 of bad input: bytes and lines. Each name or id begins with the number of its case."""

from __future__ import annotations

import gzip
import random
import tracemalloc
from collections.abc import AsyncGenerator

import pytest

from batch_etl.ingest.codes import MAX_LINE_BYTES
from platform_memory import MemoryFileSystem
from tests.cases.event_lines import AFTER, BEFORE, between, event_line, totals_of
from tests.helpers.event_job import FILE, FOLDER, EventJob, totals

MARK = b"\xef\xbb\xbf"
MIB = 1024 * 1024


def padded(size: int) -> bytes:
    """Return the line of a good event, ``size`` bytes long."""
    text = "x" * (size - len(event_line('{"text": ""}')))
    return event_line(f'{{"text": "{text}"}}')


def holding(bad: bytes) -> bytes:
    """Return the line of an event with these bytes inside a string."""
    return event_line('{"text": "@"}').replace(b"@", bad)


class GeneratedFileSystem(MemoryFileSystem):
    """Its files are a good line, a line of ``size`` MiB that is nowhere held, and a good line."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self._size = size

    async def stream(self, path: str, *, offset: int = 0) -> AsyncGenerator[bytes, None]:
        if not path.startswith(FOLDER):
            async for block in super().stream(path, offset=offset):
                yield block
            return
        yield BEFORE + b"\n"
        for number in range(self._size):
            yield bytes([65 + number % 26]) * MIB
        yield b"\n" + AFTER + b"\n"


async def test_1_a_byte_order_mark_at_the_start_is_not_part_of_the_line(job: EventJob) -> None:
    result = await job.load(MARK + between(event_line()), MARK + event_line(event_type='"other"'))
    assert (result.code, totals(result)) == (0, totals_of(4, inserted=4))
    assert await job.event_types() == ["after", "before", "case", "other"]


async def test_1_a_byte_order_mark_further_on_is_rejected(job: EventJob) -> None:
    result = await job.load(MARK + between(MARK + event_line()))
    assert (result.code, totals(result)) == (0, totals_of(3, inserted=2, malformed_json=1))


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
async def test_2_a_file_of_another_encoding_is_rejected_whole_and_the_next_one_is_loaded(
    job: EventJob, encoding: str
) -> None:
    foreign = ("\ufeff" + between(event_line(), b"").decode()).encode(encoding)
    pieces = foreign.removesuffix(b"\n").split(b"\n")
    result = await job.load(foreign, between(event_line()))
    assert (result.code, totals(result)) == (
        0,
        totals_of(len(pieces) + 3, inserted=3, wrong_encoding=len(pieces)),
    )
    rejects = await job.rejects()
    assert {reason.code for reject in rejects for reason in reject.reasons} == {"wrong_encoding"}
    assert [reject.raw for reject in rejects] == pieces


async def test_2_without_its_mark_each_line_of_another_encoding_is_rejected(job: EventJob) -> None:
    foreign = between(event_line()).decode().encode("utf-16-le")
    result = await job.load(foreign, between(event_line()))
    assert (result.code, totals(result)["inserted"]) == (0, 3)
    assert totals(result)["invalid"] == len(await job.rejects()) == foreign.count(b"\n") + 1


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        pytest.param(holding(b"caf\xe9"), "not_utf8", id="3-latin-1"),
        pytest.param(holding(b"\xc3"), "not_utf8", id="3-cut-character"),
        pytest.param(holding(b"\xc0\x80"), "not_utf8", id="3-overlong-form"),
        pytest.param(holding(b"\xf4\x90\x80\x80"), "not_utf8", id="3-no-code-point"),
        pytest.param(b"\xff\xfe", "not_utf8", id="3-nothing-but-bad-bytes"),
        pytest.param(event_line('{"a": "\ud800"}'), "not_utf8", id="4-surrogate-in-a-value"),
        pytest.param(event_line('{"\udfff": 1}'), "not_utf8", id="4-surrogate-in-a-key"),
        pytest.param(event_line() + event_line(), "malformed_json", id="9-two-objects"),
        pytest.param(event_line() + b" " + event_line(), "malformed_json", id="9-two-objects-and-a-blank"),
        pytest.param(event_line() + b",", "malformed_json", id="9-comma-behind"),
        pytest.param(event_line('{"a": 1,}'), "malformed_json", id="9-comma-inside"),
        pytest.param(event_line().replace(b'"', b"'"), "malformed_json", id="9-single-quotes"),
    ],
)
async def test_a_line_that_is_not_json_is_rejected_and_costs_no_other(
    job: EventJob, line: bytes, reason: str
) -> None:
    result = await job.load(between(line))
    assert (result.code, totals(result)) == (0, totals_of(3, inserted=2, **{reason: 1}))
    assert await job.event_types() == ["after", "before"]
    [reject] = await job.rejects()
    assert (reject.file, reject.line, reject.offset) == (FILE, 2, len(BEFORE) + 1)
    assert (reject.raw, [reason.code for reason in reject.reasons]) == (line, [reason])


@pytest.mark.parametrize(
    "character",
    [
        pytest.param("\u2028", id="5-line-separator"),
        pytest.param("\u2029", id="5-paragraph-separator"),
        pytest.param("\u0085", id="5-next-line"),
    ],
)
async def test_a_line_ends_at_a_line_feed_only(job: EventJob, character: str) -> None:
    result = await job.load(between(event_line(f'{{"a": "x{character}y"}}')))
    assert (result.code, totals(result)) == (0, totals_of(3, inserted=3))
    assert await job.payload() == {"a": f"x{character}y"}


async def test_6_carriage_returns_are_blanks_and_blank_lines_are_not_errors(job: EventJob) -> None:
    content = between(event_line(), b"", b"  \t", b"\r").replace(b"\n", b"\r\n").replace(b": ", b":\r")
    result = await job.load(content)
    assert (result.code, totals(result)) == (0, totals_of(6, blank=3, inserted=3))
    assert await job.event_types() == ["after", "before", "case"]


async def test_7_a_complete_last_line_needs_no_line_feed(job: EventJob) -> None:
    result = await job.load(between(event_line()).removesuffix(b"\n"))
    assert (result.code, totals(result)) == (0, totals_of(3, inserted=3))


@pytest.mark.parametrize("missing", [1, 5, len(event_line('{"a": "é"}')) - 1])
async def test_8_a_truncated_last_line_is_reported_as_such_and_loaded_once_it_is_complete(
    job: EventJob, missing: int
) -> None:
    whole = between(event_line('{"a": "é"}', event_type='"last"'))
    line = event_line('{"a": "é"}')
    result = await job.load(whole + line[:-missing], between(event_line('{"b": 1}')))
    assert (result.code, totals(result)) == (
        0,
        totals_of(7, inserted=4, duplicates=2, truncated_line=1),
    )
    [reject] = await job.rejects()
    assert (reject.line, reject.offset, reject.raw) == (4, len(whole), line[:-missing])

    result = await job.load(whole + line)
    assert (result.code, totals(result)) == (0, totals_of(7, inserted=1, skipped=4, duplicates=2))
    assert await job.rejects() == []


async def test_8_a_last_line_cut_inside_a_character_is_truncated_too(job: EventJob) -> None:
    line = event_line('{"a": "é"}')
    result = await job.load(between() + line[: line.index("é".encode()) + 1])
    assert (result.code, totals(result)) == (0, totals_of(3, inserted=2, truncated_line=1))


async def test_10_a_line_may_have_16_mib_and_not_one_byte_more(job: EventJob) -> None:
    most = padded(MAX_LINE_BYTES)
    result = await job.load(between(most, padded(MAX_LINE_BYTES + 1)))
    assert (result.code, totals(result)) == (0, totals_of(4, inserted=3, line_too_long=1))
    assert await job.event_types() == ["after", "before", "case"]
    assert len((await job.payload())["text"]) == MAX_LINE_BYTES - len(padded(0))
    [reject] = await job.rejects()
    assert (reject.line, reject.offset, reject.raw) == (3, len(BEFORE) + len(most) + 2, None)


@pytest.mark.parametrize("size", [pytest.param(100, id="10-100-MiB"), pytest.param(300, id="11-300-MiB")])
async def test_a_line_of_any_length_is_passed_over_in_bounded_memory(job: EventJob, size: int) -> None:
    job = EventJob(job.db, GeneratedFileSystem(size))
    await job.fs.write(FILE, b"generated when it is read")
    tracemalloc.start()
    try:
        result = await job.run()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (result.code, totals(result)) == (0, totals_of(3, inserted=2, line_too_long=1))
    assert peak < MAX_LINE_BYTES + 16 * MIB
    [reject] = await job.rejects()
    assert (reject.line, reject.offset, reject.raw) == (2, len(BEFORE) + 1, None)


async def test_12_a_truncated_archive_is_an_error_after_its_lines_and_a_rerun_completes(
    job: EventJob,
) -> None:
    whole = gzip.compress(random.Random(12).randbytes(50_000).hex().encode(), mtime=0)  # a line to cut
    archive = gzip.compress(between(event_line()), mtime=0) + whole
    result = await job.load(archive[:-20_000], suffix=".jsonl.gz")
    assert (result.code, totals(result)) == (1, totals_of(3, inserted=3))
    result = await job.load(archive, suffix=".jsonl.gz")
    assert (result.code, totals(result)) == (0, totals_of(4, skipped=3, malformed_json=1))


@pytest.mark.parametrize("damage", ["a flipped byte", "garbage after the end"])
async def test_13_a_damaged_archive_is_an_error_and_the_other_files_are_loaded(
    job: EventJob, damage: str
) -> None:
    archive = bytearray(gzip.compress(between(event_line()), mtime=0))
    if damage == "a flipped byte":
        archive[-6] ^= 1  # of the checksum
    else:
        archive += b"garbage"
    good = gzip.compress(between(event_line(source='"good"')), mtime=0)
    result = await job.load(bytes(archive), good, suffix=".jsonl.gz")
    assert (result.code, totals(result)["inserted"]) == (1, 3)
    assert await job.event_types() == ["after", "before", "case"]


async def test_14_an_empty_file_has_no_line(job: EventJob) -> None:
    result = await job.load(b"", between(event_line()), b"")
    assert (result.code, totals(result)) == (0, totals_of(3, inserted=3))
    result = await job.load(b"", gzip.compress(b""), suffix=".jsonl.gz")
    assert (result.code, totals(result)) == (0, totals_of(3, skipped=3))
    assert await job.fs.list("rejected") == []
