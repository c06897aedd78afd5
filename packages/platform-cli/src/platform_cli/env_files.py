"""The folder ``.env/`` of a project and the files in it."""

import shlex
import stat
from collections.abc import Mapping
from pathlib import Path

from platform_cli._secret_forms import has_secret_for_elsewhere, is_secret_name
from platform_interfaces import ConfigurationError

_SECRET_WORDS = {"KEY", "PASSPHRASE", "PASSWORD", "SECRET", "TOKEN"}
_LOCATION_WORDS = {"FILE", "PATH"}  # of where a secret is, which is not secret


def find_project(start: Path) -> Path | None:
    """Return the nearest folder, from ``start`` upwards, whose ``.env/`` has env files, or None."""
    # A virtual environment may be called .env, too; it holds no *.env file.
    return next((folder for folder in (start, *start.parents) if env_names(folder)), None)


def find_stray_file(start: Path) -> Path | None:
    """Return a file ``.env`` where the folder was looked for, or None: it is not read."""
    project = find_project(start)
    above = [folder for folder in start.parents if project and folder.is_relative_to(project)]
    return next((file for folder in (start, *above) if (file := folder / ".env").is_file()), None)


def how_to_move(stray: Path) -> str:
    """Return what to do about a file ``.env``: settings are read from files in a folder of this name."""
    file, aside = shlex.quote(str(stray)), shlex.quote(f"{stray}.old")
    return (
        f"{str(stray)!r} is a file and is not read: settings belong in the folder '.env/', such as "
        f"'.env/local.env'; to move it: mv {file} {aside} && mkdir {file} && mv {aside} {file}/local.env"
    )


def env_names(project: Path) -> list[str]:
    """Return the environments that have a file in the project, sorted."""
    return sorted(file.stem for file in (project / ".env").glob("*.env") if file.is_file())


def env_file(project: Path, env: str) -> Path:
    """Return the path of the file of an environment, whether or not it exists."""
    return project / ".env" / f"{env}.env"


def read_env_file(file: Path) -> Mapping[str, str]:
    """Return the values of an env file, taken literally: ``$`` and ``{}`` in a value mean themselves.

    Raises:
        ConfigurationError: when the file cannot be read, or a line is not ``KEY=value``; names file and line,
            never the content.
    """
    from io import StringIO

    from dotenv.parser import parse_stream

    values: dict[str, str] = {}
    for binding in parse_stream(StringIO(_read_text(file))):
        if binding.error or (binding.key and binding.value is None):
            text = binding.original.string
            line = binding.original.line + text[: -len(text.lstrip())].count("\n")
            raise ConfigurationError(f"line {line} of {str(file)!r} is not KEY=value")
        if binding.key and binding.value is not None:
            values[binding.key] = binding.value
    return values


def exposure(file: Path, values: Mapping[str, str]) -> str | None:
    """Return what to do about an env file with secrets that other users can read, or None.

    A secret is a URL or a keyword string with a password, in whatever form, unless it leads to this machine,
    and a value whose name has one of the words KEY, PASSPHRASE, PASSWORD, SECRET and TOKEN, or says so in
    another way (PGPASSWORD, DB_PWD).
    """
    secrets = [
        name
        for name, value in values.items()
        if value and (names_secret(name) or has_secret_for_elsewhere(value))
    ]
    if not secrets or not file.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH):
        return None
    return (
        f"other users can read {str(file)!r}, which has {', '.join(map(repr, secrets))}: "
        f"run chmod 600 {shlex.quote(str(file))}"
    )


def names_secret(name: str) -> bool:
    """Return whether a setting is a secret by its name; see ``exposure``."""
    words = set(name.upper().split("_"))
    is_named_so = bool(words & _SECRET_WORDS) and not words & _LOCATION_WORDS
    return is_named_so or is_secret_name(name)


def _read_text(file: Path) -> str:
    try:
        data = file.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"env file {str(file)!r} cannot be read: {error.strerror}") from error
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        # Without the cause: it carries the bytes of the whole file.
        raise ConfigurationError(f"line {line} of {str(file)!r} is not UTF-8: save it as UTF-8") from None
