import pytest

from batch_etl.ingest.dry_run import DryRunWriter
from platform_interfaces import Columns, FileSystemError


async def test_e5_a_dry_run_without_room_for_its_keys_names_the_directory_and_the_setting() -> None:
    writer = DryRunWriter("dedup_key")
    writer._database.execute("PRAGMA max_page_count = 3")
    with pytest.raises(FileSystemError, match=r"temporary file in '/.*full.*TMPDIR"):
        await writer.write([Columns({"dedup_key": [b"%032d" % number for number in range(1_000)]})])
    writer.close()
