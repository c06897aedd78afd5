"""The page for users knows every case, and names no test that is not there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "guarantees.md").read_text()
TESTS = dict(re.findall(r"([a-z-]+): `([^`]+\.py)`", PAGE))
CASES = re.findall(r"^\| (\d+) \|.*\| ([^|]*)\|$", PAGE, re.MULTILINE)
REPORTS = re.findall(r"^\| ([A-F]\d+) \|.*\| ([^|]*)\|$", PAGE, re.MULTILINE)
SECTIONS = {"A": 9, "B": 21, "C": 26, "D": 10, "E": 9, "F": 13}
PROMISES = re.findall(r"^\| \*\*.*\| ([^|]*) \|$", PAGE, re.MULTILINE)


def test_every_case_from_1_to_71_has_its_row() -> None:
    assert [int(number) for number, _ in CASES] == list(range(1, 72))


def test_every_test_that_is_named_exists() -> None:
    assert [path for path in TESTS.values() if not (ROOT / path).is_file()] == []


def test_every_promise_and_every_case_that_applies_names_its_tests() -> None:
    named = [*PROMISES, *(tests for _, tests in (*CASES, *REPORTS))]
    assert {name for tests in named for name in tests.strip().split(", ")} - {""} == set(TESTS)
    assert [number for number, tests in CASES if not tests.strip()] == ["57"]


def test_every_field_report_has_its_row() -> None:
    numbers = [f"{section}{number}" for section, last in SECTIONS.items() for number in range(1, last + 1)]
    assert [number for number, _ in REPORTS] == numbers


def test_the_tests_of_a_field_report_bear_its_number() -> None:
    """All but E9, which is the suite itself in a bare container."""
    missing = []
    for number, tests in REPORTS:
        named = [(ROOT / TESTS[name]).read_text() for name in tests.strip().split(", ") if name]
        pattern = re.compile(rf"(?<![A-Za-z0-9]){number}(?![A-Za-z0-9])", re.IGNORECASE)
        if not named or not all(pattern.search(text.replace("_", " ")) for text in named):
            missing.append(number)
    assert missing == ["E9"]
