"""Rows stored as columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from operator import itemgetter
from typing import Any, Self, overload


class Columns(Sequence[dict[str, Any]]):
    """Rows stored as one sequence of values per column: less memory than a dict per row, faster to insert.

    It is the sequence of its rows, each of which is made on access; a slice is a ``Columns``, too.
    """

    def __init__(self, values: Mapping[str, Sequence[Any]]) -> None:
        """Keep the values of each column, by its name, without copying them.

        Raises:
            ValueError: when there are no columns, or their lengths differ.
        """
        lengths = set(map(len, values.values()))
        if len(lengths) != 1:
            raise ValueError(f"columns must be of one length, and at least one: these have {sorted(lengths)}")
        [self._length] = lengths
        self._values = dict(values)

    @classmethod
    def concatenated(cls, parts: Sequence[Columns]) -> Self:
        """Return the rows of all ``parts``, at least one, which have the same columns."""
        names = parts[0].names
        return cls({name: list(chain.from_iterable(part.column(name) for part in parts)) for name in names})

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the columns, in their order."""
        return tuple(self._values)

    def column(self, name: str) -> Sequence[Any]:
        """Return the values of a column, in the order of the rows."""
        return self._values[name]

    def take(self, indices: Iterable[int]) -> Self:
        """Return the rows at ``indices``, in that order."""
        row_indexes = list(indices)
        return type(self)(
            {name: list(map(values.__getitem__, row_indexes)) for name, values in self._values.items()}
        )

    def with_columns(self, values: Mapping[str, Sequence[Any]]) -> Self:
        """Return the same rows with columns added, or replaced where a name exists.

        Raises:
            ValueError: when a column has another length.
        """
        return type(self)({**self._values, **values})

    def __len__(self) -> int:
        """Return the number of rows."""
        return self._length

    @overload
    def __getitem__(self, index: int) -> dict[str, Any]: ...
    @overload
    def __getitem__(self, index: slice) -> Self: ...
    def __getitem__(self, index: int | slice) -> dict[str, Any] | Self:
        """Return a row, or the rows of a slice."""
        picked = {name: values[index] for name, values in self._values.items()}
        return type(self)(picked) if isinstance(index, slice) else picked


def column_values(rows: Sequence[Mapping[str, Any]], name: str) -> Sequence[Any]:
    """Return the values of a column, in the order of ``rows``.

    Raises:
        KeyError: when a row has no such column.
    """
    return rows.column(name) if isinstance(rows, Columns) else list(map(itemgetter(name), rows))
