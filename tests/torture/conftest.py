"""The day that loads are disturbed on."""

from __future__ import annotations

import pytest

from tests.torture.load import EVENTS, Day


@pytest.fixture(scope="module")
def day(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Day:
    """Make several batches, so that there is a middle, and some rejects in each of many files."""
    return Day.make(
        tmp_path_factory.mktemp("day"), lines=40_000, files=40, job=getattr(request, "param", EVENTS)
    )
