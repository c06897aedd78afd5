import pytest

from batch_etl.ingest.dry_run import DryRunWriter
from batch_etl.ingest.outcome import Outcome
from platform_interfaces import Columns, FileSystemError

NEW, DUPLICATE = Outcome.NOT_WRITTEN, Outcome.DUPLICATE


def rows_of(*numbers: int) -> Columns:
    return Columns({"dedup_key": [b"%032d" % number for number in numbers]})


async def test_e5_a_dry_run_without_room_for_its_keys_names_the_directory_and_the_setting() -> None:
    writer = DryRunWriter("dedup_key", max_bytes_in_memory=0)
    writer._database.execute("PRAGMA max_page_count = 3")
    with pytest.raises(FileSystemError, match=r"temporary file in '/.*full.*TMPDIR"):
        await writer.write([rows_of(*range(1_000))])
    writer.close()


async def test_a_key_is_a_duplicate_whether_it_was_met_in_memory_or_in_the_file() -> None:
    writer = DryRunWriter("dedup_key", max_bytes_in_memory=1)
    assert await writer.write([rows_of(1, 5), rows_of(3)]) == bytes([NEW, NEW, NEW])  # now memory is full
    assert await writer.write([rows_of(4), rows_of(3, 2)]) == bytes([NEW, DUPLICATE, NEW])  # in the file
    assert await writer.write([rows_of(9, 5, 4, 8, 2)]) == bytes([NEW, DUPLICATE, DUPLICATE, NEW, DUPLICATE])
    writer.close()
