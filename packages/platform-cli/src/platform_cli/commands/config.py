"""``platform config``: every setting, its value and where that comes from."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from platform_cli.commands._base import PlatformCommand
from platform_cli.commands._json import json_option, print_json

if TYPE_CHECKING:
    from platform_cli.effective_settings import EffectiveSetting, EffectiveSettings
    from platform_cli.settings import Settings


@click.command(cls=PlatformCommand, examples=["platform config", "platform config --env staging --json"])
@json_option
def config(is_json: bool) -> int:
    """Show every setting, its value and where that comes from.

    Secrets are hidden, as is the value of what no chosen adapter reads. A value that another one overrides
    is shown below that.
    """
    from platform_cli.effective_settings import read_effective

    settings = click.get_current_context().obj
    (_print_json if is_json else _print)(settings, read_effective(settings))
    return 0


def _print(settings: "Settings", effective: "EffectiveSettings") -> None:
    from platform_cli.commands._table import print_table, say_problem

    folder = f"{settings.project}/"
    rows = [row for setting in effective.settings for row in _rows(setting)]
    print_table(
        ("setting", "value", "from"),
        [(name, value, origin.replace(folder, "")) for name, value, origin in rows],
        whole=["setting"],
        wrapped=["value", "from"],
    )
    for setting in effective.settings:
        if not setting.is_known:
            say_problem(setting.name, f"neither the platform nor a chosen adapter reads it{setting.hint}")
    for subject, problem in (*effective.problems, *settings.warnings):
        say_problem(subject, problem)


def _rows(setting: "EffectiveSetting") -> Iterator[tuple[str, str, str]]:
    yield setting.name, setting.value, setting.origin
    for other in setting.overridden:
        yield "", other.value, f"{other.origin}, overridden"


def _print_json(settings: "Settings", effective: "EffectiveSettings") -> None:
    from dataclasses import asdict

    warnings = [
        {"subject": subject, "message": message}
        for subject, message in (*effective.problems, *settings.warnings)
    ]
    found: list[dict[str, Any]] = [asdict(setting) for setting in effective.settings]
    print_json(
        {
            "env": settings.env.value,
            "project": str(settings.project),
            "settings": found,
            "warnings": warnings,
        }
    )
