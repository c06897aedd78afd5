"""Deliberately wrong adapters, each with one fault, and the cases of the suites that notice it."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import pytest

Adapter = type[Any]
_FAULTS: dict[Adapter, tuple[str, ...]] = {}


def noticed_by(*cases: str) -> Callable[[Adapter], Adapter]:
    """Register an adapter with one fault, and the cases of its suite each of which must fail on it."""

    def register(adapter: Adapter) -> Adapter:
        _FAULTS[adapter] = cases
        return adapter

    return register


def subscribe(
    contract: Adapter, port: Adapter, base: Adapter, make: Callable[..., Any], fixture: str
) -> Mapping[str, type]:
    """Return a test class for each fault of ``base``, in which its cases must fail, and one without a fault.

    Args:
        contract: the suite.
        port: the interface, which the faulty adapters of the suite implement.
        base: the adapter that the faulty ones derive from.
        make: the fixture; its first argument after ``self`` is ``adapter``.
        fixture: its name in the suite.
    """
    faults = {adapter: cases for adapter, cases in _FAULTS.items() if issubclass(adapter, base)}
    assert issubclass(base, port)
    classes = {
        f"Test{adapter.__name__}": _subscription(contract, adapter, cases, make, fixture, _failing)
        for adapter, cases in faults.items()
    }
    every = tuple(sorted({case for cases in faults.values() for case in cases}))
    control = _subscription(contract, base, every, make, fixture, _passing)
    return {**classes, f"Test{base.__name__}WithoutAFault": control}


def with_few_values(contract: Adapter) -> Adapter:
    """Return the suite for an adapter that another test holds to all of it, on the same code."""
    cases = {
        name: _passing(getattr(contract, name), "") for name in dir(contract) if name.startswith("test_")
    }
    return type(f"{contract.__name__}WithFewValues", (contract,), cases)


def _subscription(
    contract: Adapter,
    adapter: Adapter,
    cases: Sequence[str],
    make: Callable[..., Any],
    fixture: str,
    wrap: Callable[[Any, str], Any],
) -> type:
    @functools.wraps(make)
    def make_adapter(self: object, **fixtures: Any) -> Any:
        return make(adapter, **fixtures)

    parameters = list(inspect.signature(make).parameters.values())[1:]
    me = inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    make_adapter.__signature__ = inspect.Signature([me, *parameters])  # type: ignore[attr-defined]
    del make_adapter.__wrapped__
    others = [name for name in dir(contract) if name.startswith("test_") and name not in cases]
    members: dict[str, Any] = dict.fromkeys(others)
    members |= {name: wrap(getattr(contract, name), adapter.__name__) for name in cases}
    return type(f"Test{adapter.__name__}", (contract,), {fixture: pytest.fixture(make_adapter), **members})


async def _run(case: Callable[..., Awaitable[None] | None], *args: Any, **fixtures: Any) -> None:
    """Run a case to its end; those of loggers and secret stores are not coroutines."""
    pending = case(*args, **fixtures)
    if pending is not None:
        await pending


def _failing(case: Callable[..., Awaitable[None] | None], fault: str) -> Callable[..., Awaitable[None]]:
    """Return the case turned round: it passes when the fault makes it fail, and not when it is skipped."""

    @functools.wraps(case)
    async def must_fail(*args: Any, **fixtures: Any) -> None:
        try:
            await _run(case, *args, **fixtures)
        except (Exception, pytest.fail.Exception):  # noqa: BLE001 - what it notices the fault by
            return
        pytest.fail(f"{case.__name__} does not notice {fault}")

    # What a wrong adapter leaves behind is its own; whether Python finds it in time differs by version.
    case_of_fault = _with_few_parameters(must_fail)
    for ignored in ("pytest.PytestUnraisableExceptionWarning", "RuntimeWarning"):
        case_of_fault.__dict__["pytestmark"].append(pytest.mark.filterwarnings(f"ignore::{ignored}").mark)
    return case_of_fault


def _passing(case: Callable[..., Awaitable[None] | None], _: str) -> Callable[..., Awaitable[None]]:
    """Return the case as it is."""

    @functools.wraps(case)
    async def must_pass(*args: Any, **fixtures: Any) -> None:
        await _run(case, *args, **fixtures)

    return _with_few_parameters(must_pass)


def _with_few_parameters(case: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    """Have the case run for two values of each parameter: the adapters themselves are tested with all."""
    marks = [
        pytest.mark.parametrize(mark.args[0], list(mark.args[1])[:2], ids=_first(mark.kwargs.get("ids"))).mark
        if mark.name == "parametrize"
        else mark
        for mark in getattr(case, "pytestmark", [])
    ]
    case.__dict__["pytestmark"] = marks
    return case


def _first(ids: Any) -> Any:
    return ids if ids is None or callable(ids) else list(ids)[:2]
