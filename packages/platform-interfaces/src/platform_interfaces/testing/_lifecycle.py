"""What every interface promises about being opened and closed."""

from typing import Any

import pytest

from platform_interfaces import AsyncResource, CheckStatus, Finding
from platform_interfaces.testing._support import CaseError, bounded


class LifecycleCases:
    """A suite gives the fixture ``resource``, an adapter that is not open, and ``use``, one call of it."""

    @pytest.fixture
    def resource(self) -> AsyncResource:
        """Return the adapter; the suite overrides this."""
        raise NotImplementedError

    async def use(self, resource: Any) -> None:
        """Call the adapter, which is open, and check its answer."""
        raise NotImplementedError

    @pytest.mark.asyncio
    @pytest.mark.parametrize("way", ["async with", "explicit calls"])
    async def test_it_can_be_opened_again_after_it_was_closed(
        self, resource: AsyncResource, way: str
    ) -> None:
        async with bounded():
            for _ in range(3):
                if way == "async with":
                    async with resource as opened:
                        assert opened is resource
                        await self.use(resource)
                else:
                    await resource.connect()
                    await self.use(resource)
                    await resource.disconnect()

    @pytest.mark.asyncio
    async def test_to_close_what_was_never_opened_does_nothing(self, resource: AsyncResource) -> None:
        async with bounded():
            await resource.disconnect()
            async with resource:
                await self.use(resource)

    @pytest.mark.asyncio
    async def test_a_second_connect_or_disconnect_does_nothing(self, resource: AsyncResource) -> None:
        async with bounded():
            for _ in range(2):
                await resource.connect()
                await resource.connect()
                await self.use(resource)
                await resource.disconnect()
                await resource.disconnect()

    @pytest.mark.asyncio
    async def test_an_error_in_a_with_block_closes_it_and_passes(self, resource: AsyncResource) -> None:
        async with bounded():
            for _ in range(2):
                with pytest.raises(CaseError, match="stop"):
                    async with resource:
                        await self.use(resource)
                        raise CaseError("stop")

    @pytest.mark.asyncio
    async def test_each_of_its_checks_has_a_name_and_says_what_to_do(self, resource: AsyncResource) -> None:
        async with bounded():
            names = [check.name for check in resource.list_checks()]
            async with resource:
                checks = resource.list_checks()
                assert [check.name for check in checks] == names
                found = [await check.find() for check in checks]
                await self.use(resource)
        assert len(set(names)) == len(names)
        for text in (*names, *(each.text for each in found)):
            assert text
            assert text.isprintable(), text
        for each in found:
            assert isinstance(each, Finding)
            assert each.status in (CheckStatus.OK, CheckStatus.SKIPPED) or each.remedy
