"""The checks of one module: that it can be run, and its own check of arguments, input and target."""

import asyncio
import sys
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from functools import partial
from typing import Any, NamedTuple

from platform_cli._command_line import to_command
from platform_cli.arguments import to_example
from platform_cli.container import Container
from platform_cli.doctor.examination import Examination
from platform_cli.interfaces import INTERFACES
from platform_cli.manifest import Manifest
from platform_cli.run.entry import Entry, find_entry, load_entries
from platform_interfaces import CheckStatus, Finding, PlatformContext, Run

CHECK_RUN_SECONDS = 60.0
"""A module may list many files of input."""

_NAME = "input and target"


class Request(NamedTuple):
    """A module that is checked, and the arguments that a run of it would have.

    Attributes:
        manifest: its ``module.json``.
        config: its arguments.
        missing: the options that a run needs and that were not given.
    """

    manifest: Manifest
    config: Mapping[str, Any]
    missing: Sequence[str]


async def check_module(examination: Examination, request: Request) -> bool:
    """Check that the module can be run, and return whether it can."""
    can_run = await examination.check("module", partial(asyncio.to_thread, _load, request), seconds=60)
    if not can_run:
        examination.skip([_NAME], f"module {request.manifest.name!r} cannot be run")
    return can_run


async def check_run(examination: Examination, container: Container, request: Request, obstacle: str) -> None:
    """Make the module's own check, with the arguments that were given.

    Args:
        examination: what makes it.
        container: opens the adapters.
        request: the module and its arguments.
        obstacle: why an adapter that it needs cannot be used; empty where all can.
    """
    manifest = request.manifest
    if obstacle:
        examination.skip([_NAME], obstacle)
    elif request.missing:
        example = to_command("doctor", manifest.name, flags=to_example(manifest.arguments))
        examination.skip([_NAME], f"it is checked with {' and '.join(request.missing)}, as in: {example}")
    elif entry := find_entry(manifest, "check_run"):
        container.add_module(manifest)
        await examination.check(
            _NAME,
            partial(_call, entry, container, request),
            seconds=CHECK_RUN_SECONDS,
            remedy="mend what it names: a run with these arguments would fail in the same way",
        )
    else:
        examination.skip([_NAME], f"module {manifest.name!r} has no check of its own")


def _load(request: Request) -> Finding:
    manifest = request.manifest
    with redirect_stdout(sys.stderr):  # code that is imported may print
        load_entries(manifest, "run")
    return Finding(CheckStatus.OK, f"{manifest.name} {manifest.version} can be run")


async def _call(entry: Entry, container: Container, request: Request) -> Finding:
    manifest = request.manifest
    context = PlatformContext(
        **{
            each.field: await container.open_adapter(each.kind)
            for each in INTERFACES
            if each.kind in manifest.interfaces
        },
        config=request.config,
        lifecycle=container.lifecycle,
        run=Run(module=manifest.name, version=manifest.version, arguments=request.config),
    )
    await entry.check(context)
    return Finding(CheckStatus.OK, f"{manifest.name} can run with these arguments")
