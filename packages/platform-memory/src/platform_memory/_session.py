"""Sessions on the database: statements in, results out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import duckdb
from duckdb import StatementType

from platform_interfaces import ConnectionLostError, QueryError, Row
from platform_memory._errors import translating_errors
from platform_memory._statement import Statement, translate
from platform_memory._targets import Columns, find_casts, find_column_types
from platform_memory._types import check_value
from platform_memory._values import read_rows, write_parameter

STREAM_ROWS = 1000
_SEQUENCES = """
    SELECT concat('"', schema_name, '"."', sequence_name, '"'),
        coalesce(last_value, start_value), last_value IS NOT NULL
    FROM duckdb_sequences()
"""
_COLUMNS = """
    SELECT lower(column_name), data_type FROM duckdb_columns()
    WHERE lower(table_name) = lower($1) AND ($2 IN ('', schema_name)) ORDER BY column_index
"""


@dataclass(frozen=True)
class Result:
    """The result of a statement: rows, the types of their columns, and how many it returned or changed."""

    rows: list[Row] = field(default_factory=list)
    count: int = 0
    types: tuple[str, ...] = ()
    changes: int = 0


class Session:
    """One connection to the database; it is in no transaction until a command begins one."""

    def __init__(self, database: duckdb.DuckDBPyConnection) -> None:
        self._is_closed = False
        self._connection = database.cursor()
        self.command("USE public")

    def another(self) -> "Session":
        """Return a second session on the same database."""
        return Session(self._open())

    def command(self, text: str, params: Sequence[Any] | None = None) -> list[tuple[Any, ...]]:
        """Run a statement in DuckDB's own SQL and return its rows."""
        with translating_errors():
            return self._open().execute(text, params).fetchall()

    def parse(self, query: str) -> list[Statement]:
        """Return the statements of ``query``.

        Raises:
            QueryError: when it cannot be parsed, or begins or ends a transaction.
        """
        with translating_errors():
            statements = [translate(parsed) for parsed in self._open().extract_statements(query)]
        if any(statement.kind is StatementType.TRANSACTION for statement in statements):
            raise QueryError(f"{query.strip()!r} is refused: use transaction() to begin and to end one")
        return statements

    def run(self, query: str, params: Sequence[Any] | None = None) -> Result:
        """Run ``query``, all of it or on an error nothing; return the result of its last statement."""
        result = Result()
        self.command("BEGIN")
        for statement in self.parse(query):
            result = self.execute(statement, self.bind(statement, params))
        self.command("COMMIT")
        return result

    def bind(self, statement: Statement, params: Sequence[Any] | None) -> list[Any]:
        """Return ``params`` as DuckDB takes them.

        Raises:
            QueryError: when they are not a list, or not as many as the placeholders.
            DataError: when one cannot be stored, or is not of the type that its placeholder has.
        """
        if isinstance(params, str | bytes) or not isinstance(params, Sequence | None):
            raise QueryError(
                f"parameters must be a list, not {type(params).__name__}: write [value] for a single one"
            )
        values = params or ()
        if len(values) != statement.placeholders:
            raise QueryError(
                f"{len(values)} values were given for a statement with {statement.placeholders} placeholders"
            )
        if not values:
            return []
        kinds = find_column_types(statement.query, statement.masked, self._read_columns)
        kinds |= find_casts(statement.masked)
        for number, value in enumerate(values, 1):
            if kind := kinds.get(number):
                check_value(kind, value)
        jsons = statement.json_placeholders | {n for n, kind in kinds.items() if kind in ("JSON", "JSON[]")}
        arrays = statement.array_placeholders | {n for n, kind in kinds.items() if kind.endswith("]")}
        return [
            write_parameter(value, is_json=number in jsons, is_array=number in arrays)
            for number, value in enumerate(values, 1)
        ]

    def _read_columns(self, table: str) -> Columns:
        """Return the types of a table's columns; none when there is no such table."""
        schema, _, name = table.replace('"', "").replace(" ", "").rpartition(".")
        return dict(self.command(_COLUMNS, [name, schema]))

    def execute(self, statement: Statement, values: Sequence[Any]) -> Result:
        """Run ``statement`` with ``values`` from ``bind`` and return its result."""
        with translating_errors():
            executed = self._open().execute(statement.text, values)
            if not statement.returns_rows:
                return Result(count=max(executed.rowcount, 0))
            rows = executed.fetchall()
        columns = _columns(executed)
        return Result(read_rows(columns, rows), len(rows), tuple(kind for _, kind in columns))

    def execute_hashing(self, statement: Statement, values: Sequence[Any]) -> Result:
        """Do the same; where the statement returns no rows, add a hash of those it changed."""
        if statement.hashing_text is None:
            return self.execute(statement, values)
        hashes = self.command(statement.hashing_text, values)
        return Result(count=len(hashes), changes=hash(tuple(hashes)))

    def stream(self, query: str, params: Sequence[Any] | None = None) -> Iterator[list[Row]]:
        """Yield the rows of ``query``, block by block.

        Raises:
            QueryError: when it is not one statement that returns rows.
        """
        statements = self.parse(query)
        if len(statements) != 1 or not statements[0].returns_rows:
            raise QueryError(f"cannot stream {query.strip()!r}: it must be one statement that returns rows")
        columns, blocks = self.open_rows(statements[0], self.bind(statements[0], params))
        for rows in blocks:
            yield read_rows(columns, rows)

    def open_rows(
        self, statement: Statement, values: Sequence[Any]
    ) -> tuple[list[tuple[str, str]], Iterator[list[tuple[Any, ...]]]]:
        """Return name and type of each column of ``statement``, and its rows as they are, in blocks."""
        with translating_errors():
            columns = _columns(self._open().execute(statement.text, values))
        return columns, self._fetch()

    def _fetch(self) -> Iterator[list[tuple[Any, ...]]]:
        while True:
            with translating_errors():
                rows = self._open().fetchmany(STREAM_ROWS)
            if not rows:
                return
            yield rows

    def seed(self, seed: float) -> None:
        """Seed the random values, UUIDs among them."""
        self.command("SELECT setseed($1)", [seed])

    def sequences(self) -> list[tuple[Any, ...]]:
        """Return the position of each sequence, for ``set_sequences``."""
        return self.command(_SEQUENCES)

    def set_sequences(self, positions: Sequence[tuple[Any, ...]]) -> None:
        """Set the positions of sequences; no transaction undoes that."""
        for position in positions:
            self.command("SELECT setval($1, $2, $3)", position)

    def close(self) -> None:
        """Undo what is not committed; each later call raises ``ConnectionLostError``."""
        self._is_closed = True
        self._connection.close()

    def _open(self) -> duckdb.DuckDBPyConnection:
        if self._is_closed:
            raise ConnectionLostError(
                "the database was disconnected meanwhile; what was not committed is undone"
            )
        return self._connection


def _columns(executed: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    return [(name, str(kind)) for name, kind, *_ in executed.description or ()]
