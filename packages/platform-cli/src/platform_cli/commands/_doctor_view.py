"""What ``platform doctor`` prints, for people and for programs."""

import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import groupby
from typing import TYPE_CHECKING

from platform_cli.commands._base import say
from platform_cli.commands._json import print_json as print_object
from platform_cli.commands._table import print_table
from platform_interfaces import CheckStatus

if TYPE_CHECKING:
    from platform_cli.doctor.examination import CheckResult
    from platform_cli.doctor.module import Request
    from platform_cli.settings import Settings

_STYLES: Mapping[str, str] = {
    CheckStatus.FAILED: "bold red",
    CheckStatus.WARNING: "yellow",
    CheckStatus.OK: "green",
}
_PLURALS = {CheckStatus.WARNING: "warnings"}


class CheckRow:
    """The row of a terminal that names the check which is under way."""

    def __init__(self) -> None:
        self._name = ""

    def show(self, name: str) -> None:
        """Name the check that is made now."""
        self._name = name

    def render(self) -> str:
        """Return the row with its end, as much of it as fits."""
        row = f"checking: {self._name}"[: shutil.get_terminal_size().columns - 1]
        return f"{row}\n" if self._name else ""


def print_results(settings: "Settings", request: "Request | None", results: "Sequence[CheckResult]") -> None:
    """Print a row for each check, with what to do below what failed, and the totals."""
    print_table(
        ("", "check", "found"),
        list(_to_rows(results)),
        whole=["", "check"],
        wrapped=["found"],
        styles=_STYLES,
        has_head=False,
    )
    say(_count(results))


def print_json(settings: "Settings", request: "Request | None", results: "Sequence[CheckResult]") -> None:
    """Print one object: what was checked, what became of it, and all checks."""
    statuses = {each.status for each in results}
    worst = next(
        (each for each in (CheckStatus.FAILED, CheckStatus.WARNING) if each in statuses), CheckStatus.OK
    )
    print_object(
        {
            "env": settings.env.value,
            "module": request and request.manifest.name,
            "status": worst,
            "checks": [asdict(each) | {"remedy": each.remedy or None} for each in results],
        }
    )


def _to_rows(results: "Iterable[CheckResult]") -> Iterator[tuple[str, str, str]]:
    def reason(result: "CheckResult") -> str:
        return result.found if result.status == CheckStatus.SKIPPED else ""

    for why, group in groupby(results, reason):
        found = list(group)
        if why and len(found) > 1:
            names = ", ".join(each.name for each in found)
            yield CheckStatus.SKIPPED, f"{len(found)} checks", f"{why}: {names}"
            continue
        for each in found:
            yield each.status, each.name, each.found
            if each.remedy:
                yield "", "", f"fix: {each.remedy}"


def _count(results: "Iterable[CheckResult]") -> str:
    counts = Counter(each.status for each in results)
    shown = [
        f"{count} {_PLURALS.get(status, status) if count > 1 else status}"
        for status in (CheckStatus.FAILED, CheckStatus.WARNING, CheckStatus.OK, CheckStatus.SKIPPED)
        if (count := counts[status])
    ]
    return ", ".join(shown)
