"""Checks that are made one after the other: none stops the others, and none takes for ever."""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass

from platform_cli._blame import Owner, attribute
from platform_cli._masking import hide_secrets
from platform_cli._text import printable
from platform_cli.failures import describe
from platform_cli.settings import Settings
from platform_interfaces import (
    CheckStatus,
    ConfigurationError,
    ConnectionLostError,
    Finding,
    MissingSecretError,
)

CHECK_SECONDS = 10.0
"""How long a check may take, unless it says otherwise."""

_SETTING = re.compile(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b")

Find = Callable[[], Awaitable[Finding]]


@dataclass(frozen=True)
class CheckResult:
    """What became of one check; ``remedy`` is empty where nothing need be done."""

    name: str
    status: CheckStatus
    found: str
    remedy: str
    seconds: float


class Examination:
    """The checks that were made.

    Args:
        settings: those that are examined.
        notify: is called with the name of each check before it is made.

    Attributes:
        results: what became of them, in their order.
        owners: whose code each package is, for errors.
    """

    def __init__(self, settings: Settings, notify: Callable[[str], None]) -> None:
        self.results: list[CheckResult] = []
        self.owners: Mapping[str, Owner] = {}
        self._settings, self._notify = settings, notify

    async def check(self, name: str, find: Find, *, seconds: float | None = None, remedy: str = "") -> bool:
        """Make a check, and return whether it did not fail.

        Args:
            name: what it is about.
            find: what it raises is a failure.
            seconds: its time limit, where it is not ``CHECK_SECONDS``.
            remedy: what to do about what it raises.
        """
        self._notify(name)
        started = time.monotonic()
        try:
            finding = await self._find(find, seconds or CHECK_SECONDS, remedy)
        except asyncio.CancelledError:
            self.add(name, Finding(CheckStatus.SKIPPED, "it was interrupted"))
            raise
        self.add(name, finding, time.monotonic() - started)
        return finding.status != CheckStatus.FAILED

    def add(self, name: str, finding: Finding, seconds: float = 0.0) -> None:
        """Add what was found by other means."""
        found, remedy = (
            printable(hide_secrets(" ".join(each.split()))) for each in (finding.text, finding.remedy)
        )
        self.results.append(CheckResult(printable(name), finding.status, found, remedy, round(seconds, 3)))

    def skip(self, names: Iterable[str], reason: str) -> None:
        """Add checks that cannot be made, because of what another has found."""
        for name in names:
            self.add(name, Finding(CheckStatus.SKIPPED, reason))

    async def _find(self, find: Find, seconds: float, remedy: str) -> Finding:
        # Not wait_for: it would wait for what does not end when it is cancelled, too.
        task = asyncio.ensure_future(_call(find))
        try:
            await asyncio.wait({task}, timeout=seconds)
        finally:
            task.cancel()
        if not task.done():
            text = f"it was given up after {seconds:g} s without an answer"
            return Finding(CheckStatus.FAILED, text, "see whether what it asks is overloaded or out of reach")
        if error := task.exception():
            text = describe(attribute(error, self.owners))
            return Finding(CheckStatus.FAILED, text, remedy or advise(error, self._settings))
        return task.result()


async def _call(find: Find) -> Finding:
    try:
        return await find()
    except (KeyboardInterrupt, SystemExit) as error:  # let through, it would end the event loop
        raise RuntimeError(f"it ended with {type(error).__name__}: {error}") from error


def advise(error: BaseException, settings: Settings) -> str:
    """Return what to do about an error: which setting to change, and where it is set."""
    origins = {name: settings.values.layer_of(name) for name in _SETTING.findall(str(error))}
    found = [f"{name} in {layer.name}" for name, layer in origins.items() if layer]
    if isinstance(error, ConnectionLostError):
        return f"start the server, or correct {' or '.join(found) or 'the setting that leads to it'}"
    if isinstance(error, MissingSecretError) and origins:
        return f"set {next(iter(origins))} in the environment or in .env/{settings.env.value}.env"
    if isinstance(error, ConfigurationError) and found:
        return f"correct {' or '.join(found)}"
    return "mend what it names; 'platform config' lists the settings and where each comes from"
