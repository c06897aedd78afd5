"""Each secret store with a planted fault fails the cases of the shipped suite that are named for it."""

from __future__ import annotations

from typing import Any

from platform_interfaces import SecretsInterface
from platform_interfaces.testing import SecretsContract
from platform_memory import MemorySecrets
from tests.planted import secret_stores  # noqa: F401 - registers the faults
from tests.planted.subscriptions import subscribe


def _make(adapter: type[Any]) -> Any:
    return adapter


globals().update(subscribe(SecretsContract, SecretsInterface, MemorySecrets, _make, "make_secrets"))
