"""Parser torture files, each between two good neighbours: JSON is stored, all else costs itself only.

The file's bytes are the value of a key in the payload, for a payload is an object; line breaks inside a file,
which end a line of events, are replaced by blanks where the case is not about them. Bad input 15 to 22.
"""

from __future__ import annotations

from pathlib import Path

import asyncpg
import pytest

from tests.helpers.command import Platform

SUITE = Path(__file__).parents[3] / "shared" / "data" / "json-test-suite"
OF_LINE_BREAKS = {"n_string_unescaped_newline"}  # one line break, so one line more

pytestmark = pytest.mark.skipif(not SUITE.exists(), reason="the folder shared/data is not beside the project")


async def read_as_jsonb(connection: asyncpg.Connection[asyncpg.Record], text: bytes) -> str | None:
    """Return what PostgreSQL's own jsonb makes of ``text``; None when it refuses it."""
    try:
        value: str = await connection.fetchval("SELECT $1::text::jsonb::text", text.decode())
    except (asyncpg.PostgresError, UnicodeDecodeError):
        return None
    return value


async def test_every_case_is_stored_or_rejected_and_its_neighbours_are_stored(
    platform: Platform, postgres_url: str, tmp_path: Path
) -> None:
    blanks = bytes.maketrans(b"\r\n", b"  ")
    cases = {path.stem: path.read_bytes() for path in SUITE.glob("*.json")}
    cases = {name: text if name in OF_LINE_BREAKS else text.translate(blanks) for name, text in cases.items()}
    lines = []
    for name, content in sorted(cases.items()):
        for kind, value in (("before", b'""'), ("case", content), ("after", b'""')):
            lines.append(
                b'{"event_type": "%b", "payload": {"name": "%b", "value": %b}, "source": "suite"}'
                % (kind.encode(), name.encode(), value)
            )
    folder = tmp_path / "files" / "suite" / "2026-01-15"
    folder.mkdir(parents=True)
    (folder / "cases.jsonl").write_bytes(b"\n".join(lines) + b"\n")

    done = platform(
        *("run", "batch_etl", "--date", "2026-01-15", "--source-path", "suite", "--log", "json"),
        PLATFORM_DB="postgres",
        DB_POSTGRES_URL=postgres_url,
    )
    totals = done.totals()
    connection = await asyncpg.connect(postgres_url)
    try:
        expected = {name: await read_as_jsonb(connection, content) for name, content in cases.items()}
        rows = await connection.fetch(
            "SELECT event_type, payload->>'name' AS name, (payload->'value')::text AS value "
            "FROM cleaned_events"
        )
        stored = {row["name"]: row["value"] for row in rows if row["event_type"] == "case"}
        neighbours = [row["name"] for row in rows if row["event_type"] != "case"]
    finally:
        await connection.close()

    assert done.code == 0
    assert sorted(neighbours) == sorted(2 * list(cases))
    assert totals["lines"] == 3 * len(cases) + len(OF_LINE_BREAKS) == totals["inserted"] + totals["invalid"]
    assert {name for name in stored if name.startswith("n_")} == set()
    wanted = {name for name, value in expected.items() if name.startswith("y_") and value is not None}
    print(f"{len(cases)} cases: {len(wanted)} y_ wanted, {len(stored)} stored, {totals['invalid']} rejected")
    assert wanted - set(stored) == set()
    assert stored == {name: expected[name] for name in stored}
