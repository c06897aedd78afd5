"""Whose code an error comes from: the module's, an adapter's, and where in it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType

import click

from platform_cli.failures import describe
from platform_interfaces import PlatformError


@dataclass(frozen=True)
class Owner:
    """Code that errors are attributed to: ``label`` is it in words."""

    label: str
    is_module: bool = False


def attribute(error: BaseException, owners: Mapping[str, Owner]) -> BaseException:
    """Return an error that names whose code raised ``error``, and where; or ``error`` itself.

    Args:
        error: what was raised; an error of the platform's, and of the command line, says enough by itself.
        owners: by the name of their top-level package.
    """
    if isinstance(error, PlatformError | click.ClickException):
        return error
    places = [(owners[place.package], str(place)) for place in _places(error) if place.package in owners]
    if not places:
        return error
    owner, where = places[-1]
    if not owner.is_module:
        calls = [place for other, place in places if other.is_module]
        where += f", called from {calls[-1]}" if calls else ""
    return PlatformError(f"{owner.label} failed: {describe(error)} ({where})")


def describe_import(error: BaseException) -> str:
    """Return why an import failed: the kind of error, and the file and line with the full path."""
    if isinstance(error, SyntaxError):
        return f"{type(error).__name__}: {error.msg} ({error.filename}, line {error.lineno})"
    text = str(error) if isinstance(error, ImportError | AttributeError) else describe(error)
    lines = [place for place in _places(error) if place.is_imported]
    return f"{text} ({lines[-1].file}, line {lines[-1].line})" if lines else text


@dataclass(frozen=True)
class _Place:
    package: str
    module: str
    file: str
    line: int
    function: str

    @property
    def is_imported(self) -> bool:
        return not self.file.startswith("<frozen ") and self.package not in ("importlib", "platform_cli")

    def __str__(self) -> str:
        parents = self.module.count(".") + self.file.endswith("__init__.py")
        name = "/".join(self.file.split("/")[-parents - 1 :])
        return f"{name}:{self.line} in {self.function}"


def _places(error: BaseException) -> Iterator[_Place]:
    trace: TracebackType | None = error.__traceback__
    while trace:
        code, module = trace.tb_frame.f_code, str(trace.tb_frame.f_globals.get("__name__", ""))
        yield _Place(module.partition(".")[0], module, code.co_filename, trace.tb_lineno, code.co_name)
        trace = trace.tb_next
