"""What the role of the database may do: tried in transactions that are rolled back."""

from contextlib import suppress
from secrets import token_hex

from platform_cli.failures import describe
from platform_cli.history.runs_table import has_table
from platform_interfaces import CheckStatus, DatabaseError, DatabaseInterface, Finding, ReadOnlyError

_STATEMENTS = {
    # None of them changes a row; each is refused like one that does.
    "SELECT, INSERT": "INSERT INTO {table} SELECT * FROM {table} WHERE false",
    "UPDATE": "UPDATE {table} SET {column} = {column} WHERE false",
}
_COLUMNS = {"_migrations": "checksum", "_runs": "status"}


class _UndoneError(Exception):
    pass


async def check_new_tables(db: DatabaseInterface, *, is_needed: bool) -> Finding:
    """Return whether tables can be made in the current schema, as migrations do.

    Args:
        db: connected.
        is_needed: whether a run does it.
    """
    name = f"platform_doctor_{token_hex(8)}"
    error = await _try(db, f"CREATE TABLE {name} (id INTEGER)")
    if error is None:
        return Finding(CheckStatus.OK, "can be made by migrations")
    schema = await _ask(db, "current_schema()", "the schema")
    return await _explain(db, error, f"GRANT CREATE ON SCHEMA {schema}", is_needed=is_needed)


async def check_temporary_tables(db: DatabaseInterface) -> Finding:
    """Return whether temporary tables can be made, as a load does."""
    error = await _try(db, f"CREATE TEMPORARY TABLE platform_doctor_{token_hex(8)} (id INTEGER)")
    if error is None:
        return Finding(CheckStatus.OK, "can be made by loads")
    name = await _ask(db, "current_database()", "the database")
    return await _explain(db, error, f"GRANT TEMPORARY ON DATABASE {name}", is_needed=True)


async def check_use_of(db: DatabaseInterface, table: str, *, is_needed: bool) -> Finding:
    """Return whether a table of the platform can be read and written.

    Args:
        db: connected.
        table: its name.
        is_needed: whether a run fails where it cannot.
    """
    if not await has_table(db, table):
        return Finding(CheckStatus.SKIPPED, "there is no such table yet: a migration makes it")
    for rights, statement in _STATEMENTS.items():
        error = await _try(db, statement.format(table=table, column=_COLUMNS[table]))
        if error:
            return await _explain(db, error, f"GRANT {rights} ON {table}", is_needed=is_needed)
    return Finding(CheckStatus.OK, "can be read and written")


async def _try(db: DatabaseInterface, statement: str) -> DatabaseError | None:
    """Return why the database refuses a statement; what it does is undone."""
    try:
        with suppress(_UndoneError):
            async with db.transaction():
                await db.execute(statement)
                raise _UndoneError
    except DatabaseError as error:
        if error.is_transient:
            raise
        return error
    return None


async def _explain(db: DatabaseInterface, error: DatabaseError, grant: str, *, is_needed: bool) -> Finding:
    status = CheckStatus.FAILED if is_needed else CheckStatus.WARNING
    if isinstance(error, ReadOnlyError):
        remedy = "connect to the primary server, with default_transaction_read_only off"
        return Finding(CheckStatus.FAILED, describe(error), remedy)
    role = await _ask(db, "current_user", "the role of the run")
    return Finding(status, describe(error), f"{grant} TO {role}")


async def _ask(db: DatabaseInterface, expression: str, otherwise: str) -> str:
    row = await db.fetch_one(f"SELECT {expression} AS name")
    return str((row and row["name"]) or otherwise)
