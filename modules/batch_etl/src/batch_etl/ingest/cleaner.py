"""The seam between ingestion and what it loads: how a record becomes a row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from batch_etl.ingest.codes import RejectCode
from batch_etl.ingest.columns import ColumnType

CleanRow: TypeAlias = tuple[Any, ...]
"""The values of a row, in the order of ``Cleaner.columns``."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record that is not loaded: why, the code that says most first."""

    codes: Sequence[RejectCode]


@dataclass(frozen=True, slots=True)
class PartlyStored:
    """The row of a record that has fields without a column."""

    row: CleanRow
    unstored: tuple[str, ...]


class Cleaner(Protocol):
    """Makes rows of records. It knows what they are records of, and ingestion does not.

    It can be pickled, for a load on several workers.

    Attributes:
        columns: the columns of a row, in order, with the type that each must have in the table. Ingestion
            adds ``event_date`` and ``created_at``; the table numbers its rows itself, in ``id``.
        key: the column that has the identity of a record; the table has a unique key on it.
        fields: the names of the fields that a record may have.
        table: the table that the module's migrations make.
        migration: the name of the migration that makes it.
    """

    @property
    def columns(self) -> Mapping[str, ColumnType]:
        """Return the columns of a row."""

    @property
    def key(self) -> str:
        """Return the column of the key."""

    @property
    def fields(self) -> Sequence[str]:
        """Return the fields of a record."""

    @property
    def table(self) -> str:
        """Return the table of the module."""

    @property
    def migration(self) -> str:
        """Return the migration that makes it."""

    def clean(self, record: Any, /) -> CleanRow | PartlyStored | Rejected:
        """Return the row of a record, as its format has decoded it, or why there is none.

        It is called for each line, in one thread; the same record always becomes the same.
        """
