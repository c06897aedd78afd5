"""How much of a run is shown, and in which form."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class RunOptions:
    """The options of a command that runs a module.

    Attributes:
        is_verbose: the log has all there is.
        is_quiet: the log has errors only, and no progress is shown.
        is_json: the result is one JSON object, and nothing else is printed to standard output.
    """

    is_verbose: bool = False
    is_quiet: bool = False
    is_json: bool = False

    @property
    def settings(self) -> Mapping[str, str]:
        """Return the settings that these options give; they win over the environment and every store."""
        level = "DEBUG" if self.is_verbose else "ERROR" if self.is_quiet else ""
        return {"LOG_LEVEL": level} if level else {}
