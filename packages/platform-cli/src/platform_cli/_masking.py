"""No secret reaches an output: what looks like one is hidden, and so is each value known to be one."""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

MIN_KNOWN_LENGTH = 6
"""A shorter value is hidden by its form only: it would be found in the middle of ordinary words."""

_SEPARATORS = re.compile(r"[\s#@/?:&%\[\],;'\"\\]+")
_ORDINARY = re.compile(
    "database|default|embedded|localhost|memory|passwor[dt]|platform|postgres|postgresql|pretty|production|"
    "public|schema|secret|staging|string|testing|username",
    re.IGNORECASE,
)
_SHELL_NAMES = {"OLDPWD", "PWD"}  # directories
_MAX_CACHED_CHARACTERS = 200
# Of the process, because messages are made before and after a run, too.
_known: set[str] = set()
_words: list[str] = []


def remember_arguments(words: Iterable[str]) -> None:
    """Remember the secrets of a command line, and forget those of an earlier one in the same process."""
    _known.clear()
    _hide_short.cache_clear()
    _words[:] = words


def remember_settings(values: Mapping[str, str]) -> None:
    """Remember the secrets among environment variables or the values of an env file."""
    from platform_cli._secret_forms import find_secrets, is_secret_name

    for name, value in values.items():
        if name in _SHELL_NAMES:
            continue
        if is_secret_name(name) or (name.upper().endswith("_KEY") and not value.islower()):
            _remember(value.strip())
        for secret in find_secrets(value) if ":" in value or "=" in value else ():
            _remember(secret, *_split(secret))


def hide_secrets(text: str) -> str:
    """Return ``text`` with ``***`` for each secret in it; the examples of our own advice stay."""
    if _words:
        _read_words()
    return _hide_short(text) if len(text) <= _MAX_CACHED_CHARACTERS else _hide(text)


def _hide(text: str) -> str:
    from platform_cli._secret_forms import HIDDEN, hide_forms

    if found := [each for each in _known if each in text]:
        text = _replace_all(text, found, HIDDEN)
    return hide_forms(text)


_hide_short = lru_cache(1024)(_hide)  # a log repeats the same names of files and reasons


def _replace_all(text: str, secrets: list[str], mark: str) -> str:
    # What several of them have in common is part of each: none leaves the end of another.
    spans = sorted(found.span() for each in secrets for found in re.finditer(re.escape(each), text))
    parts, end = [], 0
    for start, stop in spans:
        if start >= end:
            parts += [text[end:start], mark]
        end = max(end, stop)
    return "".join([*parts, text[end:]])


def hide_in(value: Any, name: str = "") -> Any:
    """Return a value of the log without secrets: text, also in lists and mappings; ``name`` is its field."""
    try:
        return _hide_in(value, name)
    except Exception:  # noqa: BLE001 - a cycle, depth, a change by another thread: logging never raises
        return hide_secrets(_repr(value))


def _repr(value: object) -> str:
    try:
        return repr(value)
    except Exception:  # noqa: BLE001 - a broken __repr__ must not stop the job
        return f"<{type(value).__name__}>"


def _hide_in(value: Any, name: str) -> Any:
    if value is None or isinstance(value, int | float):  # a number of secrets is not a secret
        return value
    if isinstance(value, Mapping):
        return {_hide_key(key): _hide_in(item, _name_of(key)) for key, item in value.items()}
    if isinstance(value, list | tuple):
        items = [_hide_in(item, name) for item in value]
        return items if isinstance(value, list) else tuple(items)
    if not isinstance(value, str):
        return _hide_named(name) or value  # its text is made, and hidden, when it is written
    return (_hide_named(name) if value else None) or hide_secrets(value)


def _hide_key(key: Any) -> Any:
    return hide_secrets(key) if isinstance(key, str) else key


def _name_of(key: Any) -> str:
    return key if isinstance(key, str) else ""


@lru_cache(256)
def _hide_named(name: str) -> str | None:
    """Return what is shown instead of any text of this name; None where the text is shown."""
    from platform_cli._secret_forms import HIDDEN, is_secret_name

    return HIDDEN if is_secret_name(name) else None


def _read_words() -> None:
    # Not before a message is made: a help needs none of this.
    from platform_cli._secret_forms import find_secrets, is_secret_name

    option = ""
    words = list(_words)
    _words.clear()
    for word in words:
        name, is_pair, value = word.partition("=") if word.startswith("--") else (option, True, word)
        if is_pair and is_secret_name(name):
            _remember(value)
        for secret in (*find_secrets(word), *(find_secrets(value) if is_pair else ())):
            _remember(secret, *_split(secret))
        option = name if word.startswith("--") else ""


def _split(secret: str) -> list[str]:
    from urllib.parse import unquote

    # A parser that splits a URL at the wrong position reports a part of the password.
    return [*_SEPARATORS.split(secret), *_SEPARATORS.split(unquote(secret))]


def _remember(*secrets: str) -> None:
    import json
    from urllib.parse import quote, unquote

    for secret in secrets:
        forms = {secret, unquote(secret), quote(secret, safe="", errors="surrogatepass")}
        quoted = {write(each)[1:-1] for each in forms for write in (repr, json.dumps)}
        for form in forms | quoted:
            if len(form) >= MIN_KNOWN_LENGTH and not _ORDINARY.fullmatch(form):
                _known.add(form)
    _hide_short.cache_clear()
