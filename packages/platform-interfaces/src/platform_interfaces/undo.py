"""Taking back what one run of a module has written."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Undo:
    """How the rows are removed that one run has inserted: what a module's ``undo`` returns.

    ``undo`` is called with the context of that run: its arguments, its id and its figures. It changes
    nothing.

    Attributes:
        rows: how many rows of the run there are.
        recorded: how many the run has recorded; None where it did not get so far.
        remove: removes them, in the transaction that is open then, and returns how many they were.
        lock: the name of the lock that runs hold while they write such rows; it is held until the end of that
            transaction. Empty where there is none.
    """

    rows: int
    recorded: int | None
    remove: Callable[[], Awaitable[int]]
    lock: str = ""
