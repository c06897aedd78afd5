"""What is logged of rejected lines: the first of each reason, and a hint for each file."""

from collections import Counter
from collections.abc import Sequence

from batch_etl.framing import find_framing_hint
from batch_etl.reader import Chunk
from batch_etl.validator import log_invalid
from platform_interfaces import LoggingInterface, Reject

SHOWN_OF_REASON = 5  # in a run; more of them say nothing new
SHOWN_HINTS = 100
SAMPLES, SAMPLE_BYTES = 100, 64 * 1024  # lines of a run, and bytes of a line, that a guess is made from
HINT_LINES = 50
# Reasons that lines have when a file is not one JSON object a line.
_OF_FRAMING = frozenset({"malformed_json", "truncated_line", "not_an_object", "line_too_long", "not_utf8"})


class RejectLog:
    """Logs rejected lines as they come.

    Attributes:
        samples: the first rejected lines of the run, for a guess at the cause.
        hint: the framing of the first file that has one which is not read.
    """

    def __init__(self, log: LoggingInterface) -> None:
        self._log = log
        self._counts, self._hidden = Counter[str](), Counter[str]()
        self._hints, self._hinted = 0, ""
        self.samples = list[bytes]()
        self.hint = ""

    def add(self, chunk: Chunk, rejects: Sequence[Reject]) -> None:
        """Log the rejects of a chunk, and what its lines look like if they are not JSON."""
        for reject in rejects:
            self._log_one(reject)
            if len(self.samples) < SAMPLES and reject.raw is not None:
                self.samples.append(reject.raw[:SAMPLE_BYTES])
        if self._hinted != chunk.file:
            unreadable = next((each for each in rejects if each.reasons[0].code in _OF_FRAMING), None)
            if unreadable:
                self._log_hint(chunk, chunk.numbers.index(unreadable.line))

    def close(self) -> None:
        """Log how many rejected lines were not shown."""
        if self._hidden:
            self._log.warn(
                "More invalid events, not shown each",
                count=self._hidden.total(),
                by_reason=dict(self._hidden),
            )
        if self._hints > SHOWN_HINTS:
            self._log.warn("More files with such hints, not shown", count=self._hints - SHOWN_HINTS)

    def _log_one(self, reject: Reject) -> None:
        code = reject.reasons[0].code
        self._counts[code] += 1
        if self._counts[code] <= SHOWN_OF_REASON:
            log_invalid(self._log, code, file=reject.file, line=reject.line)
        else:
            self._hidden[code] += 1
            self._log.debug("Invalid event", reason=code, file=reject.file, line=reject.line)

    def _log_hint(self, chunk: Chunk, index: int) -> None:
        self._hinted = chunk.file  # once for a file, also when nothing is recognised
        if hint := find_framing_hint(chunk.lines[index : index + HINT_LINES]):
            self._hints += 1
            self.hint = self.hint or hint
            log = self._log.warn if self._hints <= SHOWN_HINTS else self._log.debug
            log("A file is not one JSON object a line", file=chunk.file, hint=hint)
