"""The forms in which secrets are written, for every output and for the warning about env files."""

import re
from collections.abc import Callable, Iterator

HIDDEN = "***"

_SECRET_NAME = re.compile(
    r"pass(?:word|wd|phrase|code)|(?:^|[^a-z])pass$|pwd|secret(?!s)|token(?!s|i)|credential|signature|^sig$"
    r"|(?:api|access|account|private|encryption)[_-]?key",
    re.IGNORECASE,
)
_LOCATION_NAME = re.compile(r"(?:file|path|dir)$", re.IGNORECASE)  # of where a secret is, which is not secret
# Examples in messages: hiding them would hide the advice.
_ADVICE = re.compile(r"(postgresql://user:password@host:(?:5432|port)/name)", re.IGNORECASE)
_EXAMPLES = {"", HIDDEN, "...", "…", "password", "secret", "<password>", "<secret>"}

_NO_PORT = r"(?!\d{1,5}(?:[/?#,;)\s'\"]|$))"
# Up to the last "@" of the line: a password that is not percent-encoded may have blanks and an "@" itself.
_IN_URL = re.compile(
    rf"(://[^:@/\n]*:)(.*)@"
    rf"|(://[^:/\n]*@[^:/\n]*:){_NO_PORT}(.*)@"  # Azure's user names have an "@"
    rf"|(postgres\w*(?:\+\w+)?:/{{0,3}}[^:@\n]*:){_NO_PORT}(.*)@",  # one slash, or a user with a "/"
    re.IGNORECASE,
)
# Without "@host" a password stands where the port belongs.
_AS_PORT = re.compile(rf"(://[^:@/\s\[]*:){_NO_PORT}([^\s'\"/@*]+)")
# Bounded, and from its beginning only: otherwise a long word costs the square of its length.
_NAME = r"(?<![\w%.+-])([\w%.+-]{1,80})"
_BARE = r"(?!\.{3})[^\s'\"][^\s]*?(?=[&;][\w%.+-]{1,80}=|['\"]?[:,.)\]}]{0,4}(?:\s|$))"
_PARAMETER = re.compile(
    rf"{_NAME}(\s{{0,8}}=\s{{0,8}})('(?:\\.|''|[^'\\\n])*'|\"(?:\\.|[^\"\\\n])*\"|{_BARE})"
)
_MEMBER = re.compile(r"(?P<q>[\"'])([\w.-]+)(?P=q)(\s*:\s*)((?P<v>[\"'])(?:\\.|(?!(?P=v)).)*(?P=v))")
_AUTHORIZATION = re.compile(r"(authorization\W{1,4}(?:bearer|basic)\s+)([^\s'\"]+)", re.IGNORECASE)

_RAW_URL = re.compile(
    rf"^[^:?@]*(?::[^:/?@]*)*:/{{1,3}}(?P<user>[^:]*):{_NO_PORT}(?P<password>.+)@(?P<rest>[^@]*)$"
    r"|^[^:?@]*:/{1,3}(?P<user2>[^:@/]*):(?P<password2>.+)@(?P<rest2>[^@]*)$"
    r"|^(?P<user3>[^:/@\s=]+):(?!.*://)(?P<password3>.+)@(?P<rest3>[^@/]+.*)$",
    re.DOTALL,
)
_RAW_AS_PORT = re.compile(rf"://[^:@/\s\[]*:{_NO_PORT}(.+)", re.DOTALL)
# With blanks and signs in it, up to what looks like the next parameter.
_RAW_PARAMETER = re.compile(rf"{_NAME}\s{{0,8}}=\s*(.+?)(?=[&;\s][\w%.+-]{{1,80}}\s{{0,8}}=|$)", re.DOTALL)
_RAW_KEYWORD = re.compile(rf"{_NAME}\s{{0,8}}=\s*('(?:\\.|[^'\\])*'|\S*)")
# As in YAML and headers. In a value only: in a message, advice may follow the colon.
_RAW_FIELD = re.compile(r"(?:^|[\s,;&?{])([\w.-]{1,80})\s{0,8}:(?!//)\s{0,8}['\"]?([^\s,;'\"]+)")
_LOCAL_HOST = re.compile(r"(?:localhost|127\.0\.0\.1|\[::1\])?(?:[:/?#]|$)")


