"""What is logged of rejected lines: the first of each reason, and a hint for each file."""

from collections import Counter
from collections.abc import Sequence

from batch_etl.ingest.codes import LineCode, RejectCode
from batch_etl.ingest.framing import find_framing_hint
from batch_etl.ingest.json_lines import JsonLines
from batch_etl.ingest.lines import Chunk
from platform_interfaces import LoggingInterface, Reject

SHOWN_OF_CODE, SHOWN_FREELY = 3, 6  # in a run; more of them say nothing new
SHOWN_HINTS = 10
SAMPLES, SAMPLE_BYTES = 100, 64 * 1024  # lines of a run, and bytes of a line, that a guess is made from
HINT_LINES = 50
_FRAMING_CODES = frozenset(
    {
        LineCode.MALFORMED_JSON,
        LineCode.TRUNCATED_LINE,
        LineCode.NOT_AN_OBJECT,
        LineCode.LINE_TOO_LONG,
        LineCode.NOT_UTF8,
    }
)
"""What lines are rejected for when a file is not one JSON object a line."""


class RejectLog:
    """Logs rejected lines as they come: the first of each reason, and two more while few are shown in all.

    The others are logged as details, and their number is a warning at the end.

    Attributes:
        samples: the first rejected lines of the run, for a guess at the cause.
        hint: the framing of the first file that has one which is not read.
    """

    def __init__(self, log: LoggingInterface, fields: Sequence[str]) -> None:
        self._log, self._fields = log, fields
        self._counts, self._hidden = Counter[str](), Counter[str]()
        self._shown, self._hints, self._hinted = 0, 0, ""
        self.samples = list[bytes]()
        self.hint = ""

    def add(self, chunk: Chunk, rejects: Sequence[Reject]) -> None:
        """Log the rejects of a chunk, and what the lines of a file of JSON look like if they are not JSON."""
        for reject in rejects:
            self._log_one(reject)
            if len(self.samples) < SAMPLES and reject.raw is not None:
                self.samples.append(reject.raw[:SAMPLE_BYTES])
        if self._hinted != chunk.file and isinstance(chunk.format, JsonLines):
            unreadable = next((each for each in rejects if each.reasons[0].code in _FRAMING_CODES), None)
            if unreadable:
                self._log_hint(chunk, chunk.numbers.index(unreadable.line))

    def close(self) -> None:
        """Log how many rejected lines are details only."""
        if self._hidden:
            self._log.warn(
                "More invalid lines, each logged at DEBUG only",
                count=self._hidden.total(),
                by_reason=dict(self._hidden),
            )
        if self._hints > SHOWN_HINTS:
            self._log.warn("More files with such hints, not shown", count=self._hints - SHOWN_HINTS)

    def _log_one(self, reject: Reject) -> None:
        code = reject.reasons[0].code
        name = str(code)
        self._counts[name] += 1
        if self._counts[name] > (SHOWN_OF_CODE if self._shown < SHOWN_FREELY else 1):
            self._hidden[name] += 1
            log = self._log.debug
        else:
            self._shown += 1
            log = self._log.error if isinstance(code, RejectCode) and code.is_error else self._log.warn
        log("Invalid line", reason=name, file=reject.file, line=reject.line)

    def _log_hint(self, chunk: Chunk, index: int) -> None:
        self._hinted = chunk.file  # once for a file, also when nothing is recognised
        if hint := find_framing_hint(chunk.lines[index : index + HINT_LINES], self._fields):
            self._hints += 1
            self.hint = self.hint or hint
            log = self._log.warn if self._hints <= SHOWN_HINTS else self._log.debug
            log("A file is not one JSON object a line", file=chunk.file, hint=hint)
