"""``platform new``: a package to begin with, for a module or an adapter."""

import os
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from platform_cli._text import did_you_mean, printable
from platform_cli.commands._base import PlatformCommand, PlatformGroup, say
from platform_cli.interfaces import INTERFACES

if TYPE_CHECKING:
    from platform_cli.scaffold import Created, NewPackage

_FLAGS = {each.flag: each.kind for each in INTERFACES}
_KINDS = tuple(_FLAGS.values())

_in_option = click.option(
    "--in",
    "start",
    metavar="DIR",
    type=click.Path(exists=True, file_okay=False, resolve_path=True),
    default=os.getcwd,
    show_default="that of the workspace; else the working directory",
    help="Folder to make the folder of the package in.",
)


@click.group(
    cls=PlatformGroup,
    examples=["platform new module page_views", "platform new adapter filesystem acme"],
)
def new() -> None:
    """Write a package to begin with: a module or an adapter.

    In a workspace of the platform it becomes a member; elsewhere it is a project of its own, which takes the
    platform from the clone that this command is in.
    """


@new.command(
    cls=PlatformCommand,
    examples=[
        "platform new module page_views",
        "platform new module page_views --interfaces filesystem,logging --migration",
    ],
)
@click.argument("name")
@click.option(
    "--interfaces",
    metavar="LIST",
    default="filesystem,logging",
    show_default=True,
    help=f"What the module uses, of {', '.join(_KINDS)}.",
)
@click.option("--migration", is_flag=True, help="Give it a table of its own, and with it the database.")
@_in_option
def module(name: str, interfaces: str, migration: bool, start: str) -> int:
    """Write the module NAME, which processes one date.

    It runs at once, and its tests pass; what it does is an example to replace.
    """
    from platform_cli.scaffold import MODULES, NewPackage, parse_name

    features = _parse_interfaces(interfaces)
    needed = frozenset({"migrations", "database"}) if migration else frozenset()
    created = _create(NewPackage(MODULES, parse_name(name), features | needed), start)
    is_list_given = (
        click.get_current_context().get_parameter_source("interfaces") is ParameterSource.COMMANDLINE
    )
    if is_list_given and "database" in needed - features:
        say("added 'database' to its interfaces: a migration needs it")
    package = created.folder.name
    run = f"uv run platform run {package} --date 2026-01-15"
    if created.workspace and "filesystem" in features:
        run = f"FS_LOCAL_ROOT={created.locate('samples')} {run}"
    look = [f'uv run platform query "TABLE {package}_days"'] if migration else []
    _say_next(created, f"uv run pytest {created.locate('tests')}", run, *look)
    say(f"What it does is an example, in {created.locate(f'src/{package}/main.py')}: replace it.")
    return 0


@new.command(
    cls=PlatformCommand,
    examples=["platform new adapter filesystem acme", "platform new adapter database acme --in ."],
)
@click.argument("interface")
@click.argument("name")
@_in_option
def adapter(interface: str, name: str, start: str) -> int:
    """Write the adapter NAME of an INTERFACE.

    That is database, filesystem, logging, secrets or executor. Its tests are the contract suite, which fails
    by each method that is to be written, and by nothing else.
    """
    from platform_cli.scaffold import NewPackage, parse_name

    kind = _check_interface(interface)
    created = _create(NewPackage(kind, parse_name(name), frozenset({kind})), start)
    _say_next(created, f"uv run pytest -x --tb=line {created.locate('tests')}")
    say("It names the first method that is not written yet: write it, and repeat.")
    return 0


def _parse_interfaces(text: str) -> frozenset[str]:
    kinds = frozenset(_check_interface(kind) for each in text.split(",") if (kind := each.strip()))
    if not kinds:
        raise click.UsageError(f"--interfaces names none: give at least one of {', '.join(_KINDS)}")
    return kinds


def _check_interface(kind: str) -> str:
    if kind in _KINDS:
        return kind
    near = f" (did you mean {_FLAGS[kind]!r}?)" if kind in _FLAGS else did_you_mean(kind, _KINDS)
    raise click.UsageError(f"unknown interface {kind!r}: there are {', '.join(_KINDS)}{near}")


def _create(package: "NewPackage", start: str) -> "Created":
    from pathlib import Path

    from platform_cli.scaffold import create

    source = click.get_current_context().get_parameter_source("start")
    created = create(package, Path(start), is_chosen=source is ParameterSource.COMMANDLINE)
    say(f"wrote {printable(str(created.folder))}: {created.files} files")
    if created.workspace:
        say(f"added {package.distribution} to pyproject.toml: dependencies, sources and root_packages")
    return created


def _say_next(created: "Created", *commands: str) -> None:
    say(f"\nNext, in {printable(str(created.base))}:\n")
    for command in (*commands, *(["make check"] if created.workspace else [])):
        say(f"  {printable(command)}")
    say("")
