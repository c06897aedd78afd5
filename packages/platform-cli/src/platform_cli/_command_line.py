"""Commands as they are typed, for what is shown to people."""

import os
import shlex


def to_command(*words: str, flags: str = "") -> str:
    """Return a command of the platform, started as this process was, with ``flags`` at its end.

    Without an activated environment, a shell does not find ``platform``: then ``uv run`` has started it.
    """
    program = "uv run platform" if "UV_RUN_RECURSION_DEPTH" in os.environ else "platform"
    return " ".join([program, *map(quote, words)]) + flags


def quote(word: str) -> str:
    """Return a word as a shell reads it; double quotes are what people type around SQL."""
    quoted = shlex.quote(word)
    is_plain = quoted.startswith("'") and not any(each in word for each in "\"'$`\\!")
    return f'"{word}"' if is_plain else quoted
