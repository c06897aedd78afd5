"""The tables of the job, made by their migrations without a run of these, which takes three times as long."""

from __future__ import annotations

from importlib import import_module

from platform_interfaces import DatabaseInterface

MIGRATIONS = ("003_create_cleaned_events_table", "004_index_cleaned_events_by_time")


async def make_tables(db: DatabaseInterface, *migrations: str) -> None:
    """Make ``cleaned_events`` with its indexes, or what ``migrations`` make, where it is missing."""
    for name in migrations or MIGRATIONS:
        await import_module(f"platform_migrate.versions.{name}").up(db)
