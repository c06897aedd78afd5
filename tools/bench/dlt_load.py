"""The same job as a pipeline of dlt: python -m tools.bench.dlt_load plain|csv|arrow ROOT URL FOLDER.

``plain`` gives dlt lists of dicts, and leaves its settings alone. ``csv`` gives it the same with the settings
that were the fastest of those tried; ``arrow`` with these gives it Arrow tables, which it hands to the
database nearly as they are. Of the ways to merge, upsert and insert-only refuse or keep duplicates within a
load, delete-insert removes them.

dlt reads the numbers of a JSON column as floats when it gets rows: 29.90 becomes 29.9, and integers of more
than 17 digits lose the others. From Arrow they come whole. Its table has no index, and with that less to do.
"""

import os
import sys
from collections.abc import Iterator
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any

# Settings are read on import; https://dlthub.com/docs/reference/performance
os.environ |= {"RUNTIME__DLTHUB_TELEMETRY": "false", "RUNTIME__LOG_LEVEL": "ERROR"}
TUNED = {
    "DATA_WRITER__BUFFER_MAX_ITEMS": "20000",
    "DATA_WRITER__FILE_MAX_ITEMS": "200000",
    "DATA_WRITER__DISABLE_COMPRESSION": "true",
    "LOAD__WORKERS": "4",
}
if sys.argv[1:2] != ["plain"]:
    os.environ |= TUNED

import dlt  # noqa: E402 - see above

from tools.bench.cleaning import Cleaned, cleaned_rows  # noqa: E402
from tools.bench.inputs import DATE  # noqa: E402

PAGE_ROWS = 20_000
DAY = date.fromisoformat(DATE)


def load(kind: str, root: Path, url: str, folder: Path) -> None:
    """Load the day into the table ``loaded.cleaned_events``."""
    to_page = {"plain": _dicts, "csv": _dicts, "arrow": _arrow_table}[kind]
    resource = dlt.resource(
        map(to_page, _pages(root)),
        name="cleaned_events",
        write_disposition={"disposition": "merge", "strategy": "delete-insert"},
        primary_key="dedup_key",
        columns={"payload": {"data_type": "json"}},
    )
    pipeline = dlt.pipeline(
        "bench",
        pipelines_dir=str(folder),
        destination=dlt.destinations.postgres(url),
        dataset_name="loaded",
    )
    file_format = None if kind == "plain" else "csv"
    pipeline.run(resource, loader_file_format=file_format).raise_on_failed_jobs()


def _pages(root: Path) -> Iterator[list[Cleaned]]:
    rows = cleaned_rows(root)
    while page := list(islice(rows, PAGE_ROWS)):
        yield page


def _dicts(page: list[Cleaned]) -> list[dict[str, Any]]:
    return [
        {
            "event_type": row.event_type,
            "payload": row.payload,
            "source": row.source,
            "event_date": DAY,
            "dedup_key": row.key.hex(),
        }
        for row in page
    ]


def _arrow_table(page: list[Cleaned]) -> Any:
    import pyarrow

    event_types, payloads, sources, keys = zip(*page, strict=True)
    return pyarrow.table(
        {
            "event_type": event_types,
            "payload": payloads,
            "source": sources,
            "event_date": [DAY] * len(page),
            "dedup_key": [key.hex() for key in keys],
        }
    )


if __name__ == "__main__":
    load(sys.argv[1], Path(sys.argv[2]), sys.argv[3], Path(sys.argv[4]))
