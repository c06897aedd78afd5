"""The flags every command takes, each also settable as ``PLATFORM_…``."""

from dataclasses import dataclass

from platform_cli.interfaces import INTERFACES


@dataclass(frozen=True)
class Flag:
    """One global flag.

    Attributes:
        name: without the dashes.
        kind: the interface whose adapter it chooses; None for other flags.
        default: in words.
        help: what it does.
        switch: its options where it takes no value, as click declares them.
        metavar: what its value is called in the help.
    """

    name: str
    kind: str | None
    default: str
    help: str
    switch: str = ""
    metavar: str = "NAME"

    @property
    def key(self) -> str:
        """Return the name as Python spells it."""
        return self.name.replace("-", "_")

    @property
    def variable(self) -> str:
        """Return the name of the environment variable that sets it, too."""
        return f"PLATFORM_{self.key.upper()}"


ENV = Flag("env", None, "local", "Environment: settings come from .env/ENV.env, too")
ADAPTER_FLAGS = {each.kind: Flag(each.flag, each.kind, each.default, each.help) for each in INTERFACES}
WORKERS = Flag("workers", None, "1", "How many workers a run may have", metavar="N|auto")
AUTO_MIGRATE = Flag(
    "auto-migrate",
    None,
    "on in local and test",
    "Apply pending migrations before a module runs",
    switch="--auto-migrate/--no-auto-migrate",
)
DEBUG = Flag("debug", None, "off", "Show the trace of a failure", switch="--debug")
DETAILED_EXIT_CODES = Flag(
    "detailed-exit-codes",
    None,
    "off",
    "Exit with a code of its own for each kind of failure",
    switch="--detailed-exit-codes",
)

FLAGS = (ENV, *ADAPTER_FLAGS.values(), WORKERS, AUTO_MIGRATE, DEBUG, DETAILED_EXIT_CODES)
