"""What became of a row."""

from enum import IntEnum


class Outcome(IntEnum):
    """What became of a row; a byte for each row tells it of many."""

    INSERTED = 0
    DUPLICATE = 1
    """This run has met the same row before."""
    SKIPPED = 2
    """The same row was in the table before this run."""
    REFUSED = 3
    """The database has refused it."""
    NOT_WRITTEN = 4
    """This is a dry run."""
