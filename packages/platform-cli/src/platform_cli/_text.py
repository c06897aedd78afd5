"""Text for people: hints for mistyped names, and values that cannot disturb a terminal."""

from collections.abc import Iterable


def did_you_mean(name: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    """Return `` (did you mean 'x'?)`` for the nearest known name, or nothing when none is near."""
    from difflib import get_close_matches

    by_lower_case = {each.lower(): each for each in known}
    nearest = get_close_matches(name.lower(), by_lower_case, n=1, cutoff=cutoff)
    return f" (did you mean {by_lower_case[nearest[0]]!r}?)" if nearest else ""


def printable(text: str) -> str:
    """Return ``text`` on one line, control characters and lone surrogates shown as escapes."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else repr(character)[1:-1] for character in text)
