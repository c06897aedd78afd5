"""Text for people: hints for mistyped names, and values that cannot disturb a terminal."""

from collections.abc import Iterable


def did_you_mean(name: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    """Return `` (did you mean 'x'?)`` for the nearest known name, or nothing when none is near."""
    near = find_near(name, known, cutoff)
    return f" (did you mean {near!r}?)" if near else ""


def find_near(name: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    """Return the nearest known name, empty when none is near.

    One is near, too, when it alone begins as ``name`` does: ``prod`` is short for ``production``.
    """
    from difflib import get_close_matches

    by_lower_case = {each.lower(): each for each in known}
    nearest = get_close_matches(name.lower(), by_lower_case, n=1, cutoff=cutoff)
    if not nearest and len(name) > 1:
        nearest = [each for each in by_lower_case if each.startswith(name.lower())]
    return by_lower_case[nearest[0]] if len(nearest) == 1 else ""


def printable(text: str) -> str:
    """Return ``text`` on one line, control characters and lone surrogates shown as escapes."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else repr(character)[1:-1] for character in text)
