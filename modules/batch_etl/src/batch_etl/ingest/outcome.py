"""What became of a row."""

from enum import IntEnum


class Outcome(IntEnum):
    """What became of a row; the outcomes of many are a byte for each."""

    INSERTED = 0
    DUPLICATE = 1
    """This run has met the same row before."""
    SKIPPED = 2
    """The same row was in the table before this run."""
    REFUSED = 3
    """The database has refused it."""
    NOT_WRITTEN = 4
    """This is a dry run."""
    PENDING = 5
    """It is in a table that readers do not see yet; whether it is a duplicate is not known."""
