"""The lines that earlier runs have rejected, in chunks, to be loaded once more."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from batch_etl.ingest.codes import LineCode
from batch_etl.ingest.formats import WrongEncoding, find_format
from batch_etl.ingest.limits import Limits
from batch_etl.ingest.lines import Chunk, LongLine
from batch_etl.ingest.record_format import RecordFormat
from platform_interfaces import FileSystemError, FileSystemInterface, Progress, Reject, read_rejects


async def read_rejected_lines(
    fs: FileSystemInterface, path: str, limits: Limits, _progress: Progress
) -> AsyncGenerator[Chunk, None]:
    """Yield the lines kept in ``path``, with their positions in the files that they were rejected from.

    The last chunk of each file says that it is. The last of all says why no more could be read, or which line
    of ``path`` is not a reject. How many bytes that is of all is not known.
    """
    rejects, size = list[Reject](), 0
    failure: FileSystemError | None = None
    is_changed = False
    try:
        async with aclosing(read_rejects(fs, path)) as kept:
            async for reject in kept:
                is_of_next = bool(rejects) and _format_key(reject) != _format_key(rejects[0])
                is_full = size > limits.retry_chunk_bytes or len(rejects) == limits.chunk_lines
                # Only now, for the last chunk of a file says that it is the last.
                if is_of_next or is_full:
                    yield _make_chunk(rejects, is_last=reject.file != rejects[0].file)
                    rejects, size = [], 0
                rejects.append(reject)
                size += len(reject.raw or b"")
    except FileSystemError as error:
        failure = error
    except ValueError as error:  # after all others
        failure, is_changed = FileSystemError(str(error)), True
    if rejects:
        yield _make_chunk(rejects, is_last=failure is None or is_changed)
    if failure:
        yield Chunk(path, find_format(path, b"")(), is_last=True, failure=failure)


def _format_key(reject: Reject) -> tuple[str, bytes | None, bool]:
    """Return what rejects must have in common to be decoded alike."""
    return (
        reject.file,
        reject.header,
        any(reason.code == LineCode.WRONG_ENCODING for reason in reject.reasons),
    )


def _make_chunk(rejects: Sequence[Reject], *, is_last: bool) -> Chunk:
    first, last = rejects[0], rejects[-1]
    return Chunk(
        first.file,
        _find_format(first),
        [LongLine(0) if reject.raw is None else reject.raw for reject in rejects],
        [reject.line for reject in rejects],
        [reject.offset for reject in rejects],
        first.header,
        is_last=is_last,
        is_truncated=any(reason.code == LineCode.TRUNCATED_LINE for reason in last.reasons),
    )


def _find_format(reject: Reject) -> RecordFormat:
    """Return the format of a file that may be gone: its mark or header is known by its rejects only."""
    if any(reason.code == LineCode.WRONG_ENCODING for reason in reject.reasons):
        return WrongEncoding()
    return find_format(reject.file, reject.header or b"")(reject.header or b"")
