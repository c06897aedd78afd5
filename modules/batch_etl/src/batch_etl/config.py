"""The arguments of the job: those of any load, and what to do about fields without a column."""

from collections.abc import Mapping
from typing import Any

from batch_etl.cleaner import FIELD_POLICIES, EventCleaner
from batch_etl.events import TABLE
from batch_etl.ingest import LoadConfig


def read_arguments(
    arguments: Mapping[str, Any], *, is_retry: bool = False
) -> tuple[LoadConfig, EventCleaner]:
    """Return what is loaded, and what cleans it.

    Raises:
        ConfigurationError: naming every argument with an invalid value.
    """
    unknown_fields = arguments.get("unknown-fields") or "warn"
    problems = []
    if unknown_fields not in FIELD_POLICIES:
        choices = ", ".join(FIELD_POLICIES)
        problems.append(f"--unknown-fields must be one of {choices}, not {unknown_fields!r}")
    config = LoadConfig.from_arguments(
        arguments,
        default_table=TABLE,
        is_retry=is_retry,
        problems=problems,
        unstored_advice="--unknown-fields reject keeps such lines aside, ignore says that this is meant",
    )
    return config, EventCleaner(config.event_date, unknown_fields)
