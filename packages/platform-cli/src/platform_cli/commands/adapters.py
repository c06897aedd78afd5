"""``platform adapters``: the adapters of each interface, which is chosen, and what is missing."""

from typing import TYPE_CHECKING, Any

import click

from platform_cli.commands._base import PlatformCommand
from platform_cli.commands._json import json_option, print_json

if TYPE_CHECKING:
    from pathlib import Path

    from platform_cli.installed import Adapter


@click.command(cls=PlatformCommand, examples=["platform adapters", "platform adapters --env staging --json"])
@json_option
def adapters(is_json: bool) -> int:
    """List the adapters of each interface, and which of them is chosen.

    Each is imported, so that one that cannot be used is seen. Those that are known and not installed have
    the command that installs them.
    """
    from platform_cli.commands._table import print_table
    from platform_cli.installed import find_adapters

    settings = click.get_current_context().obj
    found = list(find_adapters(settings.implementations))
    if is_json:
        print_json({"env": settings.env.value, "adapters": [_to_json(adapter) for adapter in found]})
        return 0
    rows, interface = [], ""
    for adapter in found:
        label = adapter.interface.label
        rows.append((label if label != interface else "", *_to_row(adapter, settings.project)))
        interface = label
    print_table(("interface", "adapter", "package", "state", "chosen by"), rows)
    for adapter in found:
        if adapter.problem:
            _say_problem(adapter)
    return 0


def _to_row(adapter: "Adapter", project: "Path") -> tuple[str, ...]:
    package = f"{adapter.package} {adapter.package_version}".strip()
    state = "ok" if not adapter.problem else "broken" if package else "not installed"
    return adapter.name, package, state, adapter.chosen_by.replace(f"{project}/", "")


def _say_problem(adapter: "Adapter") -> None:
    from platform_cli.commands._table import say_problem

    subject = f"{adapter.interface.label} {adapter.name!r}"
    has_advice = not adapter.install or adapter.install in adapter.problem
    advice = "" if has_advice else f"; install it with: {adapter.install}"
    say_problem(subject, f"{adapter.problem}{advice}")


def _to_json(adapter: "Adapter") -> dict[str, Any]:
    return {
        "interface": adapter.interface.kind,
        "name": adapter.name,
        "package": adapter.package or None,
        "package_version": adapter.package_version or None,
        "is_chosen": bool(adapter.chosen_by),
        "chosen_by": adapter.chosen_by or None,
        "can_be_used": not adapter.problem,
        "problem": adapter.problem or None,
        "install": adapter.install or None,
    }
