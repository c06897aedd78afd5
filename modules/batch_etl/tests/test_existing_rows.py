"""Rows of earlier runs that a run has met."""

from batch_etl.ingest.existing_rows import MetRows
from batch_etl.ingest.met_pages import PAGE_BITS


def test_rows_differ_by_page_and_slot() -> None:
    met = MetRows()
    assert met.add(0, [5, 7]) == []
    assert met.add(1, [5]) == []
    assert met.add(-1, [5]) == []
    assert met.add(0, [6, 7, 5]) == [1, 2]


def test_the_rows_of_a_page_that_is_full_were_all_met_and_those_of_no_other() -> None:
    met, slots = MetRows(), range(2**PAGE_BITS)
    assert met.add(3, slots) == []
    assert met.add(3, [0, slots[-1]]) == [0, 1]
    assert met.add(4, slots[1:]) == []
    assert met.add(4, [0]) == []
    assert met.add(5, [0]) == []
