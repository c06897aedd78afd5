"""Real events of a public service, through the command into PostgreSQL, number for number."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import asyncpg
import pytest

from tests.helpers.command import Platform

EVENTS = Path(__file__).parents[3] / "shared" / "data" / "github-events" / "events.jsonl"

pytestmark = pytest.mark.skipif(
    not EVENTS.exists(), reason="the folder shared/data is not beside the project"
)


def canonical(text: str) -> str:
    """Return the same text for the same document; its numbers keep their digits."""
    return json.dumps(json.loads(text, parse_float=Decimal), sort_keys=True, default=str)


async def test_every_github_event_arrives_as_it_was_written(
    platform: Platform, postgres_url: str, tmp_path: Path
) -> None:
    records = EVENTS.read_text().splitlines()
    folder = tmp_path / "files" / "github" / "2021-07-21"
    folder.mkdir(parents=True)
    with (folder / "events.jsonl").open("w") as file:
        for text in records:
            record = json.loads(text)
            kind, source = json.dumps(record["type"]), json.dumps(record["repo"]["name"])
            file.write(f'{{"event_type": {kind}, "payload": {text}, "source": {source}}}\n')

    flags = ("--db", "postgres", "--log", "json", "--date", "2021-07-21", "--source-path", "github")
    first = platform("run", "batch_etl", *flags, DB_POSTGRES_URL=postgres_url)
    second = platform("run", "batch_etl", *flags, DB_POSTGRES_URL=postgres_url)
    assert (first.code, first.totals()["inserted"], first.totals()["invalid"]) == (0, len(records), 0)
    assert (second.code, second.totals()["inserted"], second.totals()["skipped"]) == (0, 0, len(records))

    connection = await asyncpg.connect(postgres_url)
    try:
        stored = await connection.fetch("SELECT event_type, payload::text, source FROM cleaned_events")
        jsonb_equal = await connection.fetchval(
            "SELECT COUNT(*) FROM cleaned_events c JOIN unnest($1::text[]) AS r(t) "
            "ON c.payload->>'id' = r.t::jsonb->>'id' AND c.payload = r.t::jsonb",
            records,
        )
    finally:
        await connection.close()
    assert jsonb_equal == len(records)
    assert {(row["event_type"], canonical(row["payload"]), row["source"]) for row in stored} == {
        (json.loads(text)["type"].lower(), canonical(text), json.loads(text)["repo"]["name"])
        for text in records
    }
