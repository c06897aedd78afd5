"""What field reports say of files and lines, through the job; the names begin with the number of the case."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import sys

import pytest

from tests.cases.event_lines import between, event_line, totals_of
from tests.helpers.event_job import EventJob, totals

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

CONTENT = between(event_line())
MANY = b"".join(event_line(f'{{"n": {number}}}') + b"\n" for number in range(100))


@pytest.mark.parametrize("suffix", [".jsonl.GZ", ".jsonl.ZST", ".jsonl", "", ".zst", ".gz", ".txt"])
async def test_b4_and_b5_compressed_files_are_loaded_under_any_name(job: EventJob, suffix: str) -> None:
    result = await job.load(gzip.compress(MANY), zstd.compress(CONTENT), suffix=suffix)
    assert (result.code, totals(result)) == (0, totals_of(103, inserted=103))


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(bz2.compress(CONTENT), id="bzip2"),
        pytest.param(lzma.compress(CONTENT), id="xz"),
        pytest.param(gzip.compress(lzma.compress(CONTENT)), id="xz-in-gzip"),
        pytest.param(b"PAR1\x15\x04" + CONTENT, id="parquet"),
        pytest.param(b"PK\x03\x04" + CONTENT, id="zip"),
        pytest.param(b"<!DOCTYPE html>\n<p>502</p>\n", id="html"),
    ],
)
async def test_b5_a_format_that_is_not_read_costs_its_file_and_rejects_no_line(
    job: EventJob, data: bytes
) -> None:
    result = await job.load(data, CONTENT)
    assert (result.code, totals(result)) == (1, totals_of(3, inserted=3))
    assert await job.rejects() == []


@pytest.mark.parametrize("suffix", [".jsonl.gz", ".jsonl.zst", ".bz2"])
async def test_b6_text_is_loaded_under_any_name(job: EventJob, suffix: str) -> None:
    result = await job.load(CONTENT, suffix=suffix)
    assert (result.code, totals(result)) == (0, totals_of(3, inserted=3))


@pytest.mark.parametrize("zeros", [1, 512, 2_000_000])
async def test_b7_zeros_behind_gzip_data_are_padding(job: EventJob, zeros: int) -> None:
    result = await job.load(gzip.compress(CONTENT) + bytes(zeros), suffix=".jsonl.gz")
    assert (result.code, totals(result)) == (0, totals_of(3, inserted=3))


@pytest.mark.parametrize("suffix", [".gz", ".zst", ".GZ", ".bz2", ""])
async def test_b8_an_empty_file_has_no_line_whatever_its_name(job: EventJob, suffix: str) -> None:
    result = await job.load(b"", CONTENT, suffix=suffix)
    assert (result.code, totals(result)) == (0, totals_of(3, inserted=3))


async def test_b9_a_carriage_return_in_a_bad_line_does_not_stop_the_load(job: EventJob) -> None:
    result = await job.load(between(b"a,b", b"c\rd,e", b"f,g"), CONTENT)
    assert (result.code, totals(result)["invalid"], totals(result)["raw"]) == (0, 3, 8)


@pytest.mark.parametrize("end", [b"", b"\r"])
async def test_b9_line_ends_of_cr_only_are_one_line_that_is_not_json(job: EventJob, end: bytes) -> None:
    result = await job.load(b"\r".join([event_line(), event_line("[]"), event_line()]) + end)
    assert (result.code, totals(result)) == (
        1,
        totals_of(1, malformed_json=1),
    )  # 1, for no line is valid


async def test_b10_pretty_printed_lines_are_malformed_and_none_is_truncated(job: EventJob) -> None:
    result = await job.load(json.dumps(json.loads(event_line()), indent=2).encode())
    assert set(totals(result)["invalid_by_reason"]) <= {"malformed_json", "not_an_object"}


async def test_b12_joined_objects_are_not_a_truncated_line(job: EventJob) -> None:
    result = await job.load(CONTENT + event_line() * 2)
    assert (result.code, totals(result)) == (0, totals_of(4, inserted=3, malformed_json=1))


async def test_b13_a_hole_of_zeros_costs_the_line_behind_it(job: EventJob) -> None:
    result = await job.load(
        bytes(4096) + CONTENT, MANY + bytes(4096) + event_line("{}", '"lost"') + b"\n" + MANY
    )
    assert result.code == 0
    assert totals(result) == totals_of(204, inserted=102, duplicates=100, malformed_json=2)


@pytest.mark.parametrize("end", [b"\x1a", b"\r\n\x1a", b" \x1a", b"\x1a\x1a"])
async def test_b14_the_end_mark_of_dos_is_blank(job: EventJob, end: bytes) -> None:
    result = await job.load(CONTENT + end)
    blank = 1 + end.count(b"\n")
    assert (result.code, totals(result)) == (0, totals_of(3 + blank, inserted=3, blank=blank))


async def test_b14_the_end_mark_of_dos_is_not_part_of_the_last_line(job: EventJob) -> None:
    result = await job.load(CONTENT.removesuffix(b"\n") + b"\x1a")
    assert (result.code, totals(result)) == (0, totals_of(3, inserted=3))


async def test_b19_only_the_fields_that_are_stored_are_checked_further(job: EventJob) -> None:
    extras = [b"1e400000", rb'"\u0000"', b"7" * 5000, b"[" * 400 + b"]" * 400, b"NaN", b'"\xff"']
    lines = [
        event_line(f'{{"n": {number}}}')[:-1] + b', "x": ' + extra + b"}"
        for number, extra in enumerate(extras)
    ]
    result = await job.load(between(*lines))
    assert result.code == 0
    assert totals(result) == totals_of(8, inserted=6, malformed_json=1, not_utf8=1)


@pytest.mark.parametrize("line", [b'{"a": 1,, "\xe9"}', b"[\xff]", b"\xff\xff"])
async def test_b21_bytes_that_are_not_utf8_are_named_first(job: EventJob, line: bytes) -> None:
    result = await job.load(between(line))
    assert (result.code, totals(result)) == (0, totals_of(3, inserted=2, not_utf8=1))
