"""A module's arguments as click options, and their values as the module's configuration."""

import math
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import click

from platform_cli._masking import hide_secrets
from platform_cli._text import did_you_mean
from platform_cli.manifest import Argument, Value

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


def to_option(argument: Argument) -> click.Option:
    """Return the option for an argument; a boolean is a pair ``--name/--no-name``."""
    is_flag = argument.type == "boolean"
    flag = f"--{argument.name}"
    given: dict[str, Any] = {} if argument.default is None else {"default": argument.default}
    if argument.default_in:  # which of the defaults holds is known when the environment is
        given = {"default": None}
    return _ArgumentOption(
        argument,
        [f"{flag}/--no-{argument.name}" if is_flag else flag, argument.key],
        type=None if is_flag else _ArgumentType(argument),
        required=argument.is_required,
        show_default=argument.default is not None,
        help=argument.description,
        **given,
    )


def to_example(arguments: tuple[Argument, ...]) -> str:
    """Return the words of an example: a value for each argument that is required or has one."""
    shown = [each for each in arguments if each.is_required or each.example is not None]
    return "".join(f" {_to_words(each)}" for each in shown)


def _to_words(argument: Argument) -> str:
    value = argument.example
    if argument.type == "boolean":
        return f"--no-{argument.name}" if value is False else f"--{argument.name}"
    if value is None:
        made_up: dict[str, Value] = {"integer": 1, "float": 0.5, "string": argument.name.upper()}
        value = argument.choices[0] if argument.choices else made_up[argument.type]
    text = str(value)
    return f"--{argument.name} {text if re.fullmatch(r'[A-Za-z0-9_./:%+-]+', text) else repr(text)}"


def to_config(
    arguments: tuple[Argument, ...], values: Mapping[str, Any], env: str
) -> dict[str, Value | None]:
    """Return what the module reads as ``ctx.config``, by the names of ``module.json``.

    An argument that was not given has its default in ``env``; without one it is None, a boolean False.
    """
    return {argument.name: _value(argument, values[argument.key], env) for argument in arguments}


def to_words(arguments: tuple[Argument, ...], config: Mapping[str, Any], env: str) -> list[str]:
    """Return the words of a command line that give ``config`` in ``env``, without those of defaults.

    Values without an argument come last: those of another version. False most likely was their default.
    """
    defaults = {argument.name: _value(argument, None, env) for argument in arguments}
    words = []
    for name in (*defaults, *sorted(config.keys() - defaults.keys())):
        value = config.get(name)
        if value is None or (value == defaults[name] if name in defaults else value is False):
            continue
        if isinstance(value, bool):
            words.append(f"--{name}" if value else f"--no-{name}")
        elif str(value).startswith(("-", "\u2013", "\u2014")):  # which would pass for an option
            words.append(f"--{name}={value}")
        else:
            words += [f"--{name}", str(value)]
    return words


def _value(argument: Argument, given: Any, env: str) -> Value | None:
    value: Value | None = argument.default_in.get(env, argument.default) if given is None else given
    return bool(value) if argument.type == "boolean" else value


class _ArgumentOption(click.Option):
    def __init__(self, argument: Argument, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._argument = argument
        self.example = _to_words(argument)

    def get_help_extra(self, ctx: click.Context) -> Any:
        extra = super().get_help_extra(ctx)
        if self._argument.default_in:
            extra["default"] = _show_default(self._argument)
        elif "default" in extra:
            extra["default"] = hide_secrets(extra["default"])
        return extra


def _show_default(argument: Argument) -> str:
    if argument.type == "boolean":
        default = "on" if argument.default else "off"
        own = {env: "on" if value else "off" for env, value in argument.default_in.items()}
    else:
        default = "none" if argument.default is None else str(argument.default)
        own = {env: str(value) for env, value in argument.default_in.items()}
    shown = [
        f"{value} in {' and '.join(env for env, each in own.items() if each == value)}"
        for value in dict.fromkeys(own.values())
    ]
    return hide_secrets(f"{', '.join(shown)}; else {default}")


class _ArgumentType(click.ParamType[Value]):
    def __init__(self, argument: Argument) -> None:
        self.name = argument.type
        self._choices = argument.choices

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str | None:
        return f"[{'|'.join(map(str, self._choices))}]" if self._choices else None

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> "list[CompletionItem]":
        from click.shell_completion import CompletionItem

        return [CompletionItem(each) for each in map(str, self._choices) if each.startswith(incomplete)]

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Value:
        parsed = self._parse(value) if isinstance(value, str) else value
        if self._choices and parsed not in self._choices:
            known = [str(choice) for choice in self._choices]
            self.fail(f"{value!r} is not one of {', '.join(known)}{did_you_mean(value, known)}", param, ctx)
        return parsed

    def _parse(self, text: str) -> Value:
        try:
            return _PARSERS[self.name](text)
        except ValueError:
            article = "an" if self.name == "integer" else "a"
            self.fail(f"{text!r} is not {article} {self.name}")


def _string(text: str) -> str:
    text.encode()  # bytes that are not UTF-8 came as lone surrogates, which nothing can store
    return text


def _integer(text: str) -> int:
    if not re.fullmatch(r"[+-]?[0-9]+", text):
        raise ValueError(text)
    return int(text)


def _float(text: str) -> float:
    value = float(text)
    if not re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?", text) or not math.isfinite(
        value
    ):
        raise ValueError(text)
    return value


_PARSERS: Mapping[str, Callable[[str], Value]] = {"string": _string, "integer": _integer, "float": _float}
