"""The name of a new package, in each of its spellings."""

import re
from dataclasses import dataclass
from unicodedata import normalize

from platform_interfaces import ConfigurationError

MAX_LENGTH = 30
"""The longest name: with it, each line of the templates still fits into that of the formatter."""

_WORDS = re.compile("[a-z][a-z0-9]*(_[a-z0-9]+)*")


@dataclass(frozen=True)
class Name:
    """A name in one or several words; ``snake`` is its spelling in Python."""

    snake: str

    @property
    def kebab(self) -> str:
        """Return the spelling of distributions."""
        return self.snake.replace("_", "-")

    @property
    def upper(self) -> str:
        """Return the spelling of settings."""
        return self.snake.upper()

    @property
    def camel(self) -> str:
        """Return the spelling of classes."""
        return "".join(word.capitalize() for word in self.snake.split("_"))

    @property
    def spellings(self) -> tuple[str, ...]:
        """Return all of them, always in the same order."""
        return self.snake, self.kebab, self.upper, self.camel


def parse_name(text: str) -> Name:
    """Return the name that ``text``, in kebab or snake case, spells.

    Raises:
        ConfigurationError: when it cannot name a package; says which name is near.
    """
    snake = text.replace("-", "_")
    if _is_valid(snake):
        return Name(snake)
    words = re.sub("(?<=[a-z0-9])(?=[A-Z])", "_", normalize("NFKD", text)).encode("ascii", "ignore").decode()
    near = re.sub("[^a-z0-9]+", "_", words.lower()).lstrip("_0123456789")[:MAX_LENGTH].strip("_")
    raise ConfigurationError(
        f"{text!r} cannot name a package: use words of lower-case ASCII letters and digits, joined by '_' or "
        f"'-', with a letter first and at most {MAX_LENGTH} characters"
        + (f", such as {near!r}" if _is_valid(near) else "")
    )


def _is_valid(snake: str) -> bool:
    return _WORDS.fullmatch(snake) is not None and len(snake) <= MAX_LENGTH
