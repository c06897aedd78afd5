"""The arguments of a recorded run, as they are typed."""

from typing import Any

from platform_cli.arguments import to_words
from platform_cli.history.record import RunRecord
from platform_cli.manifest import Argument, read_manifest
from platform_interfaces import ConfigurationError


def list_words(record: RunRecord) -> list[str]:
    """Return the words of a command line that give a run its arguments, without those of defaults."""
    return to_words(find_arguments(record.module), record.arguments, record.environment)


def order_arguments(record: RunRecord) -> dict[str, Any]:
    """Return the arguments in the order of ``module.json``; the database does not keep one."""
    names = [each.name for each in find_arguments(record.module) if each.name in record.arguments]
    return {name: record.arguments[name] for name in [*names, *sorted({*record.arguments} - {*names})]}


def find_arguments(module: str) -> tuple[Argument, ...]:
    """Return the arguments that a module has now; none where it is not installed any more."""
    try:
        return read_manifest(module).arguments
    except ConfigurationError:
        return ()
