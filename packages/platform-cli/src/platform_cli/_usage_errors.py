"""What is wrong with a command line, in our words: what was asked, what was found, what to do."""

import click

from platform_cli import registry
from platform_cli._text import did_you_mean


def describe_usage(error: click.ClickException) -> str:
    """Return an error of click on one line."""
    if isinstance(error, click.NoSuchOption):
        return _describe_unknown_option(error.option_name, error.ctx)
    if isinstance(error, click.NoSuchCommand):
        return _describe_unknown_command(error)
    if isinstance(error, click.MissingParameter) and error.param:
        return _describe_missing(error.param, error.ctx)
    text = error.format_message().removesuffix(".")
    return _lower_first(text).replace("not in the range x>=", "not at least ")


def _describe_unknown_option(name: str, ctx: click.Context | None) -> str:
    if ctx is None:
        return f"unknown option {name!r}"
    # The dashes count as letters: without them "dd" would not be near "db".
    if len(name) > 2 and (near := did_you_mean(name, _options(ctx), cutoff=0.7)):
        return f"unknown option {name!r}{near}"
    where = "give options of a command after its name; " if isinstance(ctx.command, click.Group) else ""
    return f"unknown option {name!r}: {where}see '{ctx.command_path} -h'"


def _describe_unknown_command(error: click.NoSuchCommand) -> str:
    name, ctx = error.command_name, error.ctx
    if not (ctx and isinstance(ctx.command, click.Group)):
        return f"unknown command {name!r}"
    known = ctx.command.list_commands(ctx)
    asked = f"unknown command {name!r}"
    if f"--{name}" in _options(ctx):
        return f"{asked}: give it as '{ctx.command_path} --{name}'"
    if ctx.parent is None and name in registry.names("modules"):
        return f"{asked}: it is a module, give it as '{ctx.command_path} run {name}'"
    return f"{asked}: known are {', '.join(known)}{did_you_mean(name, known)}"


def _describe_missing(param: click.Parameter, ctx: click.Context | None) -> str:
    if isinstance(param, click.Option):
        example = getattr(param, "example", "")
        return f"missing option {param.opts[0]!r}" + (f": give it, such as '{example}'" if example else "")
    asked = f"missing argument {param.make_metavar(ctx) if ctx else param.name!r}"
    if isinstance(param.type, click.Choice):
        return f"{asked}: give one of {', '.join(param.type.choices)}"
    return f"{asked}: see '{ctx.command_path} -h'" if ctx else asked


def _options(ctx: click.Context) -> list[str]:
    return [name for param in ctx.command.get_params(ctx) for name in (*param.opts, *param.secondary_opts)]


def _lower_first(text: str) -> str:
    # Not PLATFORM_ENV: only a word of click's own sentences.
    return text[:1].lower() + text[1:] if text[1:2].islower() else text
