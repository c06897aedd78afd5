"""Ingestion: the lines of a date into a table, each exactly once, whatever they are records of.

A module brings a ``Cleaner``, which makes rows of records, and a migration that makes the table; reading,
writing, accounting, rejects, retries and exclusive loads are here.
"""

from batch_etl.ingest.cleaner import Cleaner, CleanRow, PartlyStored, Rejected
from batch_etl.ingest.codes import LineCode, RejectCode
from batch_etl.ingest.columns import BOOLEAN, BYTES, DATE, INTEGER, JSON, NUMERIC, TEXT, TIMESTAMP, ColumnType
from batch_etl.ingest.config import LoadConfig
from batch_etl.ingest.formats import FORMATS
from batch_etl.ingest.json_lines import JsonLines
from batch_etl.ingest.limits import LIMITS, Limits
from batch_etl.ingest.load import check_load, load
from batch_etl.ingest.record_format import RecordFormat
from batch_etl.ingest.source import NoInputError
from batch_etl.ingest.undo import find_undo

__all__ = [
    "BOOLEAN",
    "BYTES",
    "DATE",
    "FORMATS",
    "INTEGER",
    "JSON",
    "LIMITS",
    "NUMERIC",
    "TEXT",
    "TIMESTAMP",
    "CleanRow",
    "Cleaner",
    "ColumnType",
    "JsonLines",
    "Limits",
    "LineCode",
    "LoadConfig",
    "NoInputError",
    "PartlyStored",
    "RecordFormat",
    "RejectCode",
    "Rejected",
    "check_load",
    "find_undo",
    "load",
]
