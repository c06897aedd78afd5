"""From a record to a cleaned event, by the rules of ``validator`` and ``transformer``."""

import datetime as dt
from collections.abc import Callable
from typing import Any, Self, TypeVar

from batch_etl import events, transformer, validator
from batch_etl.codes import MAX_TEXT_CHARACTERS, EventCode
from batch_etl.events import FIELDS, CleanedEvent
from batch_etl.ingest import PartlyStored, Rejected
from batch_etl.ingest.json_text import dump_canonical

FIELD_POLICIES = ("warn", "reject", "ignore")
"""What is done about fields that have no column."""

T = TypeVar("T")
_FIELD_COUNT = len(FIELDS)


class EventCleaner:
    """Cleans the events of a date."""

    columns = events.COLUMNS
    key = events.KEY
    fields = events.FIELDS
    table = events.TABLE
    migration = events.MIGRATION

    def __init__(self, event_date: dt.date, unknown_fields: str = "warn") -> None:
        self._event_date, self._unknown_fields = event_date, unknown_fields
        self._types = _Memory(self._learn_type)
        self._sources = _Memory(lambda source: validator.find_source_problem(source) is None)

    def __reduce__(self) -> tuple[type[Self], tuple[dt.date, str]]:
        """Return how a worker makes a cleaner like this one: what it remembers stays here."""
        return type(self), (self._event_date, self._unknown_fields)

    def clean(self, record: Any, /) -> CleanedEvent | PartlyStored | Rejected:
        """Return the event, or all codes of why the record is not a valid one.

        Most are valid. So the steps of ``validator.find_problems`` and ``transformer.transform_event`` are
        taken together here, and what they find of a type or a source is remembered; all rules are asked only
        where one of them objects.
        """
        try:
            known = self._types[record["event_type"]]
            source: str = record["source"]
            is_valid_source = self._sources[source]
            payload = record["payload"]
            if type(payload) is not dict:
                payload = transformer.ensure_payload_dict(payload)
            canonical = dump_canonical(payload)
        except (KeyError, TypeError, ValueError):  # a field is missing, or of another type
            return self._reject(record)
        if known is None or not is_valid_source or validator.find_payload_problem(canonical):
            return self._reject(record)
        event_type, prefix = known
        if validator.RULES and validator.find_rule_problem(event_type, payload, source):
            return self._reject(record)
        digest = prefix.copy()  # quicker than another digest of the same
        digest.update(canonical)
        event = event_type, canonical, source, digest.digest()
        return event if len(record) == _FIELD_COUNT else self._handle_unknown_fields(record, event)

    def _reject(self, record: Any) -> Rejected:
        codes = validator.find_problems(record)
        if self._unknown_fields == "reject" and isinstance(record, dict) and self._find_unknown(record):
            return Rejected((*codes, EventCode.UNKNOWN_FIELDS))
        return Rejected(codes)

    def _handle_unknown_fields(
        self, record: dict[str, Any], event: CleanedEvent
    ) -> CleanedEvent | PartlyStored | Rejected:
        if self._unknown_fields == "reject":
            return Rejected((EventCode.UNKNOWN_FIELDS,))
        if self._unknown_fields == "warn":
            return PartlyStored(event, self._find_unknown(record))
        return event

    def _find_unknown(self, record: dict[str, Any]) -> tuple[str, ...]:
        return tuple(name for name in record if name not in self.fields)

    def _learn_type(self, event_type: str) -> tuple[str, events.Digest] | None:
        if validator.find_event_type_problem(event_type):
            return None
        name = transformer.normalize_event_type(event_type)
        return name, events.begin_digest(name, self._event_date)


class _Memory(dict[str, T]):
    """What a function returns for short texts: most events share their few types and sources."""

    MAX_ENTRIES = 4096  # for an input that makes one up for each event

    def __init__(self, function: Callable[[str], T]) -> None:
        super().__init__()
        self._function = function

    def __missing__(self, text: str) -> T:
        result = self._function(text)
        if isinstance(text, str) and len(text) <= MAX_TEXT_CHARACTERS:
            if len(self) >= self.MAX_ENTRIES:
                self.clear()
            self[text] = result
        return result
