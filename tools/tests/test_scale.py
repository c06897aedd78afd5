from pathlib import Path

import pytest

from tools.scale import (
    LAPTOP,
    MACHINES,
    PAIR,
    PARTITION,
    PLAIN,
    POINTS,
    Cost,
    Point,
    Rig,
    day_rows,
    estimate,
    file_rows,
    point_rows,
    request_dollars,
)

PAGE = Path(__file__).parents[2] / "docs/scale.md"


@pytest.mark.parametrize("point", POINTS, ids=lambda point: point.what)
def test_the_model_is_within_a_tenth_of_what_was_measured(point: Point) -> None:
    assert point.modelled == pytest.approx(point.measured, rel=0.1)


def test_the_page_has_what_the_model_says() -> None:
    rows = PAGE.read_text().splitlines()
    assert [row for row in (*point_rows(), *day_rows(), *file_rows()) if row not in rows] == []


@pytest.mark.parametrize(
    ("cost", "rig", "limit"),
    [
        (Cost(10, 1), LAPTOP, "client"),
        (Cost(1, 10), Rig(workers=1, cores=8, server_cores=2), "server"),
        (PLAIN, PAIR, "processors"),
        (PARTITION, MACHINES, "log"),
    ],
)
def test_the_slowest_side_is_the_limit(cost: Cost, rig: Rig, limit: str) -> None:
    assert estimate(1e8, cost, rig).limit == limit


def test_more_workers_than_processors_do_no_more() -> None:
    assert estimate(1e8, PLAIN, PAIR) == estimate(1e8, PLAIN, Rig(workers=9, cores=2))


def test_each_file_is_a_request_and_a_thousand_are_one_more() -> None:
    assert request_dollars(1e6) == pytest.approx(0.4 + 0.005)
