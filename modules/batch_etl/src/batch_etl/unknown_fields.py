"""Fields of events that have no column: counted by name, so that none is lost in silence."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

FIELDS = frozenset({"event_type", "payload", "source"})
FIELD_COUNT = len(FIELDS)
MAX_NAMES = 100  # counted by name; an input may make up a name for each line
MAX_NAME_CHARACTERS = 100


class UnknownFields:
    """The unknown fields of the events of a chunk, as ``prepare`` meets them.

    Attributes:
        are_rejected: whether a line that has some is to be rejected.
        duplicates: how many events with some the run had met shortly before.
        unique: the indices of the others among the unique events of the chunk.
    """

    def __init__(self, policy: str = "warn") -> None:
        self._are_counted, self.are_rejected = policy == "warn", policy == "reject"
        self._shapes = Counter[tuple[str, ...]]()  # few lines of a chunk differ in their fields
        self._events = set[int]()
        self.duplicates = 0
        self.unique: tuple[int, ...] = ()

    @property
    def lines(self) -> int:
        """How many accepted lines have unknown fields."""
        return len(self._events)

    def accept(self, event: Mapping[str, Any], index: int) -> bool:
        """Count the fields of the event that will be at ``index``; False when its line is to be rejected."""
        if self._are_counted:
            self._events.add(index)
            self._shapes[tuple(event)] += 1
        return not self.are_rejected

    def names(self) -> Iterable[tuple[str, int]]:
        """Yield unknown fields, each with a number of accepted lines that have it; one may come again."""
        for shape, lines in self._shapes.items():
            for name in shape:
                if name not in FIELDS:
                    yield name, lines

    def part(self, events: Sequence[object], unique: Sequence[object]) -> None:
        """Note which events with unknown fields are in ``unique``, whose order is that of ``events``."""
        kept, position = list[int](), 0
        for index, event in enumerate(events if self._events else ()):
            is_unique = position < len(unique) and unique[position] is event
            if index in self._events:
                if is_unique:
                    kept.append(position)
                else:
                    self.duplicates += 1
            position += is_unique
        self.unique = tuple(kept)


class FieldCounts:
    """How many lines have each field; of ``MAX_NAMES`` names at most, the others together."""

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

    def as_fields(self) -> dict[str, int]:
        """Return the counts by name, the largest first."""
        counts = dict(sorted(self._by_name.items(), key=lambda item: (-item[1], item[0])))
        return counts | ({"(others)": self._others} if self._others else {})
