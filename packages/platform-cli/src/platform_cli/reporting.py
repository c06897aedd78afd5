"""How this process reports a failure: as its command line asks for it, then as its settings do."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from platform_cli.flags import ADAPTER_FLAGS

_LOG = ADAPTER_FLAGS["logging"]


@dataclass
class Reporting:
    """How a failure is reported, and what there is to report.

    Attributes:
        shows_trace: whether its trace is shown.
        has_detailed_codes: whether each kind of failure has an exit code of its own.
        has_json_log: whether standard error is read by programs.
        has_json_result: whether standard output is.
        is_answered: whether a result was written to standard output.
        failure: what was reported last.
    """

    shows_trace: bool = False
    has_detailed_codes: bool = False
    has_json_log: bool = False
    has_json_result: bool = False
    is_answered: bool = False
    failure: BaseException | None = None

    def begin(self, words: Sequence[str]) -> None:
        """Begin with what a command line says, because it may be wrong before there are settings."""
        asked = [value for name, value in pairwise((*words, "")) if name == f"--{_LOG.name}"]
        asked += [word.partition("=")[2] for word in words if word.startswith(f"--{_LOG.name}=")]
        self.shows_trace, self.has_detailed_codes = "--debug" in words, False
        self.has_json_log = "json" in (asked or [os.environ.get(_LOG.variable, "")])
        self.has_json_result = "--json" in words
        self.is_answered, self.failure = False, None


REPORTING = Reporting()
