"""The flags every command takes, each also settable as ``PLATFORM_…``."""

from dataclasses import dataclass

from platform_cli.interfaces import INTERFACES


@dataclass(frozen=True)
class Flag:
    """One global flag; ``kind`` is the interface whose adapter it chooses, None for other flags."""

    name: str
    kind: str | None
    default: str
    help: str

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
AUTO_MIGRATE = Flag(
    "auto-migrate", None, "on in local and test", "Apply pending migrations before a module runs"
)

FLAGS = (ENV, *ADAPTER_FLAGS.values(), AUTO_MIGRATE)
