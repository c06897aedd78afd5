"""A rule that is added in its one place is obeyed wherever an event is cleaned."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

import platform_migrate
from batch_etl import validator
from batch_etl.codes import EventCode
from batch_etl.main import retry, run
from platform_interfaces.testing import JobHarness
from platform_memory import MemoryDatabase, MemoryFileSystem, MemoryLogger
from tests.helpers.data_factory import events_to_jsonl, make_event

FOLDER = "raw/events/2026-01-15"
EVENTS = events_to_jsonl([make_event(price=price) for price in (1, -1, 0, -2)])
# Escapes, and a payload that is a string of JSON, are read by other ways of the parser.
UNUSUAL = b"""
{"event_type": "caf\\u00e9", "payload": {"price": -3, "text": "\\u0000".}, "source": "web"}
{"event_type": "caf\\u00e9", "payload": "{\\"price\\": -3}", "source": "web"}
{"event_type": "caf\\u00e9", "payload": {"price": -4, "n": 1e300}, "source": "web", "x": 1e999999}
""".replace(b".", b"")


@pytest.fixture
async def job() -> AsyncIterator[JobHarness]:
    arguments = {"date": "2026-01-15", "source-path": "raw/events"}
    async with MemoryDatabase() as db:
        await platform_migrate.up(db)
        yield JobHarness(
            run, retry=retry, log=MemoryLogger, db=db, fs=MemoryFileSystem(), arguments=arguments
        )


def find_negative_price(event_type: str, payload: dict[str, Any], source: str) -> EventCode | None:
    return EventCode.MALFORMED_PAYLOAD if payload.get("price", 0) < 0 else None


@pytest.fixture
def rule(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(validator, "RULES", (find_negative_price,))


@pytest.mark.usefixtures("rule")
@pytest.mark.parametrize("dry_run", [False, True])
async def test_a_load_and_a_dry_run_obey_it(job: JobHarness, dry_run: bool) -> None:
    await job.fs.write(f"{FOLDER}/a.jsonl", EVENTS + UNUSUAL)
    figures = (await job.run(dry_run=dry_run)).figures
    assert figures["invalid_by_reason"] == {"malformed_payload": 4, "nul_character": 1}
    assert (figures["unique"], figures["inserted"]) == (2, 0 if dry_run else 2)


async def test_a_rule_sees_the_type_that_is_stored(job: JobHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    def find_purchase(event_type: str, payload: dict[str, Any], source: str) -> EventCode | None:
        return EventCode.MALFORMED_PAYLOAD if event_type == "purchase" else None

    monkeypatch.setattr(validator, "RULES", (find_purchase,))
    events = [make_event(" Purchase "), make_event("purchase"), make_event("click")]
    assert [not found for found in map(validator.find_problems, events)] == [False, False, True]
    await job.fs.write(f"{FOLDER}/a.jsonl", events_to_jsonl(events))
    figures = (await job.run()).figures
    assert (figures["invalid"], figures["inserted"]) == (2, 1)


async def test_a_retry_obeys_it(job: JobHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(validator, "RULES", (lambda *_: EventCode.MALFORMED_PAYLOAD,))
    await job.fs.write(f"{FOLDER}/a.jsonl", EVENTS)
    assert (await job.run()).figures["invalid"] == 4
    monkeypatch.setattr(validator, "RULES", (find_negative_price,))
    figures = (await job.retry()).figures
    assert (figures["inserted"], figures["invalid"]) == (2, 2)
    monkeypatch.undo()
    figures = (await job.retry()).figures
    assert (figures["inserted"], figures["invalid"]) == (2, 0)
