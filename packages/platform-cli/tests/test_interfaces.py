"""The table of interfaces, and what derives from it."""

import inspect

import pytest

from platform_cli import registry
from platform_cli.flags import FLAGS
from platform_cli.interfaces import INTERFACES, Interface
from platform_interfaces import AsyncResource, PlatformContext

parametrized = pytest.mark.parametrize("interface", INTERFACES, ids=lambda each: each.kind)


@parametrized
def test_an_interface_can_be_opened_and_closed(interface: Interface) -> None:
    assert issubclass(interface.type, AsyncResource)


@parametrized
def test_an_interface_is_a_field_of_the_context(interface: Interface) -> None:
    assert interface.field in inspect.signature(PlatformContext).parameters
    context = PlatformContext(**{interface.field: interface.kind})  # type: ignore[arg-type]
    assert getattr(context, interface.field) == interface.kind


@parametrized
def test_an_interface_has_a_flag_and_a_label(interface: Interface) -> None:
    [flag] = [flag for flag in FLAGS if flag.kind == interface.kind]
    assert (flag.variable, flag.default) == (f"PLATFORM_{interface.flag.upper()}", interface.default)
    assert registry.LABELS[interface.kind] == interface.label


def test_no_two_interfaces_share_a_name() -> None:
    for name in ("kind", "type", "field", "label", "flag"):
        assert len({getattr(each, name) for each in INTERFACES}) == len(INTERFACES)
