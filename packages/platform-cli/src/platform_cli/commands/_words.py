"""The words of a command line before click reads them: options unknown, without a value, or given twice."""

from collections.abc import Collection, Iterator, Sequence
from itertools import pairwise, takewhile

import click

from platform_cli._text import find_near
from platform_cli._usage_errors import describe_usage

_OPTION_SIGNS = ("--", "\u2013", "\u2014")  # text programs turn "--" into a dash


def find_problems(words: Sequence[str], ctx: click.Context) -> tuple[list[str], list[str]]:
    """Return what is wrong with the options, and the words without the options that are.

    A word that begins with ``--`` is neither a value, unless it is given as ``--name=--word``, nor an
    argument, unless it is behind ``--``. A word of several letters behind one dash is a long option that
    lacks a dash, unless they are all short options.

    Args:
        words: those of one command.
        ctx: that of the command.
    """
    options = _named_options(ctx)
    problems: list[str] = []
    remaining = list(words)
    seen: dict[str | None, str] = {}
    for index, name, value in _options(words, options, is_whole=ctx.allow_interspersed_args):
        option = options.get(name)
        if option is None:
            problem, remaining[index] = _describe_unknown(name, options, ctx)
            problems.append(problem)
            continue
        if option.name in seen and not option.multiple:
            problems.append(_describe_repetition(seen[option.name], name))
        seen[option.name] = name
        if not option.is_flag and value is None:
            problems.append(f"option {name!r} needs a value{_found_instead(words[index + 1 :], name)}")
            remaining[index] = ""
    return problems, [word for word, given in zip(remaining, words, strict=True) if word or not given]


def explain_unexpected(rest: Sequence[str], args: Sequence[str], ctx: click.Context) -> list[str]:
    """Return what is wrong with the words that the options and arguments of a command have left.

    Args:
        rest: these words.
        args: all words of the command.
        ctx: that of the command.
    """
    options = _named_options(ctx)
    # What follows an unknown option is most likely its value.
    values = {
        following
        for word, following in pairwise(takewhile("--".__ne__, args))
        if word.startswith("--") and "=" not in word and word not in options
    }
    unexpected = [word for word in rest if word not in values][: max(0, len(rest) - len(values))]
    return [f"unexpected argument {word!r}: {_guess_meaning(word, args, ctx)}" for word in unexpected]


def _named_options(ctx: click.Context) -> dict[str, click.Option]:
    return {
        name: param
        for param in ctx.command.get_params(ctx)
        if isinstance(param, click.Option)
        for name in (*param.opts, *param.secondary_opts)
    }


def _describe_unknown(name: str, options: Collection[str], ctx: click.Context) -> tuple[str, str]:
    """Return what is wrong with an option that the command does not have, and the option that is meant."""
    if name.startswith("--") or not name[2:]:
        return describe_usage(click.NoSuchOption(name, ctx=ctx)), ""
    near = find_near(name[1:], [each.removeprefix("--") for each in options])
    hint = f" (did you mean '--{near}'?)" if near else ": long options have two dashes"
    return f"unknown option {name!r}{hint}", f"--{near}" if near else ""


def _guess_meaning(word: str, args: Sequence[str], ctx: click.Context) -> str:
    if word.startswith(_OPTION_SIGNS):
        return f"it begins with a dash of a text program, type '--{word.lstrip(''.join(_OPTION_SIGNS))}'"
    *_, name, value = ("", "", *(args[: args.index(word)] if word in args else ()))  # of -v=3 a part is left
    options = _named_options(ctx)
    last = options.get(value)
    if last and last.is_flag:
        return f"{value!r} takes no value, give {' or '.join((*last.opts, *last.secondary_opts))}"
    if name in options:
        return f"quote a value with blanks, as in {name} '{value} {word}'"
    return f"see '{ctx.command_path} -h'"


def _options(
    words: Sequence[str], options: dict[str, click.Option], *, is_whole: bool
) -> Iterator[tuple[int, str, str | None]]:
    index = 0
    while index < len(words) and words[index] != "--":
        name, is_pair, value = words[index].partition("=")
        if name in options:
            takes_next = not options[name].is_flag and not is_pair
            following = words[index + 1] if takes_next and index + 1 < len(words) else None
            if following is not None and following.startswith(_OPTION_SIGNS):
                following = None
            yield index, name, value if is_pair else following
            index += following is not None
        elif _can_be_option(name) and any(f"-{letter}" not in options for letter in name[1:]):
            yield index, name, None
        elif not words[index].startswith("-") and not is_whole:
            return
        index += 1


def _can_be_option(name: str) -> bool:
    return name.startswith("-") and name.split() == [name]  # not a comment of SQL


def _describe_repetition(first: str, second: str) -> str:
    if first == second:
        return f"option {first!r} is given more than once: give it once"
    return f"options {first!r} and {second!r} exclude each other: give one of them"


def _found_instead(rest: Sequence[str], name: str) -> str:
    if not rest:
        return ""
    word = rest[0].partition("=")[0]
    if word.startswith("--"):
        return f", and {word!r} follows: was it an empty variable? (a value like that is given as {name}=…)"
    return f", and {word!r} follows, which begins with a dash that is not '--'"
