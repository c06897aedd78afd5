"""``platform modules``: the installed modules, and whether each can be run."""

from typing import TYPE_CHECKING, Any

import click

from platform_cli.commands._base import PlatformCommand, say
from platform_cli.commands._json import json_option, print_json

if TYPE_CHECKING:
    from platform_cli.installed import Module
    from platform_cli.manifest import Manifest


@click.command(cls=PlatformCommand, examples=["platform modules", "platform modules --json"])
@json_option
def modules(is_json: bool) -> int:
    """List the installed modules, and why one cannot be run.

    Each is imported to know that.
    """
    from platform_cli.commands._table import print_table, say_problem
    from platform_cli.installed import find_modules

    found = list(find_modules())
    if is_json:
        print_json({"modules": [_to_json(module) for module in found]})
    elif found:
        columns = ("module", "version", "package", "arguments", "what it does")
        print_table(columns, map(_to_row, found), wrapped=columns[-1:])
        for module in found:
            if module.problem:
                say_problem(f"module {module.name!r} cannot be run", module.problem)
    else:
        say("no module is installed: 'platform new module NAME' makes one")
    return 0


def _to_row(module: "Module") -> tuple[str, ...]:
    manifest = module.manifest
    return (
        module.name,
        manifest.version if manifest else "",
        f"{module.package} {module.package_version}",
        _list_arguments(manifest) if manifest else "",
        "cannot be run: see below" if module.problem else manifest.description if manifest else "",
    )


def _list_arguments(manifest: "Manifest") -> str:
    required = [f"--{argument.name}" for argument in manifest.arguments if argument.is_required]
    others = len(manifest.arguments) - len(required)
    return " ".join([*required, *([f"[{others} more]"] if others else [])])


def _to_json(module: "Module") -> dict[str, Any]:
    from dataclasses import asdict

    manifest = module.manifest
    return {
        "name": module.name,
        "version": manifest and manifest.version,
        "display_name": manifest and manifest.display_name,
        "description": manifest and manifest.description,
        "package": module.package,
        "package_version": module.package_version,
        "interfaces": manifest and manifest.interfaces,
        "modules": manifest and manifest.modules,
        "migrations": (manifest and manifest.migrations) or None,
        "arguments": manifest and [asdict(argument) for argument in manifest.arguments],
        "can_be_run": not module.problem,
        "problem": module.problem or None,
    }
