"""Text for people: hints for mistyped names, and values that cannot disturb a terminal."""

import re
from collections.abc import Iterable

# Up to the last "@" of the line: a password that is not percent-encoded may have blanks and an "@" itself.
_PASSWORD_IN_URL = re.compile(r"(://[^:@/\s]*:).*@")


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`` (did you mean 'x'?)`` for the nearest known name, or nothing when none is near."""
    from difflib import get_close_matches

    by_lower_case = {each.lower(): each for each in known}
    nearest = get_close_matches(name.lower(), by_lower_case, n=1)
    return f" (did you mean {by_lower_case[nearest[0]]!r}?)" if nearest else ""


def printable(text: str) -> str:
    """``text`` on one line, control characters and lone surrogates shown as escapes."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else repr(character)[1:-1] for character in text)


def hide_passwords(text: str) -> str:
    """``text`` with ``***`` for the password of a URL that somebody gave in the place of a name."""
    return _PASSWORD_IN_URL.sub(r"\1***@", text)
