"""Rows that are held as columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from operator import itemgetter
from typing import Any, Self, overload


class Columns(Sequence[dict[str, Any]]):
    """Rows held as one sequence of values a column: less memory than a dict a row, and quicker to insert.

    It is the sequence of its rows, each of which is made when it is asked for; a slice is of the same kind.
    """

    def __init__(self, values: Mapping[str, Sequence[Any]]) -> None:
        """The values of each column, by its name; they are held, not copied.

        Raises:
            ValueError: when there is no column, or one is longer than another.
        """
        lengths = set(map(len, values.values()))
        if len(lengths) != 1:
            raise ValueError(f"columns must be of one length, and at least one: these have {sorted(lengths)}")
        [self._length] = lengths
        self._values = dict(values)

    @classmethod
    def concatenated(cls, parts: Sequence[Columns]) -> Self:
        """The rows of all ``parts``, at least one, which have the same columns."""
        names = parts[0].names
        return cls({name: list(chain.from_iterable(part.column(name) for part in parts)) for name in names})

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns, in their order."""
        return tuple(self._values)

    def column(self, name: str) -> Sequence[Any]:
        """The values of one column, in the order of the rows."""
        return self._values[name]

    def take(self, indices: Iterable[int]) -> Self:
        """The rows at ``indices``, in that order."""
        where = list(indices)
        return type(self)(
            {name: list(map(values.__getitem__, where)) for name, values in self._values.items()}
        )

    def with_columns(self, values: Mapping[str, Sequence[Any]]) -> Self:
        """The same rows with more columns, or others in the place of those of the same names.

        Raises:
            ValueError: when one has another length.
        """
        return type(self)({**self._values, **values})

    def __len__(self) -> int:
        """The number of rows."""
        return self._length

    @overload
    def __getitem__(self, index: int) -> dict[str, Any]: ...
    @overload
    def __getitem__(self, index: slice) -> Self: ...
    def __getitem__(self, index: int | slice) -> dict[str, Any] | Self:
        """A row, or the rows of a slice."""
        picked = {name: values[index] for name, values in self._values.items()}
        return type(self)(picked) if isinstance(index, slice) else picked


def column_values(rows: Sequence[Mapping[str, Any]], name: str) -> Sequence[Any]:
    """The values of a column, in the order of ``rows``.

    Raises:
        KeyError: when a row has no such column.
    """
    return rows.column(name) if isinstance(rows, Columns) else list(map(itemgetter(name), rows))
