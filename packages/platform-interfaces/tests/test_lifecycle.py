import asyncio

import pytest

from platform_interfaces import ConfigurationError, Lifecycle, PlatformContext


async def test_hooks_run_once_in_reverse_order() -> None:
    lifecycle, order = Lifecycle(), list[str]()

    def hook(name: str) -> None:
        async def run() -> None:
            order.append(name)

        lifecycle.on_shutdown(run)

    hook("first")
    hook("second")
    await lifecycle.shutdown()
    await lifecycle.shutdown()
    assert order == ["second", "first"]


async def test_all_hooks_run_although_some_fail() -> None:
    lifecycle, order = Lifecycle(), list[str]()

    def hook(name: str) -> None:
        async def run() -> None:
            order.append(name)
            raise RuntimeError(name)

        lifecycle.on_shutdown(run)

    hook("first")
    hook("second")
    with pytest.raises(ExceptionGroup) as caught:
        await lifecycle.shutdown()
    assert order == ["second", "first"]
    assert [str(error) for error in caught.value.exceptions] == ["second", "first"]


async def test_the_other_hooks_run_although_one_is_cancelled() -> None:
    lifecycle, ran = Lifecycle(), list[str]()

    async def first() -> None:
        ran.append("first")

    async def hanging() -> None:
        await asyncio.Event().wait()

    lifecycle.on_shutdown(first)
    lifecycle.on_shutdown(hanging)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await lifecycle.shutdown()
    assert ran == ["first"]


@pytest.mark.parametrize(
    ("attribute", "interface"),
    [("log", "logging"), ("db", "database"), ("fs", "filesystem"), ("secrets", "secrets")],
)
def test_a_context_refuses_what_was_not_declared(attribute: str, interface: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{interface!r} to dependencies.interfaces"):
        getattr(PlatformContext(), attribute)


def test_a_context_always_has_config_and_lifecycle() -> None:
    assert PlatformContext().config == {}
    assert PlatformContext(config={"a": 1}).config == {"a": 1}
    assert isinstance(PlatformContext().lifecycle, Lifecycle)
