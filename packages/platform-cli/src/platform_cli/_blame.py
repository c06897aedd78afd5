"""The owner of the code that raised an error: the module or an adapter, and where in it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType

import click

from platform_cli.failures import AdapterFailedError, ModuleFailedError, describe
from platform_interfaces import PlatformError


@dataclass(frozen=True)
class Owner:
    """The owner of code, which errors are attributed to: ``label`` is its name in messages."""

    label: str
    is_module: bool = False


def attribute(error: BaseException, owners: Mapping[str, Owner]) -> BaseException:
    """Return an error that names whose code raised ``error``, and where; or ``error`` itself.

    Args:
        error: what was raised; errors of the platform and of the command line are returned as they are.
        owners: by the name of their top-level package.
    """
    if isinstance(error, PlatformError | click.ClickException):
        return error
    frames = [(owners[frame.package], str(frame)) for frame in _frames(error) if frame.package in owners]
    if not frames:
        return error
    owner, where = frames[-1]
    if not owner.is_module:
        calls = [frame for other, frame in frames if other.is_module]
        where += f", called from {calls[-1]}" if calls else ""
    make = ModuleFailedError if owner.is_module else AdapterFailedError
    failure = make(f"{owner.label} failed: {describe(error)} ({where})")
    failure.__cause__ = error
    return failure


def describe_import(error: BaseException) -> str:
    """Return why an import failed: the kind of error, and the file and line with the full path."""
    if isinstance(error, SyntaxError):
        return f"{type(error).__name__}: {error.msg} ({error.filename}, line {error.lineno})"
    text = str(error) if isinstance(error, ImportError | AttributeError) else describe(error)
    lines = [frame for frame in _frames(error) if frame.is_imported]
    advice = ": install it, or correct its name" if isinstance(error, ModuleNotFoundError) else ""
    return f"{text} ({lines[-1].file}, line {lines[-1].line}){advice}" if lines else text


@dataclass(frozen=True)
class _Frame:
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


def _frames(error: BaseException) -> Iterator[_Frame]:
    trace: TracebackType | None = error.__traceback__
    while trace:
        code, module = trace.tb_frame.f_code, str(trace.tb_frame.f_globals.get("__name__", ""))
        yield _Frame(module.partition(".")[0], module, code.co_filename, trace.tb_lineno, code.co_name)
        trace = trace.tb_next
