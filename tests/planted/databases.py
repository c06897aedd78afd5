"""Databases with one fault each."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, ClassVar

from platform_interfaces import (
    ConnectionLostError,
    DatabaseError,
    DataError,
    NotConnectedError,
    QueryError,
    QueryResult,
    Row,
    TransactionConflictError,
)
from platform_memory import MemoryDatabase
from platform_memory._locks import NamedLocks
from platform_postgres import PostgresDatabase
from platform_postgres._sessions import Sessions
from tests.planted.subscriptions import noticed_by

Params = Sequence[Any] | None
Rows = Sequence[Mapping[str, Any]]
SIBLINGS = "test_transactions_of_sibling_tasks_are_independent"


@noticed_by(SIBLINGS, "test_a_task_started_inside_a_transaction_has_transactions_of_its_own")
class SiblingsShareOneTransaction(MemoryDatabase):
    def _current(self) -> Any:
        return next(iter(self._transactions.values()), None)


@noticed_by(SIBLINGS)
class TransactionsCommitAtOnce(MemoryDatabase):
    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        yield


@noticed_by("test_a_second_instance_sees_what_is_committed")
class RollsBackInsteadOfCommitting(PostgresDatabase):
    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        with suppress(StopAsyncIteration):
            async with super().transaction():
                yield
                raise StopAsyncIteration


@noticed_by("test_each_nested_block_is_undone_alone")
class NestedBlocksAreNotUndone(MemoryDatabase):
    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        if self._current():
            yield
            return
        async with super().transaction():
            yield


@noticed_by("test_of_two_transactions_with_one_key_one_is_kept_and_one_raises")
class ConflictIsSwallowed(MemoryDatabase):
    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        with suppress(DatabaseError):
            async with super().transaction():
                yield


@noticed_by("test_a_refused_commit_raises_and_keeps_nothing")
class RefusedCommitIsSwallowed(PostgresDatabase):
    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        with suppress(DataError):
            async with super().transaction():
                yield


@noticed_by("test_a_query_that_may_only_read_changes_nothing", "test_a_sequence_stays_where_it_is")
class QueriesMayAlwaysWrite(PostgresDatabase):
    @asynccontextmanager
    async def open_query(self, query: str, *, is_read_only: bool) -> AsyncIterator[QueryResult]:
        async with super().open_query(query, is_read_only=False) as result:
            yield result


@noticed_by("test_a_query_does_not_join_a_transaction")
class QueriesJoinTheTransaction(MemoryDatabase):
    @asynccontextmanager
    async def open_query(self, query: str, *, is_read_only: bool) -> AsyncIterator[QueryResult]:
        async with super().open_query(query, is_read_only=is_read_only) as result:
            rows = await self.fetch_all(query)
            yield QueryResult(result.columns, _iterate(rows))


async def _iterate(rows: Sequence[Row]) -> AsyncGenerator[tuple[Any, ...], None]:
    for row in rows:
        yield tuple(row.values())


class _LockInOneProcess(PostgresDatabase):
    def __init__(self, secrets: Any) -> None:
        super().__init__(secrets)
        self._names = NamedLocks()

    @asynccontextmanager
    async def lock(self, name: str, *, timeout: float) -> AsyncIterator[None]:
        if not self.is_connected():
            raise NotConnectedError("call connect()")
        async with self._names.hold(name, timeout):
            yield


@noticed_by("test_a_lock_excludes_a_second_instance", "test_a_lock_excludes_another_process_until_that_dies")
class LockExcludesWithinOneObjectOnly(_LockInOneProcess):
    pass


_PROCESS_LOCKS = NamedLocks()


@noticed_by("test_a_lock_excludes_another_process_until_that_dies")
class LockExcludesWithinOneProcessOnly(_LockInOneProcess):
    def __init__(self, secrets: Any) -> None:
        super().__init__(secrets)
        self._names = _PROCESS_LOCKS


@noticed_by("test_a_lock_excludes_another_process_until_that_dies")
class LockOutlivesItsProcess(PostgresDatabase):
    @asynccontextmanager
    async def lock(self, name: str, *, timeout: float) -> AsyncIterator[None]:
        await self.execute("CREATE TABLE IF NOT EXISTS locks (name TEXT UNIQUE)")
        for _ in range(30):
            if await self.bulk_insert("locks", [{"name": name}], skip_conflicts_on=["name"]):
                break
        else:
            raise ConnectionLostError("held")
        yield
        await self.execute("DELETE FROM locks WHERE name = $1", [name])


@noticed_by("test_a_lock_excludes_a_second_instance")
class LocksOfOthersAreNotSeen(PostgresDatabase):
    def __init__(self, secrets: Any) -> None:
        super().__init__(secrets)
        self._held = set[str]()

    @asynccontextmanager
    async def lock(self, name: str, *, timeout: float) -> AsyncIterator[None]:
        async with super().lock(name, timeout=timeout):
            self._held.add(name)
            yield
        self._held.discard(name)

    async def is_locked(self, name: str) -> bool:
        return name in self._held


@noticed_by("test_locks_leave_the_connections_to_statements")
class LockTakesAConnectionOfThePool(PostgresDatabase):
    @asynccontextmanager
    async def lock(self, name: str, *, timeout: float) -> AsyncIterator[None]:
        async with self._sessions.acquire(), super().lock(name, timeout=timeout):
            yield


@noticed_by("test_a_cancelled_holder_frees_its_lock")
class CancelledHolderKeepsItsLock(MemoryDatabase):
    @asynccontextmanager
    async def lock(self, name: str, *, timeout: float) -> AsyncIterator[None]:
        held = super().lock(name, timeout=timeout)
        await held.__aenter__()
        try:
            yield
        except asyncio.CancelledError:
            _PROCESS_LOCKS.__dict__.setdefault("kept", []).append(held)
            raise
        except BaseException:
            await held.__aexit__(None, None, None)
            raise
        await held.__aexit__(None, None, None)


class _InBatches:
    """Inserts each batch by a call of its own."""

    async def bulk_insert(
        self, table: str, rows: Rows, *, skip_conflicts_on: Sequence[str] = (), batch_size: int | None = None
    ) -> int:
        insert: Callable[..., Awaitable[int]] = super().bulk_insert  # type: ignore[misc]
        size, count = min(batch_size or 1000, 1000), 0
        for start in range(0, len(rows), size):
            part = rows[start : start + size]
            count += await insert(table, part, skip_conflicts_on=skip_conflicts_on)
        return count


KEPT = (
    "test_no_batch_is_kept_when_the_last_one_fails",
    "test_no_batch_is_kept_when_a_late_row_is_there_already",
)


@noticed_by(*KEPT)
class BulkInsertKeepsSomeBatches(_InBatches, PostgresDatabase):
    pass


@noticed_by(*KEPT)
class BulkInsertKeepsSomeBatchesInMemory(_InBatches, MemoryDatabase):
    pass


@noticed_by("test_rows_of_a_bulk_insert_are_seen_all_at_once")
class BulkInsertUndoesItsBatchesByHand(_InBatches, MemoryDatabase):
    pass


@noticed_by("test_of_many_rows_only_those_really_inserted_are_counted")
class BulkInsertCountsTheRowsItSends(MemoryDatabase):
    async def bulk_insert(self, table: str, rows: Rows, **options: Any) -> int:
        await super().bulk_insert(table, rows, **options)
        return len(rows)


@noticed_by("test_of_many_rows_only_those_really_inserted_are_counted")
class BulkInsertSortsTheRowsOfItsCaller(MemoryDatabase):
    async def bulk_insert(self, table: str, rows: Rows, **options: Any) -> int:
        if isinstance(rows, list) and "name" in rows[0]:
            rows.sort(key=lambda row: str(row["name"]))
        return await super().bulk_insert(table, rows, **options)


@noticed_by("test_one_call_takes_more_values_than_one_statement")
class BulkInsertTakesWhatOneStatementTakes(MemoryDatabase):
    async def bulk_insert(self, table: str, rows: Rows, **options: Any) -> int:
        if len(rows) * len(rows[0]) > 32_767:
            raise QueryError("the number of query arguments cannot exceed 32767")
        return await super().bulk_insert(table, rows, **options)


class _SessionsThatKeepConnections(Sessions):
    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[Any]:
        acquired = super().acquire()
        connection = await acquired.__aenter__()
        try:
            yield connection
        except asyncio.CancelledError:
            self.__dict__.setdefault("kept", []).append(acquired)
            raise
        except BaseException:
            await acquired.__aexit__(None, None, None)
            raise
        await acquired.__aexit__(None, None, None)


@noticed_by("test_a_cancelled_call_gives_its_connection_back")
class CancelledCallKeepsItsConnection(PostgresDatabase):
    def __init__(self, secrets: Any) -> None:
        super().__init__(secrets)
        self._sessions = _SessionsThatKeepConnections(self._settings)


@noticed_by("test_a_cancelled_statement_does_not_run_on")
class CancelledStatementRunsOn(PostgresDatabase):
    """The statement runs in a task that no cancellation reaches."""

    async def execute(self, query: str, params: Params = None, **options: Any) -> int:
        if self._sessions.current():
            return await super().execute(query, params, **options)
        return await asyncio.shield(super().execute(query, params, **options))

    async def fetch_one(self, query: str, params: Params = None) -> Row | None:
        if self._sessions.current():
            return await super().fetch_one(query, params)
        return await asyncio.shield(super().fetch_one(query, params))

    async def fetch_all(self, query: str, params: Params = None) -> list[Row]:
        if self._sessions.current():
            return await super().fetch_all(query, params)
        return await asyncio.shield(super().fetch_all(query, params))

    async def bulk_insert(self, table: str, rows: Rows, **options: Any) -> int:
        return await asyncio.shield(super().bulk_insert(table, rows, **options))

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        if asyncio.current_task() is None or self._sessions.current():
            yield
            return
        async with super().transaction():
            try:
                yield
            except asyncio.CancelledError:
                await super().execute("INSERT INTO items (name) VALUES ('ran on')")
                _swallow(self)


def _swallow(_: object) -> None:
    """Stand where the cancellation should have been raised again."""


class _SessionsThatKeepFailedConnections(Sessions):
    @asynccontextmanager
    async def session(self) -> AsyncIterator[Any]:
        session = super().session()
        connection = await session.__aenter__()
        try:
            yield connection
        except Exception as error:
            self.__dict__.setdefault("kept", []).append(session)
            raise QueryError("failed") from error
        await session.__aexit__(None, None, None)


@noticed_by("test_an_error_gives_the_connection_back")
class FailedCallKeepsItsConnection(PostgresDatabase):
    def __init__(self, secrets: Any) -> None:
        super().__init__(secrets)
        self._sessions = _SessionsThatKeepFailedConnections(self._settings)


@noticed_by("test_a_stream_does_not_read_all_rows_first")
class StreamReadsAllFirst(PostgresDatabase):
    async def stream(self, query: str, params: Params = None) -> AsyncGenerator[Row, None]:
        for row in await self.fetch_all(query, params):
            yield row


@noticed_by("test_a_stream_does_not_read_all_rows_first")
class StreamReadsAllFirstInMemory(MemoryDatabase):
    async def stream(self, query: str, params: Params = None) -> AsyncGenerator[Row, None]:
        for row in await self.fetch_all(query, params):
            yield row


class _MistranslatingSessions(Sessions):
    mistaken: tuple[type[DatabaseError], type[DatabaseError]]

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Any]:
        try:
            async with super().session() as connection:
                yield connection
        except self.mistaken[0] as error:
            raise self.mistaken[1](str(error)) from error


class _Mistranslating(PostgresDatabase):
    """Reports one kind of error as another."""

    mistaken: ClassVar[tuple[type[DatabaseError], type[DatabaseError]]]

    def __init__(self, secrets: Any) -> None:
        super().__init__(secrets)
        self._sessions = _MistranslatingSessions(self._settings)
        self._sessions.mistaken = self.mistaken


@noticed_by("test_a_deadlock_is_an_error_that_a_retry_helps")
class DeadlockIsNotTransient(_Mistranslating):
    mistaken = (TransactionConflictError, QueryError)


@noticed_by("test_a_lost_connection_is_reported_as_what_a_retry_helps")
class LostConnectionIsAQueryError(_Mistranslating):
    mistaken = (ConnectionLostError, QueryError)

    async def stream(self, query: str, params: Params = None) -> AsyncGenerator[Row, None]:
        try:
            async for row in super().stream(query, params):
                yield row
        except ConnectionLostError as error:
            raise QueryError(str(error)) from error


@noticed_by("test_health_check_never_raises", "test_calls_after_disconnect_are_refused")
class HealthCheckRaises(MemoryDatabase):
    async def health_check(self) -> bool:
        return await self.fetch_one("SELECT 1 AS one") is not None


@noticed_by("test_a_database_that_is_not_there_is_reported")
class HealthCheckConnects(PostgresDatabase):
    async def health_check(self) -> bool:
        await self.connect()
        return True


@noticed_by("test_disconnect_leaves_no_connection")
class DisconnectLeavesConnections(PostgresDatabase):
    _kept: ClassVar[list[Any]] = []

    async def disconnect(self) -> None:
        self._kept.append(self._sessions)
        self._sessions = Sessions(self._settings)


class _DisconnectForgets(MemoryDatabase):
    def _require_connection(self) -> Any:
        if self._database is None:
            raise NotConnectedError("call connect()")
        return self._database


@noticed_by("test_calls_after_disconnect_are_refused")
class QueriesWorkAfterDisconnect(_DisconnectForgets):
    pass


@noticed_by("test_calls_after_disconnect_are_refused")
class QueriesAfterDisconnectRaiseAnotherError(MemoryDatabase):
    def _require_connection(self) -> Any:
        if not self.is_connected():
            raise ConnectionLostError("connect() was not called")
        return super()._require_connection()


@noticed_by("test_it_can_be_connected_again_and_again")
class CannotBeConnectedAgain(MemoryDatabase):
    async def disconnect(self) -> None:
        await super().disconnect()
        self._database = None


@noticed_by("test_no_error_shows_a_value_of_a_row")
class ErrorsShowValues(MemoryDatabase):
    async def execute(self, query: str, params: Params = None, **options: Any) -> int:
        with _showing(params):
            return await super().execute(query, params, **options)

    async def fetch_one(self, query: str, params: Params = None) -> Row | None:
        with _showing(params):
            return await super().fetch_one(query, params)

    async def stream(self, query: str, params: Params = None) -> AsyncGenerator[Row, None]:
        with _showing(params):
            async for row in super().stream(query, params):
                yield row

    async def bulk_insert(self, table: str, rows: Rows, **options: Any) -> int:
        with _showing(rows):
            return await super().bulk_insert(table, rows, **options)


class _showing:  # noqa: N801 - used like a function
    def __init__(self, values: object) -> None:
        self._values = values

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, DataError):
            error.add_note(repr(self._values))


@noticed_by("test_a_statement_may_have_a_time_limit_of_its_own")
class StatementWithALimitIsNotRun(MemoryDatabase):
    async def execute(self, query: str, params: Params = None, **options: Any) -> int:
        return 0 if options else await super().execute(query, params)


@noticed_by("test_fetch_one_returns_the_first_of_many_rows")
class FetchOneReturnsTheLastRow(MemoryDatabase):
    async def fetch_one(self, query: str, params: Params = None) -> Row | None:
        return ([None, *await self.fetch_all(query, params)])[-1]


@noticed_by("test_calls_at_once_have_their_own_parameters_and_results")
class CallsShareTheirParameters(MemoryDatabase):
    _params: Params = None

    async def _run(self, query: str, params: Params) -> Any:
        self._params = params
        await asyncio.sleep(0)
        return await super()._run(query, self._params)


@noticed_by("test_statements_after_a_transaction_are_kept_by_themselves")
class TransactionOutlivesItsBlock(PostgresDatabase):
    async def execute(self, query: str, params: Params = None, **options: Any) -> int:
        is_left = self._sessions._transaction.get() is not None
        if self._sessions.current() is None and is_left:
            return 0
        return await super().execute(query, params, **options)


@noticed_by("test_to_close_what_was_never_opened_does_nothing")
class DisconnectNeedsAConnection(MemoryDatabase):
    async def disconnect(self) -> None:
        if not self.is_connected():
            raise NotConnectedError("call connect() first")
        await super().disconnect()
