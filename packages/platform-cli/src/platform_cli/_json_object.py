"""Read a JSON object so that every problem in it is found, not just the first."""

from collections.abc import Sequence
from typing import Any, TypeVar

from platform_cli._text import did_you_mean

T = TypeVar("T")

_WORDS = {bool: "true or false", dict: "an object", list: "a list", str: "a string"}


class JsonObject:
    """An object of a JSON file; what is wrong in it is added to ``problems``, with its key."""

    def __init__(self, values: dict[str, Any], where: str, problems: list[str]) -> None:
        self._values, self._where, self._problems = dict(values), where, problems
        self._known: list[str] = []

    def problem(self, key: str, text: str) -> None:
        """Record what is wrong with ``key``."""
        self._problems.append(f"{self._where}{key}: {text}")

    def get(self, key: str, kind: type[T], default: T) -> T:
        """Return the value, or ``default`` where it is missing or, which is a problem, of another type."""
        self._known.append(key)
        value = self._values.pop(key, default)
        if isinstance(value, kind):
            return value
        self.problem(key, f"it must be {_WORDS[kind]}, not {value!r}")
        return default

    def choice(self, key: str, allowed: Sequence[str]) -> str:
        """Return the string at ``key``, which is one of ``allowed``."""
        value = self.get(key, str, "")
        if value not in allowed:
            known = ", ".join(allowed)
            self.problem(key, f"{value!r} is none of {known}{did_you_mean(value, allowed)}")
        return value

    def object(self, key: str) -> "JsonObject":
        """Return the object at ``key``, empty where it is missing."""
        return JsonObject(self.get(key, dict, {}), f"{self._where}{key}.", self._problems)

    def objects(self, key: str) -> "list[JsonObject]":
        """Return the objects in the list at ``key``."""
        found = []
        for index, value in enumerate(self.get(key, list, [])):
            if isinstance(value, dict):
                found.append(JsonObject(value, f"{self._where}{key}[{index}].", self._problems))
            else:
                self.problem(f"{key}[{index}]", f"it must be an object, not {value!r}")
        return found

    def names(self, key: str, allowed: Sequence[str] = ()) -> tuple[str, ...]:
        """Return the strings in the list at ``key``, each one of ``allowed`` where that is given."""
        values = self.get(key, list, [])
        for index, value in enumerate(values):
            if not isinstance(value, str) or (allowed and value not in allowed):
                wanted = f"one of {', '.join(allowed)}" if allowed else "a string"
                hint = did_you_mean(value, allowed) if isinstance(value, str) else ""
                self.problem(f"{key}[{index}]", f"it must be {wanted}, not {value!r}{hint}")
        return tuple(values)

    def finish(self) -> None:
        """Record each key that was not read."""
        for key in self._values:
            self.problem(key, f"unknown key{did_you_mean(key, self._known)}")
