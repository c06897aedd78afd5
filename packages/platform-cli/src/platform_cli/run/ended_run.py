"""A run that has ended, with all that its summary needs to know of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from platform_cli import registry
from platform_cli._masking import hide_in
from platform_cli.manifest import Manifest
from platform_cli.run.result import RunResult
from platform_cli.settings import Settings

LOCATIONS = ("table", "folder", "rejects_file")
"""Figures that say where a run writes to, where it reads from, and where its rejects are."""


@dataclass(frozen=True)
class EndedRun:
    """How a run ended, and what it was asked to do.

    Attributes:
        result: how it ended.
        manifest: that of its module.
        entry: the function of the module that was called, ``run`` or ``retry``.
        settings: those of the run.
        locations: where its adapters worked, by ``database`` and ``root``; empty where none was opened.
    """

    result: RunResult
    manifest: Manifest
    entry: str
    settings: Settings
    locations: Mapping[str, str]

    @property
    def table(self) -> str:
        """Return the table that it has written to; empty where its figures do not say that."""
        return self._location("table")

    @property
    def folder(self) -> str:
        """Return the folder that it has read from; empty where its figures do not say that."""
        return self._location("folder")

    @property
    def rejects_file(self) -> str:
        """Return the file of its rejects; empty where its figures do not say that."""
        return self._location("rejects_file")

    @property
    def is_dry_run(self) -> bool:
        """Return whether it was asked to write nothing."""
        return self.result.run.arguments.get("dry-run") is True

    @property
    def figures(self) -> Mapping[str, Any]:
        """Return the figures, without secrets."""
        return {name: hide_in(value, name) for name, value in self.result.figures.items()}

    @property
    def arguments(self) -> Mapping[str, Any]:
        """Return the arguments, without secrets."""
        return {name: hide_in(value, name) for name, value in self.result.run.arguments.items()}

    @property
    def is_lasting(self) -> bool:
        """Return whether the rows are still there now that the process ends."""
        database = self.settings.implementations["database"].value
        return database not in registry.FORGETFUL_DATABASES and not self.is_dry_run

    def _location(self, name: str) -> str:
        value = self.figures.get(name)
        return value if isinstance(value, str) else ""
