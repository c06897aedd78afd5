"""Pages of the reference that are made from the code whenever ``docs/conf.py`` builds the site."""

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import click

import platform_interfaces
from platform_cli.commands import platform

WIDTH = 80


def commands_page() -> str:
    """Return a section with the help of each command and of each installed module."""
    return "\n".join(_command_sections(platform, click.Context(platform, info_name="platform")))


def _command_sections(command: click.Command, context: click.Context) -> Iterator[str]:
    context.terminal_width = context.max_content_width = WIDTH
    yield f"## {context.command_path}\n\n```text\n{command.get_help(context)}\n```\n"
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            if inner := command.get_command(context, name):
                yield from _command_sections(inner, click.Context(inner, context, info_name=name))


def interfaces_page() -> str:
    """Return a section for each file of ``platform_interfaces``, with the public names that it defines."""
    return "\n".join(
        _file_section(platform_interfaces, file, names)
        for file, names in sorted(public_names(platform_interfaces).items())
    )


def public_names(package: ModuleType) -> dict[str, list[str]]:
    """Return the public names of a package, by the file that defines them, as its imports say."""
    tree = ast.parse(Path(inspect.getfile(package)).read_text(encoding="utf-8"))
    imports = (node for node in tree.body if isinstance(node, ast.ImportFrom) and node.module)
    return {
        str(node.module).rpartition(".")[2].strip("_"): [
            alias.name for alias in node.names if alias.name in package.__all__
        ]
        for node in imports
    }


def _file_section(package: ModuleType, file: str, names: list[str]) -> str:
    title = file.replace("_", " ").capitalize()
    directives = "\n".join(_directive(name, getattr(package, name)) for name in names)
    return f"## {title}\n\n```{{eval-rst}}\n.. currentmodule:: {package.__name__}\n\n{directives}\n```\n"


def _directive(name: str, value: object) -> str:
    if inspect.isclass(value) and issubclass(value, BaseException):
        return f".. autoexception:: {name}\n   :show-inheritance:"
    if inspect.isclass(value) or inspect.isfunction(value):
        return f".. auto{'class' if inspect.isclass(value) else 'function'}:: {name}"
    return f".. py:data:: {name}\n   :value: {value!r}"  # a type alias, or a constant
