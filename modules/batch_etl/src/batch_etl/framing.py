"""How the records of a file are framed, where its lines show that it is not one JSON object a line."""

from collections.abc import Sequence


def find_framing_hint(lines: Sequence[bytes]) -> str | None:
    """Return what the first ``lines`` of a file look like, and what to do; None when unknown."""
    return None
