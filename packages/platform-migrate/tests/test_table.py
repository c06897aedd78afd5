"""The table of migrations, made by this version, by an older one or by another tool."""

import pytest

from platform_interfaces import DatabaseInterface
from platform_migrate import MigrationRefusedError, down, status, up


async def states(db: DatabaseInterface) -> list[str]:
    return [found.state.value for found in await status(db)]


async def schema(db: DatabaseInterface) -> list[dict[str, object]]:
    return await db.fetch_all(
        "SELECT table_name, column_name, data_type, is_nullable FROM information_schema.columns "
        "WHERE table_schema = current_schema() ORDER BY table_name, ordinal_position"
    )


@pytest.mark.parametrize(
    "foreign",
    [
        "CREATE TABLE _migrations (version INT)",
        "CREATE TABLE _migrations (id INT, name TEXT, applied_at TIMESTAMPTZ, batch INT)",
        "CREATE TABLE _migrations AS SELECT 1 AS id, 'init' AS name, now() AS applied_at",
    ],
)
async def test_a_table_of_another_tool_is_refused_and_left_alone(db: DatabaseInterface, foreign: str) -> None:
    """Case 27."""
    await db.execute(foreign)
    before = await schema(db)
    for command in (up, down, status):
        with pytest.raises(MigrationRefusedError, match="another tool made it"):
            await command(db)
    assert await schema(db) == before


async def test_a_table_of_an_older_version_gets_its_checksum_column(db: DatabaseInterface) -> None:
    """Case 27."""
    await db.execute(
        "CREATE TABLE _migrations (id SERIAL PRIMARY KEY, name VARCHAR(255) NOT NULL UNIQUE, "
        "applied_at TIMESTAMPTZ NOT NULL DEFAULT NOW())"
    )
    await db.execute("INSERT INTO _migrations (name) VALUES ('001_create_migrations_table')")
    assert await states(db) == ["applied (unverified)", *["pending"] * 4]
    assert (await up(db)).applied == (
        "002_create_events_table",
        "003_create_cleaned_events_table",
        "004_index_cleaned_events_by_time",
        "005_create_runs_table",
    )
    assert await states(db) == ["applied (unverified)", *["applied"] * 4]
