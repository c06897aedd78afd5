"""The summary of a run, for people: how it ended, where it went, where each record has gone, what is next."""

from collections.abc import Iterator, Mapping
from shutil import get_terminal_size

from platform_cli._command_line import quote
from platform_cli._durations import format_duration
from platform_cli._masking import hide_secrets
from platform_cli._render import show
from platform_cli._text import printable
from platform_cli.arguments import to_words
from platform_cli.figures import explain_nothing
from platform_cli.history.record import RunStatus
from platform_cli.run.ended_run import EndedRun
from platform_cli.summary.account import make_account
from platform_cli.summary.next_commands import find_next

Part = tuple[str, str]
"""Text and its style, in the words of rich."""

Line = list[Part]

SHOWN_REASONS = 6
_WIDTH = 80
_NOTABLE_PERCENT = 0.1
_WARNING = "bold yellow"
_STYLES = {RunStatus.SUCCEEDED: "bold green", RunStatus.FAILED: "bold red"}
_LABEL_WIDTH = 12


def make_summary(ended: EndedRun) -> list[Line]:
    """Return the lines of the summary."""
    lines: list[Line] = []
    for make in (_head, _where, _account, _next):
        if block := list(make(ended)):
            lines += [[], *block] if lines else block
    return lines


def to_text(lines: list[Line]) -> str:
    """Return the summary without styles."""
    return "\n".join("".join(text for text, _ in parts).rstrip() for parts in lines)


def to_styled(lines: list[Line]) -> str:
    """Return the summary as a terminal shows it."""
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False, emoji=False, markup=False)
    with console.capture() as capture:
        for parts in lines:
            console.print(Text.assemble(*parts), soft_wrap=True)
    return "\n" + capture.get().rstrip("\n")  # apart from the log


def _head(ended: EndedRun) -> Iterator[Line]:
    result = ended.result
    took = format_duration(result.seconds)
    endings = {
        RunStatus.SUCCEEDED: f"succeeded in {took}",
        RunStatus.INTERRUPTED: f"was interrupted after {took}",
        RunStatus.FAILED: f"failed after {took}",
    }
    kind = f" ({result.failure_kind})" if result.failure_kind and result.error else ""
    is_clean = result.status is not RunStatus.SUCCEEDED or not any(result.rejects.values())
    style = _STYLES.get(result.status, _WARNING) if is_clean else _WARNING
    name = f"retry of {ended.manifest.name}" if ended.entry == "retry" else ended.manifest.name
    nothing = explain_nothing(ended.figures) if result.status is RunStatus.SUCCEEDED else ""
    if nothing:
        yield [(f"{name} found nothing to load", "bold yellow"), (f" in {took}", "")]
        yield [(f"  {printable(nothing)}", "yellow")]
    else:
        yield [
            (f"{name} {endings[result.status]}", style),
            (_describe_rejected(ended), "yellow"),
            (kind, "red"),
        ]
    for line in hide_secrets(result.error).splitlines():
        yield [(f"  {printable(line)}", "red")]
    if ended.is_dry_run:
        yield [("  a dry run: nothing was written", "yellow")]
    elif result.status is RunStatus.INTERRUPTED:
        yield [(f"  {_say_what_is_stored(ended)}", "")]


def _describe_rejected(ended: EndedRun) -> str:
    """Return which share of the input of a run that succeeded was rejected; empty where it is slight."""
    lines, rejected = ended.figures.get("lines"), ended.figures.get("invalid")
    if ended.result.status is not RunStatus.SUCCEEDED or type(lines) is not int or type(rejected) is not int:
        return ""
    percent = 100 * rejected / max(lines, 1)
    return f", with {percent:.3g}% of the lines rejected" if percent >= _NOTABLE_PERCENT else ""


def _say_what_is_stored(ended: EndedRun) -> str:
    inserted = ended.figures.get("inserted")
    if not ended.is_lasting:
        return "its database has ended with it"
    if not isinstance(inserted, int):
        return "what it has stored stays"
    # At least: of a batch whose answer was not waited for, the rows may be there, too.
    return f"at least {inserted:,} inserted rows are stored; the same command completes the run"


def _where(ended: EndedRun) -> Iterator[Line]:
    words = to_words(ended.manifest.arguments, ended.arguments, ended.settings.env.value)
    values = {
        "arguments": " ".join(map(quote, words)),
        "environment": ended.settings.env.value,
        "database": ended.locations.get("database"),
        "table": ended.table,
        "files": ended.locations.get("root"),
        "run": ended.result.run.id,
    }
    for name, value in values.items():
        if value:
            yield [(f"  {name:<{_LABEL_WIDTH}} ", "dim"), (printable(value), "")]


def _account(ended: EndedRun) -> Iterator[Line]:
    account = make_account(ended)
    reasons = _list_reasons(ended.result.rejects)
    width = max((len(f"{row.count:,}") for row in account.rows), default=0)
    for row in account.rows:
        number = f"{row.count:>{width},}"
        is_rejected = row.label == "rejected" and row.count
        first, *others = _wrap(reasons, width) if is_rejected else [row.note if row.count else ""]
        style = "yellow" if is_rejected else "bold" if row.is_main else ""
        yield [(f"  {row.sign} {row.label:<{_LABEL_WIDTH}} ", "dim"), (number, style), (f"   {first}", "dim")]
        yield from ([(f"{'':{width + _LABEL_WIDTH + 8}}{each}", "dim")] for each in others)
    label_width = max(map(len, map(printable, account.others)), default=0)
    for name, value in account.others.items():
        text = f"{value:,}" if type(value) is int else show(value)
        yield [(f"  {printable(name):<{label_width}}  ", "dim"), (printable(text), "")]
    if reasons and not account.rows:
        yield [("  rejected for ", "dim"), (reasons, "yellow")]


def _list_reasons(rejects: Mapping[str, int]) -> str:
    counts = sorted(rejects.items(), key=lambda item: (-item[1], item[0]))
    shown = counts if len(counts) <= SHOWN_REASONS + 1 else counts[:SHOWN_REASONS]
    others = [count for _, count in counts[len(shown) :]]
    texts = [f"{printable(code)} {count:,}" for code, count in shown]
    return ", ".join([*texts, *([f"{len(others)} other reasons {sum(others):,}"] if others else [])])


def _wrap(text: str, number_width: int) -> list[str]:
    from textwrap import wrap

    available = min(_WIDTH, get_terminal_size().columns)
    width = max(available - _LABEL_WIDTH - number_width - 8, 20)
    # A line is not broken between a reason and its count.
    rows = wrap(text.replace(" ", "\xa0").replace(",\xa0", ", "), width, break_long_words=False)
    return [row.replace("\xa0", " ") for row in rows] or [""]


def _next(ended: EndedRun) -> Iterator[Line]:
    if commands := find_next(ended):
        yield [("  next", "dim")]
    for command in commands:
        yield [(f"    {printable(command)}", "dim" if command.startswith("#") else "cyan")]
