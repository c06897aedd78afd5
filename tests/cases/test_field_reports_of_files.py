"""What field reports say of files and lines, through the job; the names begin with the number of the case."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import sys

import pytest

from tests.cases.bench import Bench, between, event_line, sums

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

CONTENT = between(event_line())
MANY = b"".join(event_line(f'{{"n": {number}}}') + b"\n" for number in range(100))


@pytest.mark.parametrize("suffix", [".jsonl.GZ", ".jsonl.ZST", ".jsonl", "", ".zst", ".gz", ".txt"])
async def test_b4_and_b5_compressed_files_are_loaded_under_any_name(bench: Bench, suffix: str) -> None:
    loaded = await bench.run(gzip.compress(MANY), zstd.compress(CONTENT), suffix=suffix)
    assert (loaded.code, loaded.sums) == (0, sums(103, inserted=103))


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
    bench: Bench, data: bytes
) -> None:
    loaded = await bench.run(data, CONTENT)
    assert (loaded.code, loaded.sums) == (1, sums(3, inserted=3))
    assert await bench.rejects() == []


@pytest.mark.parametrize("suffix", [".jsonl.gz", ".jsonl.zst", ".bz2"])
async def test_b6_text_is_loaded_under_any_name(bench: Bench, suffix: str) -> None:
    loaded = await bench.run(CONTENT, suffix=suffix)
    assert (loaded.code, loaded.sums) == (0, sums(3, inserted=3))


@pytest.mark.parametrize("zeros", [1, 512, 2_000_000])
async def test_b7_zeros_behind_gzip_data_are_padding(bench: Bench, zeros: int) -> None:
    loaded = await bench.run(gzip.compress(CONTENT) + bytes(zeros), suffix=".jsonl.gz")
    assert (loaded.code, loaded.sums) == (0, sums(3, inserted=3))


@pytest.mark.parametrize("suffix", [".gz", ".zst", ".GZ", ".bz2", ""])
async def test_b8_an_empty_file_has_no_line_whatever_its_name(bench: Bench, suffix: str) -> None:
    loaded = await bench.run(b"", CONTENT, suffix=suffix)
    assert (loaded.code, loaded.sums) == (0, sums(3, inserted=3))


async def test_b9_a_carriage_return_in_a_bad_line_does_not_stop_the_load(bench: Bench) -> None:
    loaded = await bench.run(between(b"a,b", b"c\rd,e", b"f,g"), CONTENT)
    assert (loaded.code, loaded.sums["invalid"], loaded.sums["raw"]) == (0, 3, 8)


@pytest.mark.parametrize("end", [b"", b"\r"])
async def test_b9_line_ends_of_cr_only_are_one_line_that_is_not_json(bench: Bench, end: bytes) -> None:
    loaded = await bench.run(b"\r".join([event_line(), event_line("[]"), event_line()]) + end)
    assert (loaded.code, loaded.sums) == (1, sums(1, malformed_json=1))  # 1, for no line is valid


async def test_b10_pretty_printed_lines_are_malformed_and_none_is_truncated(bench: Bench) -> None:
    loaded = await bench.run(json.dumps(json.loads(event_line()), indent=2).encode())
    assert set(loaded.sums["invalid_by_reason"]) <= {"malformed_json", "not_an_object"}


async def test_b12_joined_objects_are_not_a_truncated_line(bench: Bench) -> None:
    loaded = await bench.run(CONTENT + event_line() * 2)
    assert (loaded.code, loaded.sums) == (0, sums(4, inserted=3, malformed_json=1))


async def test_b13_a_hole_of_zeros_costs_the_line_behind_it(bench: Bench) -> None:
    loaded = await bench.run(
        bytes(4096) + CONTENT, MANY + bytes(4096) + event_line("{}", '"lost"') + b"\n" + MANY
    )
    assert loaded.code == 0
    assert loaded.sums == sums(204, inserted=102, duplicates=100, malformed_json=2)


@pytest.mark.parametrize("end", [b"\x1a", b"\r\n\x1a", b" \x1a", b"\x1a\x1a"])
async def test_b14_the_end_mark_of_dos_is_blank(bench: Bench, end: bytes) -> None:
    loaded = await bench.run(CONTENT + end)
    blank = 1 + end.count(b"\n")
    assert (loaded.code, loaded.sums) == (0, sums(3 + blank, inserted=3, blank=blank))


async def test_b14_the_end_mark_of_dos_is_not_part_of_the_last_line(bench: Bench) -> None:
    loaded = await bench.run(CONTENT.removesuffix(b"\n") + b"\x1a")
    assert (loaded.code, loaded.sums) == (0, sums(3, inserted=3))


async def test_b19_only_the_fields_that_are_stored_are_checked_further(bench: Bench) -> None:
    extras = [b"1e400000", rb'"\u0000"', b"7" * 5000, b"[" * 400 + b"]" * 400, b"NaN", b'"\xff"']
    lines = [
        event_line(f'{{"n": {number}}}')[:-1] + b', "x": ' + extra + b"}"
        for number, extra in enumerate(extras)
    ]
    loaded = await bench.run(between(*lines))
    assert loaded.code == 0
    assert loaded.sums == sums(8, inserted=6, malformed_json=1, not_utf8=1)


@pytest.mark.parametrize("line", [b'{"a": 1,, "\xe9"}', b"[\xff]", b"\xff\xff"])
async def test_b21_bytes_that_are_not_utf8_are_named_first(bench: Bench, line: bytes) -> None:
    loaded = await bench.run(between(line))
    assert (loaded.code, loaded.sums) == (0, sums(3, inserted=2, not_utf8=1))
