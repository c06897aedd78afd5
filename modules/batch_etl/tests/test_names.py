import pytest

from batch_etl.ingest.date_names import looks_like_date
from batch_etl.ingest.never_data import is_never_data


@pytest.mark.parametrize(
    "name",
    [
        *("2026-01-15", "date=2026-01-15/", "dt=20260115", "2026/01/15", "2026-1-15", "2026_01_15.jsonl.gz"),
        *(
            "year=2026/month=1/day=15",
            "2026-01-15-23.json",
            "events-20260115T00.json",
            "15.01.2026",
            "01-15-2026",
        ),
        "2026011523.log",
    ],
)
def test_a_name_that_has_the_date_looks_like_it(name: str) -> None:
    assert looks_like_date(name, "2026-01-15")


@pytest.mark.parametrize("name", ["2026-01-16", "2026-11-5", "2026-01-150", "12026-01-15", "2026-01", "15"])
def test_a_name_of_another_date_does_not(name: str) -> None:
    assert not looks_like_date(name, "2026-01-15")


@pytest.mark.parametrize(
    "path",
    ["a.jsonl", "hour=00/date=x/a", "a.b.gz", "part-0001", "a_b", "a~b.jsonl", "tmp/a", "party", "a.parts"],
)
def test_names_of_data_are_not_left_out(path: str) -> None:
    assert not is_never_data(path)
