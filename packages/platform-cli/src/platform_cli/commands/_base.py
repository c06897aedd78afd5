"""What all commands share: the global options, and command lines checked as a whole."""

from collections.abc import Sequence
from contextlib import chdir
from typing import Any

import click
from click.core import iter_params_for_processing

from platform_cli import registry
from platform_cli.failures import OutputClosedError, describe
from platform_cli.flags import FLAGS, Flag
from platform_interfaces import ConfigurationError, PlatformError

_GIVEN = "platform_cli.flags"


def say(text: str) -> None:
    """Print a line.

    Raises:
        OutputClosedError: when the reader has closed it.
        PlatformError: when it cannot be written, on a full disk.
    """
    try:
        click.echo(text)
    except BrokenPipeError as error:
        raise OutputClosedError from error
    except OSError as error:
        raise PlatformError(f"standard output cannot be written: {error.strerror}") from error


class GlobalOption(click.Option):
    """An option that every command takes, once and anywhere on the command line."""

    def __init__(self, flag: Flag) -> None:
        is_choice = flag.name == "auto-migrate"
        super().__init__(
            [f"--{flag.name}/--no-{flag.name}" if is_choice else f"--{flag.name}"],
            metavar=None if is_choice else "NAME",
            default=None,
            expose_value=False,
            callback=_remember,
            help=f"{flag.help}. [default: {flag.default}; {flag.variable}]",
        )


def _remember(context: click.Context, option: click.Parameter, value: Any) -> None:
    if value is None:
        return
    # Outer and inner commands share `meta`, and the inner ones are parsed later.
    given = context.meta.setdefault(_GIVEN, {})
    level, _ = given.get(option.name, (context.command_path, value))
    if level != context.command_path:
        raise click.UsageError(f"option {option.opts[0]!r} is given more than once: give it once")
    given[option.name] = (context.command_path, str(value).lower() if value in (True, False) else value)


class _Command(click.Command):
    """A command with the global options, in a section of their own."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params += [GlobalOption(flag) for flag in FLAGS]

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if "--help" not in args:
            from platform_cli.commands._words import find_problems

            problems, _ = find_problems(args, self.get_params(ctx), is_whole=ctx.allow_interspersed_args)
            if problems:
                raise click.UsageError("\n".join(problems), ctx)
        return super().parse_args(ctx, args)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        own = [param for param in self.get_params(ctx) if not isinstance(param, GlobalOption)]
        common = [param for param in self.get_params(ctx) if isinstance(param, GlobalOption)]
        for title, params in (("Options", own), ("Global options", common)):
            with formatter.section(title):
                formatter.write_dl([row for param in params if (row := param.get_help_record(ctx))])


class PlatformGroup(_Command, click.Group):
    """A command that only chooses a subcommand."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        super().format_options(ctx, formatter)
        self.format_commands(ctx, formatter)


class PlatformCommand(_Command):
    """A command that does something: its settings are ``Context.obj``, its directory the project's.

    All problems of its command line are reported at once.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        given = list(args)
        problems: list[str] = []
        try:
            super().parse_args(ctx, args)
        except click.UsageError:
            problems += self._problems(ctx, given)
        except FileNotFoundError:  # a relative path of an option, and no working directory
            pass
        problems += _resolve(ctx)
        if problems:
            raise click.UsageError("\n".join(dict.fromkeys(problems)), ctx)
        return []

    def invoke(self, ctx: click.Context) -> Any:
        with chdir(ctx.obj.project):
            return super().invoke(ctx)

    def _problems(self, ctx: click.Context, args: Sequence[str]) -> list[str]:
        from platform_cli.commands._words import find_problems

        problems, words = find_problems(args, self.get_params(ctx), is_whole=True)
        parser = self.make_parser(ctx)
        parser.ignore_unknown_options = True
        try:
            values, rest, order = parser.parse_args(list(words))
        except click.BadOptionUsage as error:  # a value was given to a flag
            return [describe(error), *self._problems(ctx, _without(args, error.option_name))]
        for param in iter_params_for_processing(order, self.get_params(ctx)):
            try:
                _, rest = param.handle_parse_result(ctx, values, rest)
            except click.UsageError as error:
                # Not also as missing where its value is.
                if not (isinstance(error, click.MissingParameter) and _is_named(param, problems)):
                    problems.append(describe(error))
        return problems + self._unexpected(ctx, rest)

    def _unexpected(self, ctx: click.Context, rest: Sequence[str]) -> list[str]:
        options = [name for param in self.get_params(ctx) for name in param.opts + param.secondary_opts]
        problems, is_value = [], False  # what follows an unknown option is most likely its value
        for word in rest:
            if word.startswith("-") and word != "-":
                name = word.partition("=")[0]
                problems.append(describe(click.NoSuchOption(name, possibilities=options)))
            elif not is_value:
                problems.append(f"unexpected argument {word!r}")
            is_value = word.startswith("--") and "=" not in word
        return problems


def _without(args: Sequence[str], option: str) -> list[str]:
    return [word for word in args if not word.startswith(f"{option}=")]


def _is_named(param: click.Parameter, problems: Sequence[str]) -> bool:
    names = param.opts + param.secondary_opts
    return any(problem.startswith(f"option {name!r} ") for name in names for problem in problems)


def _resolve(ctx: click.Context) -> list[str]:
    from platform_cli.settings import resolve

    flags = {key: value for key, (_, value) in ctx.meta.get(_GIVEN, {}).items()}
    problems = []
    for flag in FLAGS:
        if flag.kind and flag.key in flags:
            try:
                registry.reference(flag.kind, flags[flag.key])
            except ConfigurationError as error:
                problems.append(str(error))
    try:
        ctx.obj = resolve(flags)
    except ConfigurationError as error:
        problems += str(error).splitlines()
    return problems
