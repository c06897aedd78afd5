"""The flags every command takes, each also settable as ``PLATFORM_…``."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Flag:
    """One global flag; ``kind`` is what it chooses an implementation of, None where it chooses none."""

    name: str
    kind: str | None
    default: str
    help: str

    @property
    def key(self) -> str:
        """The name as Python spells it."""
        return self.name.replace("-", "_")

    @property
    def variable(self) -> str:
        """The environment variable that sets it, too."""
        return f"PLATFORM_{self.key.upper()}"


FLAGS = (
    Flag("env", None, "local", "Environment: settings come from .env/ENV.env, too"),
    Flag("db", "database", "embedded", "Database to run on"),
    Flag("fs", "filesystem", "local", "File system to read and write"),
    Flag("log", "logging", "pretty", "How to log, to standard error"),
    Flag("secrets", "secrets", "env", "Where secrets are looked up"),
    Flag("auto-migrate", None, "on in local and test", "Apply pending migrations before a module runs"),
)
