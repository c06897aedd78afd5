"""Fields of records that have no column: counted by name, so that none is lost in silence."""

from collections import Counter
from collections.abc import Iterable, Sequence

MAX_NAMES = 100  # counted by name; an input may make up a name for each line
MAX_NAME_CHARACTERS = 100


class UnstoredFields:
    """The fields without a column of the rows of a chunk.

    Attributes:
        duplicates: how many rows with such fields the run had met shortly before.
        unique: the indexes of the others among the unique rows of the chunk.
    """

    def __init__(self) -> None:
        self._shapes = Counter[tuple[str, ...]]()  # few lines of a chunk differ in their fields
        self._rows = set[int]()
        self.duplicates = 0
        self.unique: tuple[int, ...] = ()

    @property
    def lines(self) -> int:
        """Return how many lines have such fields."""
        return len(self._rows)

    def add(self, names: tuple[str, ...], row_index: int) -> None:
        """Count the fields of a row."""
        self._rows.add(row_index)
        self._shapes[names] += 1

    def names(self) -> Iterable[tuple[str, int]]:
        """Yield fields, each with a number of lines that have it; one may come again."""
        for shape, lines in self._shapes.items():
            for name in shape:
                yield name, lines

    def split(self, rows: Sequence[object], unique: Sequence[object]) -> None:
        """Find which of the rows with such fields are in ``unique``, which has the order of ``rows``."""
        indexes, position = list[int](), 0
        for index, row in enumerate(rows if self._rows else ()):
            is_unique = position < len(unique) and unique[position] is row
            if index in self._rows:
                if is_unique:
                    indexes.append(position)
                else:
                    self.duplicates += 1
            position += is_unique
        self.unique = tuple(indexes)


class FieldCounts:
    """How many lines have each field: ``MAX_NAMES`` names at most, and the others together."""

    def __init__(self) -> None:
        self._by_name: dict[str, int] = {}
        self._others = 0

    def add(self, name: str, lines: int) -> None:
        """Count a field of so many lines."""
        if len(name) > MAX_NAME_CHARACTERS:
            name = f"{name[:MAX_NAME_CHARACTERS]}…"
        if name in self._by_name or len(self._by_name) < MAX_NAMES:
            self._by_name[name] = self._by_name.get(name, 0) + lines
        else:
            self._others += lines

    def merge(self, other: "FieldCounts") -> None:
        """Add the counts of other lines."""
        for name, lines in other._by_name.items():
            self.add(name, lines)
        self._others += other._others

    def as_fields(self) -> dict[str, int]:
        """Return the counts by name, the largest first."""
        counts = dict(sorted(self._by_name.items(), key=lambda item: (-item[1], item[0])))
        return counts | ({"(others)": self._others} if self._others else {})
