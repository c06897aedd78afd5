"""The errors that a module logged last: why it failed, for the last line of its output."""

import threading
from collections.abc import Mapping
from typing import Any

from platform_cli._masking import hide_in
from platform_cli._render import show

_SHOWN = 3


class LastErrors:
    """The last errors that one thread logged without another event of its own between them."""

    def __init__(self) -> None:
        self._errors: list[tuple[str, Mapping[str, Any]]] = []
        self._is_over, self._thread = False, 0

    def add(self, message: str, fields: Mapping[str, Any]) -> None:
        """Remember an error."""
        if self._is_over:
            self._errors.clear()
        self._is_over, self._thread = False, threading.get_ident()
        if len(self._errors) < _SHOWN:
            self._errors.append((message, fields))

    def end_group(self) -> None:
        """End the group because another event was logged: the next error begins a new one."""
        if self._thread == threading.get_ident():  # progress is logged from another one
            self._is_over = True

    def __str__(self) -> str:
        """Return the errors in words; empty without one."""
        return "; ".join(_in_words(message, fields) for message, fields in self._errors)


def _in_words(message: str, fields: Mapping[str, Any]) -> str:
    """Return the message and its reason; without a reason, the fields say what happened."""
    values = {name: hide_in(value, name) for name, value in fields.items()}
    if "reason" in values:
        reason = values["reason"]
        return f"{message}: {reason if isinstance(reason, str) else show(reason)}"
    shown = ", ".join(f"{name}={show(value)}" for name, value in values.items())
    return f"{message} ({shown})" if shown else message