def is_secret_name(name: str) -> bool:
    """Return whether a parameter, a field or an option of this name holds a secret."""
    if "%" in name:
        name = _unquote(name)
    return bool(_SECRET_NAME.search(name)) and not _LOCATION_NAME.search(name)


def hide_forms(text: str) -> str:
    """Return ``text`` with ``***`` for each secret that its form shows: URLs, parameters, keywords."""
    if "=" not in text and ":" not in text:
        return text
    # The odd parts are the examples of our own advice.
    parts = _ADVICE.split(text)
    return "".join(part if index % 2 else _hide(part) for index, part in enumerate(parts))


def find_secrets(value: str) -> Iterator[str]:
    """Yield the secrets in the value of a setting or an argument, as they are written there."""
    if found := _RAW_URL.search(value.strip("'\" \t\r\n")):
        user, password, rest = next(found.groups()[i : i + 3] for i in (0, 3, 6) if found.groups()[i + 1])
        # Development's platform:platform@localhost/platform: hidden, no message could be read.
        is_query = re.match(r"\d{1,5}(?:/[^?]*)?\?.*=", password)
        if not is_query and password not in {user, *re.findall(r"[\w.-]+", rest)}:
            yield password
    elif found := _RAW_AS_PORT.search(value):
        yield found[1]
    yield from _raw_parameters(value)


def has_secret_for_elsewhere(value: str) -> bool:
    """Return whether ``value`` has a password, unless it opens something on this machine alone."""
    if not _IN_URL.search(value) and not any(True for _ in _raw_parameters(value)):
        return False
    start = re.match(r".*?://(?:.*@)?", value)
    return not (start and _LOCAL_HOST.match(value, start.end()))


def _raw_parameters(value: str) -> Iterator[str]:
    for name, secret in _RAW_PARAMETER.findall(value):
        if is_secret_name(name) and secret not in _EXAMPLES:
            yield secret
    for name, secret in _RAW_FIELD.findall(value):
        if is_secret_name(name) and secret not in _EXAMPLES:
            yield secret
    if "?" in value or "&" in value or ";" in value:
        for pair in re.split(r"[?&;]", value):
            name, is_pair, secret = pair.partition("=")
            if is_pair and is_secret_name(name.strip()) and secret not in _EXAMPLES:
                yield secret
    if "://" not in value:
        for name, secret in _RAW_KEYWORD.findall(value):
            plain = re.sub(r"\\(.)", r"\1", secret[1:-1]) if secret.startswith("'") else secret
            if is_secret_name(name) and plain not in _EXAMPLES:
                yield plain


def _hide(text: str) -> str:
    if "=" in text:  # first: what has an "@" in it would be split at it
        text = _PARAMETER.sub(_hide_value(1, 2, 3), text)
    text = _MEMBER.sub(_hide_value(2, 3, 4), text)
    if "@" in text:
        text = "\n".join(map(_hide_in_urls, text.split("\n")))
    text = _AS_PORT.sub(rf"\1{HIDDEN}", text)
    return _AUTHORIZATION.sub(rf"\1{HIDDEN}", text)


def _hide_in_urls(line: str) -> str:
    # Behind the last "@" nothing can match, and each URL there would be compared up to the end of the line.
    head, sign, rest = line.rpartition("@")
    return _IN_URL.sub(lambda found: f"{found[1] or found[3] or found[5]}{HIDDEN}@", head + sign) + rest


def _hide_value(name: int, sign: int, value: int) -> Callable[[re.Match[str]], str]:
    def hide(found: re.Match[str]) -> str:
        if not is_secret_name(found[name]) or found[value].strip("'\"") in _EXAMPLES:
            return found[0]
        return found[0][: found.start(value) - found.start()] + HIDDEN

    return hide


def _unquote(name: str) -> str:
    return re.sub(r"%([0-9A-Fa-f]{2})", lambda found: chr(int(found[1], 16)), name)
