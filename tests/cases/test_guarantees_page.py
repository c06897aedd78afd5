"""The page for users knows every case, and names no test that is not there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "guarantees.md").read_text()
TESTS = dict(re.findall(r"([a-z-]+): `([^`]+\.py)`", PAGE))
CASES = re.findall(r"^\| (\d+) \|.*\| ([^|]*)\|$", PAGE, re.MULTILINE)
PROMISES = re.findall(r"^\| \*\*.*\| ([^|]*) \|$", PAGE, re.MULTILINE)


def test_every_case_from_1_to_71_has_its_row() -> None:
    assert [int(number) for number, _ in CASES] == list(range(1, 72))


def test_every_test_that_is_named_exists() -> None:
    assert [path for path in TESTS.values() if not (ROOT / path).is_file()] == []


def test_every_promise_and_every_case_that_applies_names_its_tests() -> None:
    named = [*PROMISES, *(tests for _, tests in CASES)]
    assert {name for tests in named for name in tests.strip().split(", ")} - {""} == set(TESTS)
    assert [number for number, tests in CASES if not tests.strip()] == ["57"]
