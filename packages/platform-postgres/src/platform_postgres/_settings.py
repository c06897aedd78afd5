"""The settings of the pool."""

import re
from dataclasses import dataclass
from typing import Self

from platform_interfaces import ConfigurationError, SecretsInterface

CONTROL_TIMEOUT_SECONDS = 300.0
CONNECT_TIMEOUT_SECONDS = 10.0


@dataclass(frozen=True)
class PoolSettings:
    """The sizes of the pool and its timeouts; a statement timeout of 0 means no limit."""

    min_size: int
    max_size: int
    statement_timeout_ms: int
    connect_timeout_seconds: float | None = None
    """The value of ``DB_POSTGRES_CONNECT_TIMEOUT``; 0 means no limit, None that it is not set."""

    @classmethod
    def read(cls, secrets: SecretsInterface) -> Self:
        """Return the settings that the variables ``DB_POSTGRES_…`` give.

        Raises:
            ConfigurationError: when one is not a number in its range.
        """
        max_size = _whole_number(secrets, "DB_POSTGRES_POOL_MAX", default=10, minimum=1, maximum=10_000)
        min_size = _whole_number(
            secrets, "DB_POSTGRES_POOL_MIN", default=min(2, max_size), minimum=0, maximum=max_size
        )
        timeout = _whole_number(
            secrets, "DB_POSTGRES_STATEMENT_TIMEOUT", default=30_000, minimum=0, maximum=2**31 - 1
        )
        return cls(min_size, max_size, timeout, _read_connect_timeout(secrets))

    @property
    def statement_timeout_seconds(self) -> float | None:
        """Return the same limit in seconds; None means no limit."""
        return self.statement_timeout_ms / 1000 or None

    @property
    def control_timeout_seconds(self) -> float:
        """Return the limit for COMMIT and the like, and for the wait for a connection."""
        return self.statement_timeout_seconds or CONTROL_TIMEOUT_SECONDS


def _read_connect_timeout(secrets: SecretsInterface) -> float | None:
    text = (secrets.get("DB_POSTGRES_CONNECT_TIMEOUT") or "").strip()
    if not text:
        return None
    if not re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,3})?", text):
        raise ConfigurationError(
            f"DB_POSTGRES_CONNECT_TIMEOUT must be a number of seconds, not {text!r}; 0 means no limit"
        )
    return float(text)


def _whole_number(secrets: SecretsInterface, key: str, *, default: int, minimum: int, maximum: int) -> int:
    text = secrets.get_or_default(key, str(default)).strip()
    if not (text.isascii() and text.isdigit() and minimum <= int(text[:12]) <= maximum):
        raise ConfigurationError(f"{key} must be a whole number from {minimum} to {maximum}, not {text!r}")
    return int(text)
