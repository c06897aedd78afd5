"""What all commands share: the global options, and command lines checked as a whole."""

from collections.abc import Sequence
from contextlib import chdir
from typing import TYPE_CHECKING, Any

import click
from click.core import iter_params_for_processing

from platform_cli import registry
from platform_cli._reserved_stdout import result_stream
from platform_cli.failures import OutputClosedError, describe
from platform_cli.flags import FLAGS, Flag
from platform_cli.reporting import REPORTING
from platform_interfaces import ConfigurationError, PlatformError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

_GIVEN = "platform_cli.flags"
_UNCUT = 1000  # the first sentence of a help is wrapped where it is too long
_HELP_NAMES = ["-h", "--help"]


def say(text: str | bytes, *, has_end: bool = True) -> None:
    """Print a line, or without ``has_end`` the beginning of one.

    Raises:
        OutputClosedError: when the reader has closed it.
        PlatformError: when it cannot be written, on a full disk.
    """
    REPORTING.is_answered = True
    try:
        click.echo(text, file=result_stream(), nl=has_end)
    except BrokenPipeError as error:
        raise OutputClosedError from error
    except OSError as error:
        raise PlatformError(f"standard output cannot be written: {error.strerror}") from error


class GlobalOption(click.Option):
    """An option that every command takes, once and anywhere on the command line."""

    def __init__(self, flag: Flag) -> None:
        self._flag = flag
        super().__init__(
            [flag.switch or f"--{flag.name}"],
            metavar=None if flag.switch else flag.metavar,
            is_flag=bool(flag.switch),
            default=None,
            expose_value=False,
            callback=_remember,
            help=f"{flag.help}. [default: {flag.default}; {flag.variable}]",
        )

    def shell_complete(self, ctx: click.Context, incomplete: str) -> "list[CompletionItem]":
        from click.shell_completion import CompletionItem

        from platform_cli.commands._completions import complete_flag

        return [CompletionItem(name) for name in complete_flag(self._flag, incomplete)]

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        record = super().get_help_record(ctx)
        if record is None or not self.secondary_opts:
            return record
        # Half as wide as "--x / --no-x", so that the others need fewer lines.
        return self.secondary_opts[0].replace("--no-", "--[no-]"), record[1]


def _remember(context: click.Context, option: click.Parameter, value: Any) -> None:
    if value is None:
        return
    # Outer and inner commands share `meta`, and the inner ones are parsed later.
    given = context.meta.setdefault(_GIVEN, {})
    level, _ = given.get(option.name, (context.command_path, value))
    if level != context.command_path:
        raise click.UsageError(f"option {option.opts[0]!r} is given more than once: give it once")
    given[option.name] = (context.command_path, str(value).lower() if value in (True, False) else value)


_GLOBAL_OPTIONS = [GlobalOption(flag) for flag in FLAGS]


class PlainCommand(click.Command):
    """A command that needs no settings; its help has global options and examples in sections of their own.

    Args:
        examples: command lines, as they are typed; a test parses each.
    """

    def __init__(self, *args: Any, examples: Sequence[str] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.examples = tuple(examples)
        self.params += _GLOBAL_OPTIONS

    def get_help_option_names(self, ctx: click.Context) -> list[str]:
        return _HELP_NAMES

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not (ctx.resilient_parsing or any(name in args for name in _HELP_NAMES)):
            from platform_cli.commands._words import find_problems

            problems, _ = find_problems(args, ctx)
            if problems:
                raise click.UsageError("\n".join(problems), ctx)
        return super().parse_args(ctx, args)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        options = [param for param in self.get_params(ctx) if isinstance(param, click.Option)]
        own = [option for option in options if not isinstance(option, GlobalOption)]
        for title, params in (("Options", own), ("Global options", _GLOBAL_OPTIONS)):
            with formatter.section(title):
                formatter.write_dl([row for param in params if (row := param.get_help_record(ctx))])

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        super().format_epilog(ctx, formatter)
        if self.examples:
            with formatter.section("Examples" if len(self.examples) > 1 else "Example"):
                for example in self.examples:
                    formatter.write(_wrap_example(example, formatter.width))


def _wrap_example(example: str, width: int) -> str:
    """Return a command line that can be copied, broken before options where it is too wide."""
    lines = [""]
    for index, part in enumerate(example.split(" --")):
        word = f" --{part}" if index else part
        if lines[-1] and len(lines[-1]) + len(word) > width - 4:  # indented by 2, and ended by a backslash
            lines.append(" ")
        lines[-1] += word
    return "  " + " \\\n  ".join(lines) + "\n"


class PlatformGroup(PlainCommand, click.Group):
    """A command that only chooses a subcommand."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        commands = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl([(name, each.get_short_help_str(_UNCUT)) for name, each in commands if each])

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        self.format_commands(ctx, formatter)
        super().format_options(ctx, formatter)


class DefaultGroup(PlatformGroup):
    """A group whose command ``default`` is meant where the command line names none."""

    default = ""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        parser = self.make_parser(ctx)
        parser.ignore_unknown_options = True
        _, rest, _ = parser.parse_args(list(args))
        has_command = bool(rest) and not rest[0].startswith("-")
        if not has_command and (rest or not {*_HELP_NAMES} & {*args}):
            args = [self.default, *args]
        return super().parse_args(ctx, args)


class PlatformCommand(PlainCommand):
    """A command that does something: its settings are ``Context.obj``, its directory the project's.

    All problems of its command line are reported at once.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if ctx.resilient_parsing:  # for completion
            return super().parse_args(ctx, args)
        given = list(args)
        problems: list[str] = []
        try:
            super().parse_args(ctx, args)
        except click.UsageError:
            problems += self._problems(ctx, given)
        except FileNotFoundError:  # a relative path of an option, and no working directory
            pass
        problems += resolve_settings(ctx)
        if problems:
            raise click.UsageError("\n".join(dict.fromkeys(problems)), ctx)
        return []

    def invoke(self, ctx: click.Context) -> Any:
        with chdir(ctx.obj.project):
            return super().invoke(ctx)

    def _problems(self, ctx: click.Context, args: Sequence[str]) -> list[str]:
        from platform_cli.commands._words import explain_unexpected, find_problems

        problems, words = find_problems(args, ctx)
        parser = self.make_parser(ctx)
        parser.ignore_unknown_options = True  # such as a comment of SQL
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
        return problems + explain_unexpected(rest, args, ctx)


def _without(args: Sequence[str], option: str) -> list[str]:
    return [word for word in args if not word.startswith(f"{option}=")]


def _is_named(param: click.Parameter, problems: Sequence[str]) -> bool:
    names = param.opts + param.secondary_opts
    return any(problem.startswith(f"option {name!r} ") for name in names for problem in problems)


def resolve_settings(ctx: click.Context) -> list[str]:
    """Keep the settings of a command as its ``obj``, and return what is wrong with them."""
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
        REPORTING.shows_trace = ctx.obj.is_debug
        REPORTING.has_detailed_codes = ctx.obj.has_detailed_exit_codes
        REPORTING.has_json_log = ctx.obj.implementations["logging"].value == "json"
    except ConfigurationError as error:
        problems += str(error).splitlines()
    return problems
