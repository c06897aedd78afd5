"""The interfaces that an implementation is chosen for when a job starts: one row for each.

Flags, settings, registry, ``module.json`` and container derive from this table.
"""

from dataclasses import dataclass

from platform_interfaces import (
    DatabaseInterface,
    ExecutorInterface,
    FileSystemInterface,
    LoggingInterface,
    SecretsInterface,
)


@dataclass(frozen=True)
class Interface:
    """All that the command knows about an interface.

    Attributes:
        kind: its name in ``module.json``; adapters are entry points of the group ``platform.<kind>``.
        type: the class that an adapter implements.
        field: the attribute of ``PlatformContext`` that has the adapter.
        label: what an adapter is called in messages.
        flag: the option that chooses an adapter; ``PLATFORM_<FLAG>`` is the variable.
        default: the name of the adapter that is used where none is chosen.
        has_deployed_default: whether ``default`` holds in staging and production, too.
        help: the help of the option.
    """

    kind: str
    type: type
    field: str
    label: str
    flag: str
    default: str
    help: str
    has_deployed_default: bool = True


INTERFACES = (
    Interface(
        kind="database",
        type=DatabaseInterface,
        field="db",
        label="database",
        flag="db",
        default="embedded",
        has_deployed_default=False,
        help="Database to run on",
    ),
    Interface(
        kind="filesystem",
        type=FileSystemInterface,
        field="fs",
        label="file system",
        flag="fs",
        default="local",
        help="File system to read and write",
    ),
    Interface(
        kind="logging",
        type=LoggingInterface,
        field="log",
        label="logger",
        flag="log",
        default="pretty",
        help="How to log, to standard error",
    ),
    Interface(
        kind="secrets",
        type=SecretsInterface,
        field="secrets",
        label="secret store",
        flag="secrets",
        default="env",
        help="Where secrets are looked up",
    ),
    Interface(
        kind="executor",
        type=ExecutorInterface,
        field="executor",
        label="executor",
        flag="executor",
        default="inline",
        help="What does the work of a run",
    ),
)
