"""The table that remembers what was applied."""

from platform_interfaces import DatabaseInterface
from platform_migrate.files import MigrationFile
from platform_migrate.planner import AppliedRow

CREATE_TABLE = """
    CREATE TABLE IF NOT EXISTS _migrations (
        id SERIAL PRIMARY KEY,
        name VARCHAR(255) NOT NULL UNIQUE,
        applied_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
        checksum TEXT
    )
"""


class MigrationStore:
    """The table ``_migrations`` in the schema that new tables go to."""

    def __init__(self, db: DatabaseInterface) -> None:
        self._db = db

    async def rows(self) -> list[AppliedRow]:
        """What was applied, in that order; empty when the table does not exist, which it is not made for."""
        if not await self._columns():
            return []
        rows = await self._db.fetch_all("SELECT * FROM _migrations ORDER BY id")
        return [AppliedRow(row["id"], row["name"], row["applied_at"], row.get("checksum")) for row in rows]

    async def lock_name(self) -> str:
        """The lock to hold while changing it: one per schema, the database being part of any lock."""
        row = await self._db.fetch_one("SELECT current_schema() AS schema")
        return f"platform-migrate:{row and row['schema']}._migrations"

    async def create(self) -> None:
        """Make the table if it is missing, and complete one that an older version made."""
        columns = await self._columns()
        if not columns:
            await self._db.execute(CREATE_TABLE)
        elif "checksum" not in columns:
            await self._db.execute("ALTER TABLE _migrations ADD COLUMN checksum TEXT")

    async def add(self, file: MigrationFile) -> None:
        """Remember ``file`` as applied now."""
        await self._db.execute(
            "INSERT INTO _migrations (name, checksum) VALUES ($1, $2)", [file.name, file.checksum]
        )

    async def remove(self, file: MigrationFile) -> None:
        """Forget that ``file`` was applied."""
        await self._db.execute("DELETE FROM _migrations WHERE name = $1", [file.name])

    async def _columns(self) -> set[str]:
        rows = await self._db.fetch_all(
            "SELECT column_name FROM information_schema.columns "
            "WHERE table_schema = current_schema() AND table_name = '_migrations'"
        )
        return {row["column_name"] for row in rows}
