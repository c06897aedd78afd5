"""The connection URL, split into libpq's parameters; an invalid one is refused with what to change."""

from __future__ import annotations

import re
from urllib.parse import unquote

from platform_interfaces import ConfigurationError

_URL = re.compile(
    r"postgres(?:ql)?://(?:(?P<user>[^:@/?#]*)(?::(?P<password>[^@/?#]*))?@)?"
    r"(?P<hosts>[^@/?#]*)(?:/(?P<dbname>[^@/?#]*))?(?:\?(?P<query>[^@#]*))?"
)
_HOST = re.compile(r"(?:\[(?P<v6>[^\]\[]+)\]|(?P<name>[^:\[\]]*))(?::(?P<port>[^:]*))?")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.:-]{0,30})://")
_KEYWORDS = re.compile(r"\s*(host|hostaddr|port|dbname|user|password|service|sslmode)\s*=")
_ESCAPES = {"#": "%23", "/": "%2F", "?": "%3F", "@": "%40", "%": "%25", " ": "%20"}
URL_FORM = "postgresql://user:password@host:5432/name"
"""The very text that the CLI does not mask as a secret; another example would be hidden."""

_FORM = f"(the form is {URL_FORM})"
# asyncpg's and JDBC's names for two of libpq's parameters.
_ALIASES = {"database": "dbname", "ssl": "sslmode"}


def split_url(url: str, setting: str) -> dict[str, str]:
    """Return the parameters that ``url`` has a value for, by libpq's names.

    Raises:
        ConfigurationError: when it cannot be read; says what to change and shows no part of a password.
    """
    if problem := _find_problem(url):
        raise ConfigurationError(f"the connection URL in {setting} {problem}")
    found = _URL.fullmatch(url)
    if found is None:
        raise ConfigurationError(f"the connection URL in {setting} {_advise_escapes(url)}")
    parameters: dict[str, str] = {}
    hosts, ports = _split_hosts(found["hosts"], setting)
    given = [("user", found["user"]), ("password", found["password"]), ("dbname", found["dbname"])]
    given += [("host", hosts), ("port", ports)]
    for name, text in given:
        if text:
            parameters[name] = _unescape(name, text, setting)
    for name, value in _split_query(found["query"] or "", setting):
        if name in parameters:
            raise ConfigurationError(
                f"the connection URL in {setting} has {name!r} twice: leave one of them out"
            )
        parameters[name] = value
    return parameters


def _find_problem(url: str) -> str | None:
    """Return what is wrong before the host, in words that end the sentence "the connection URL …"."""
    scheme = _SCHEME.match(url)
    if url != url.strip():
        return "has a blank or a line end before or after it: remove it"
    if len(url) > 1 and url[0] == url[-1] and url[0] in "'\"`":
        return f"stands in quotes: remove the {url[0]} at both ends"
    if _KEYWORDS.match(url):
        return f"is a string of keywords (host=… dbname=…), which is not read: write a URL {_FORM}"
    if found := re.search(r"postgres(ql)?://", url):
        if found.start() and scheme and url[: found.start()].lower() == "jdbc:":
            return "begins with 'jdbc:': remove these five characters"
        if found.start():
            return f"does not begin with postgresql://: remove the {found.start()} characters before it"
    elif scheme and (driver := re.fullmatch(r"(?:jdbc:)?postgres(?:ql)?(\+[a-z0-9_]+)", scheme[1])):
        return f"begins with {scheme[0]!r}: remove {driver[1]!r}"
    elif scheme and re.fullmatch(r"[A-Za-z+.:-]+", scheme[1]):
        return f"begins with {scheme[0]!r}: it must begin with 'postgresql://' {_FORM}"
    else:
        return f"does not begin with 'postgresql://' {_FORM}"
    if blank := re.search(r"[\s\0]", url):
        return f"has {blank[0]!r} inside: write it as %{ord(blank[0]):02X}"
    if not url.isascii() and any("\ud800" <= character <= "\udfff" for character in url):
        return "has bytes that are not UTF-8: write them as %XX"
    return None


def _advise_escapes(url: str) -> str:
    """Return the characters of a password or name that probably split the URL at the wrong position."""
    authority = url.partition("://")[2]
    before = authority.rpartition("@")[0]
    found = [character for character in "#/?@" if character in before] or [
        character for character in "#@" if character in authority
    ]
    advice = ", ".join(f"{character!r} as {_ESCAPES[character]}" for character in found)
    return (
        f"cannot be read: inside a user, password or name write {advice or _list_escapes()} (and '%' as %25)"
    )


def _list_escapes() -> str:
    return ", ".join(f"{character!r} as {escape}" for character, escape in _ESCAPES.items())


def _split_hosts(text: str, setting: str) -> tuple[str, str]:
    """Return the hosts and the ports, each joined by commas; no ports where none is given."""
    hosts, ports = [], []
    for part in text.split(","):
        found = _HOST.fullmatch(part)
        if found is None:
            raise ConfigurationError(
                f"the connection URL in {setting} has a host that cannot be read: "
                "write an IPv6 address as [::1], and ':' inside a user or password as %3A"
            )
        hosts.append(found["v6"] or found["name"])
        ports.append(found["port"] or "")
    return ",".join(hosts), ",".join(ports) if any(ports) else ""


def _split_query(query: str, setting: str) -> list[tuple[str, str]]:
    found = []
    for part in filter(None, query.split("&")):
        name, equals, text = part.partition("=")
        if not equals:
            raise ConfigurationError(
                f"the connection URL in {setting} has a part after '?' without a '=': write name=value, "
                "joined by '&', and '?' inside a user or password as %3F"
            )
        name = _unescape("a name after '?'", name, setting)
        if not text:
            raise ConfigurationError(
                f"{name!r} in the connection URL ({setting}) has no value: give it one or leave it out"
            )
        if name == "options":  # '+' is itself to libpq, and a blank to most others who write such URLs
            text = re.sub(r"(?<=-c)\+|\+(?=-)", " ", text)
        found.append(_translate(name, _unescape(name, text, setting), setting))
    return found


def _translate(name: str, value: str, setting: str) -> tuple[str, str]:
    if name == "ssl":
        if value != "true":
            raise ConfigurationError(
                f"'ssl' in the connection URL ({setting}) can only be 'true': use 'sslmode'"
            )
        value = "require"
    return _ALIASES.get(name, name), value


def _unescape(name: str, text: str, setting: str) -> str:
    if re.search(r"%(?![0-9A-Fa-f]{2})", text):
        raise ConfigurationError(f"{name} in the connection URL ({setting}) has a '%': write it as %25")
    try:
        value = unquote(text, errors="strict")
    except UnicodeDecodeError:  # its text would quote the value
        value = "\0"
    if "\0" in value:
        raise ConfigurationError(
            f"{name} in the connection URL ({setting}) is not text: write '%' inside it as %25"
        )
    return value
