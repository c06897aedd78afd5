"""Transactions with savepoints, which DuckDB lacks."""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from secrets import SystemRandom
from typing import Any

from platform_interfaces import DatabaseError, TransactionAbortedError, TransactionConflictError
from platform_memory._session import Result, Session
from platform_memory._statement import Statement

_random = SystemRandom()


@dataclass(frozen=True)
class _Conditions:
    """What a statement's result depends on besides the tables; NOW() is a variable of the session."""

    seed: float
    sequences: list[tuple[Any, ...]]


@dataclass(frozen=True)
class _Step:
    statement: Statement
    values: Sequence[Any]
    conditions: _Conditions
    result: Result


class Transaction:
    """A transaction that can be rolled back in part: rolled back as a whole, and its first steps repeated.

    A step repeated under its old conditions generates the same ids, times and random values. Nothing else
    runs meanwhile, but others may have committed since: a step with another result ends the transaction
    with ``TransactionConflictError``.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._steps: list[_Step] = []
        self._failure: DatabaseError | None = None
        session.command("BEGIN; SET VARIABLE transaction_start = transaction_timestamp()")

    def run(self, query: str, params: Sequence[Any] | None = None) -> Result:
        """Run ``query`` and return the result of its last statement; after an error, only a rollback helps.

        Raises:
            TransactionAbortedError: after an error.
        """
        self._require_no_failure()
        result = Result()
        with self._failing():
            statements = self._session.parse(query)
            for statement in statements:
                result = self._take(statement, self._session.bind(statement, params))
        return result

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Return a block whose statements alone are undone when an exception leaves it."""
        self._require_no_failure()
        mark = len(self._steps)
        try:
            yield
            self._require_no_failure()
        except BaseException:
            self._roll_back_to(mark)
            raise

    def commit(self) -> None:
        """Commit the transaction.

        Raises:
            TransactionAbortedError: when an error was swallowed.
            TransactionConflictError: when another transaction has committed the same keys.
        """
        self._require_no_failure()
        self._session.command("COMMIT")

    def _take(self, statement: Statement, values: Sequence[Any]) -> Result:
        if not statement.changes_data:
            return self._session.execute(statement, values)
        conditions = _Conditions(_random.random(), self._session.sequences())
        self._session.seed(conditions.seed)
        result = self._session.execute_hashing(statement, values)
        self._steps.append(_Step(statement, values, conditions, result))
        return result

    def _roll_back_to(self, mark: int) -> None:
        if mark == len(self._steps) and self._failure is None:
            return
        self._failure = None
        del self._steps[mark:]
        with closing(self._session.another()) as outside:
            positions = outside.sequences()
            try:
                with self._failing():
                    self._session.command("ROLLBACK; BEGIN")
                    for step in self._steps:
                        self._repeat(step)
            finally:  # others may have got ids since the steps were first taken
                outside.set_sequences(positions)

    def _repeat(self, step: _Step) -> None:
        try:
            self._session.set_sequences(step.conditions.sequences)
            self._session.seed(step.conditions.seed)
            is_same = self._session.execute_hashing(step.statement, step.values) == step.result
        except DatabaseError as error:
            raise _conflict() from error
        if not is_same:
            raise _conflict()

    @contextmanager
    def _failing(self) -> Iterator[None]:
        try:
            yield
        except DatabaseError as error:
            self._failure = error
            raise

    def _require_no_failure(self) -> None:
        if self._failure:
            raise TransactionAbortedError(
                f"an error was swallowed inside transaction(), all of it is rolled back: {self._failure}"
            ) from self._failure


def _conflict() -> TransactionConflictError:
    return TransactionConflictError(
        "another transaction has changed what this one had read before its nested block was rolled back: "
        "retry the whole transaction"
    )
