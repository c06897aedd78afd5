import batch_etl
from batch_etl import ingest
from platform_interfaces.testing import check_public_names


def test_the_public_names_are_these() -> None:
    check_public_names(batch_etl, [])


def test_the_public_names_for_other_modules_are_these() -> None:
    check_public_names(
        ingest,
        [
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
        ],
    )
