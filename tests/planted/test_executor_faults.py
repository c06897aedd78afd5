"""Each executor with a planted fault fails the cases of the shipped suite that are named for it."""

from __future__ import annotations

from typing import Any

import pytest

from platform_executors import InlineExecutor, ProcessesExecutor
from platform_interfaces import ExecutorInterface
from platform_interfaces.testing import ExecutorContract
from tests.planted import executors  # noqa: F401 - registers the faults
from tests.planted.subscriptions import subscribe


class _Impatient(ExecutorContract):
    """The suite, which a wrong executor does not keep waiting."""

    @pytest.fixture(autouse=True)
    def _limit(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("platform_interfaces.testing._support.LIMIT_SECONDS", 5.0)


def _make(adapter: type[Any]) -> Any:
    return adapter()


for base in (InlineExecutor, ProcessesExecutor):
    globals().update(subscribe(_Impatient, ExecutorInterface, base, _make, "unprepared"))
