"""One statement of any kind, and its result in constant memory."""

import asyncio
from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from platform_interfaces import QueryError, QueryResult, ReadOnlyError
from platform_memory._session import Session
from platform_memory._statement import Statement
from platform_memory._values import read_names, read_values


@contextmanager
def open_query(session: Session, query: str, *, is_read_only: bool) -> Iterator[QueryResult]:
    """Yield the result of ``query`` in a transaction of ``session``; see ``DatabaseInterface``."""
    statements = session.parse(query)
    if len(statements) > 1:
        raise QueryError("there are several statements, of which none was run: give one at a time")
    if is_read_only and not any(statement.returns_rows for statement in statements):
        # ATTACH, SET and the like, which a transaction that is READ ONLY does not refuse.
        raise ReadOnlyError("only reading is allowed, and the statement returns no rows")
    session.command("BEGIN TRANSACTION READ ONLY" if is_read_only else "BEGIN")
    yield _run(session, statements[0]) if statements else QueryResult((), _iterate([]))
    session.command("ROLLBACK" if is_read_only else "COMMIT")


def _run(session: Session, statement: Statement) -> QueryResult:
    values = session.bind(statement, None)
    if not statement.returns_rows:
        return QueryResult((), _iterate([]), session.execute(statement, values).count)
    columns, blocks = session.open_rows(statement, values)
    return QueryResult(read_names(columns), _iterate(read_values(columns, block) for block in blocks))


async def _iterate(blocks: Iterable[Iterable[tuple[Any, ...]]]) -> AsyncGenerator[tuple[Any, ...], None]:
    for block in blocks:
        await asyncio.sleep(0)
        for row in block:
            yield row
