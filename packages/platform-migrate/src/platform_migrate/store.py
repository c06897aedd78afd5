"""The table that records what was applied."""

from typing import Self

from platform_interfaces import DatabaseInterface
from platform_migrate.errors import MigrationRefusedError
from platform_migrate.files import MigrationFile, Source, is_recorded_name, read_files
from platform_migrate.loading import load
from platform_migrate.status import AppliedRow

_COLUMNS = {"id", "name", "applied_at"}


class MigrationStore:
    """The table ``_migrations`` of one schema, which every statement names."""

    def __init__(self, db: DatabaseInterface, schema: str, current: str) -> None:
        self._db = db
        self._schema = schema
        self._current = current  # where new tables go
        self._table = '"{}"._migrations'.format(schema.replace('"', '""'))

    @classmethod
    async def open(cls, db: DatabaseInterface) -> Self:
        """Return the table of the first schema of the search_path that has one; else of the current schema.

        Raises:
            MigrationRefusedError: when there is no current schema.
        """
        row = await db.fetch_one("SELECT current_schema() AS current, current_schemas(false) AS path")
        if row is None or row["current"] is None:
            raise MigrationRefusedError("no schema to migrate: the search_path names none that exists")
        current: str = row["current"]
        for schema in (current, *row["path"]):
            store = cls(db, schema, current)
            if await (store._read_columns() if schema == current else store._is_ours()):
                return store
        return cls(db, current, current)

    def check_new_tables(self) -> None:
        """Refuse to apply migrations whose tables would go to another schema than the existing ones.

        Raises:
            MigrationRefusedError: when they would; nothing was changed.
        """
        if self._schema != self._current:
            raise MigrationRefusedError(
                f"the tables are in schema {self._schema!r}, but new ones would go to {self._current!r}, "
                f"the first on the search_path; nothing was changed: set search_path to {self._schema} "
                f"(ALTER ROLE … SET search_path = {self._schema}, or options=-csearch_path%3D{self._schema} "
                f"in the connection URL), or to {self._current} alone for a second set of tables"
            )

    @property
    def lock_name(self) -> str:
        """Return the name of the lock to hold while changing it: one a schema, each database has its own."""
        return f"platform-migrate:{self._schema}._migrations"

    async def fetch_rows(self) -> list[AppliedRow]:
        """Return what was applied, in that order; empty when the table does not exist.

        Raises:
            MigrationRefusedError: when another tool made the table.
        """
        if not await self._check_columns():
            return []
        rows = await self._db.fetch_all(f"SELECT * FROM {self._table} ORDER BY id")  # noqa: S608
        if unknown := [row["name"] for row in rows if not is_recorded_name(row["name"])]:
            raise self._wrong_table(f"a row named {unknown[0]!r}")
        return [AppliedRow(row["id"], row["name"], row["applied_at"], row.get("checksum")) for row in rows]

    async def create(self) -> None:
        """Make the table if it is missing, and complete one that an older version made."""
        columns = await self._check_columns()
        if not columns:
            [first, *_] = read_files(Source())  # the one definition of the table
            await load(first).up(self._db)
        elif "checksum" not in columns:
            await self._db.execute(f"ALTER TABLE {self._table} ADD COLUMN checksum TEXT")

    async def add(self, file: MigrationFile) -> None:
        """Record ``file`` as applied now."""
        await self._db.execute(
            f"INSERT INTO {self._table} (name, checksum) VALUES ($1, $2)",  # noqa: S608
            [file.name, file.checksum],
        )

    async def accept(self, file: MigrationFile) -> None:
        """Record ``file`` as applied in its present text, whether or not it was recorded before."""
        changed = await self._db.execute(
            f"UPDATE {self._table} SET checksum = $2 WHERE name = $1",  # noqa: S608
            [file.name, file.checksum],
        )
        if not changed:
            await self.add(file)

    async def remove(self, name: str) -> None:
        """Delete the row of ``name``, unless the table is gone, as it is after 001 was rolled back."""
        if await self._check_columns():
            await self._db.execute(f"DELETE FROM {self._table} WHERE name = $1", [name])  # noqa: S608

    async def _is_ours(self) -> bool:
        """Return whether the table exists and holds the names of migrations, and nothing else."""
        if (await self._read_columns()) - {"checksum"} != _COLUMNS:
            return False
        names = await self._db.fetch_all(f"SELECT name FROM {self._table}")  # noqa: S608
        return all(is_recorded_name(row["name"]) for row in names)

    async def _check_columns(self) -> set[str]:
        columns = await self._read_columns()
        if columns and columns - {"checksum"} != _COLUMNS:
            raise self._wrong_table(f"the columns {', '.join(sorted(columns))}")
        return columns

    async def _read_columns(self) -> set[str]:
        rows = await self._db.fetch_all(
            # Not information_schema, which hides tables without a right to them: it would seem missing.
            "SELECT attname FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid "
            "JOIN pg_namespace ON pg_namespace.oid = relnamespace "
            "WHERE nspname = $1 AND relname = '_migrations' AND attnum > 0 AND NOT attisdropped",
            [self._schema],
        )
        return {row["attname"] for row in rows}

    def _wrong_table(self, found: str) -> MigrationRefusedError:
        return MigrationRefusedError(
            f"the table {self._table} has {found}: another tool made it; rename it, "
            "or use a schema of its own (search_path)"
        )
