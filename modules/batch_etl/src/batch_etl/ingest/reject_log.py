"""What is logged of rejected lines: the first of each reason, and a hint for each file."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence

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

    def __init__(self, log: LoggingInterface) -> None:
        self._log = log
        self._counts, self._hidden = Counter[str](), Counter[str]()
        self._shown, self._hints = 0, 0
        self.samples = list[bytes]()
        self.hint = ""

    def add(self, rejects: Iterable[Reject], error_codes: Collection[str] = ()) -> None:
        """Log rejects, in the order of their lines; ``error_codes`` are those that are logged as errors."""
        for reject in rejects:
            self._log_one(reject, error_codes)
            if len(self.samples) < SAMPLES and reject.raw is not None:
                self.samples.append(reject.raw[:SAMPLE_BYTES])

    def add_hint(self, file: str, hint: str) -> None:
        """Log what the lines of a file look like; nothing where that is not known."""
        if hint:
            self._hints += 1
            self.hint = self.hint or hint
            log = self._log.warn if self._hints <= SHOWN_HINTS else self._log.debug
            log("A file is not one JSON object a line", file=file, hint=hint)

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

    def _log_one(self, reject: Reject, error_codes: Collection[str]) -> None:
        code = reject.reasons[0].code
        name = str(code)
        self._counts[name] += 1
        if self._counts[name] > (SHOWN_OF_CODE if self._shown < SHOWN_FREELY else 1):
            self._hidden[name] += 1
            log = self._log.debug
        else:
            self._shown += 1
            log = self._log.error if is_error(reject) or name in error_codes else self._log.warn
        log("Invalid line", reason=name, file=reject.file, line=reject.line)


def is_error(reject: Reject) -> bool:
    """Return whether its code says that it is logged as an error; that of one from a file does not."""
    code = reject.reasons[0].code
    return isinstance(code, RejectCode) and code.is_error


def find_hint(chunk: Chunk, rejects: Sequence[Reject], fields: Sequence[str]) -> str | None:
    """Return what the lines of a file of JSON look like if they are not JSON; empty when that is unknown.

    None is returned where the rejects of the chunk are of another kind, and so say nothing.
    """
    if not isinstance(chunk.format, JsonLines):
        return None
    unreadable = next((each for each in rejects if each.reasons[0].code in _FRAMING_CODES), None)
    if unreadable is None:
        return None
    index = chunk.numbers.index(unreadable.line)
    return find_framing_hint(chunk.lines[index : index + HINT_LINES], fields) or ""
