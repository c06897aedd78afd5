"""The functions of a module's ``main.py`` that the platform calls, checked before they are called."""

import inspect
from collections.abc import Callable
from typing import Any

from platform_cli import registry
from platform_cli.failures import ModuleFailedError
from platform_cli.manifest import Manifest, read_in_order
from platform_interfaces import ConfigurationError, PlatformContext


class Entry:
    """An async function of a module that takes the context."""

    def __init__(self, manifest: Manifest, name: str, function: Callable[[PlatformContext], Any]) -> None:
        self._function, self._module = function, manifest.name
        code = getattr(inspect.unwrap(function), "__code__", None)
        where = f" ({code.co_filename}, line {code.co_firstlineno})" if code else ""
        self._label = f"{name!r} of module {manifest.name!r}{where}"
        self._example = f"'async def {name}(ctx)'"
        self._require_function()

    async def call(self, context: PlatformContext) -> object:
        """Return what the function returns; ``sys.exit`` in it is a return.

        Raises:
            ModuleFailedError: when it is not async.
        """
        try:
            return await self._call(context)
        except SystemExit as error:
            # Let through, it would end the event loop before anything is undone.
            return error.code or 0

    async def run(self, context: PlatformContext) -> int:
        """Call the function and return its exit code.

        Raises:
            ModuleFailedError: when it returns anything but a number, or ends with ``sys.exit("text")``.
        """
        try:
            returned = await self._call(context)
        except SystemExit as error:
            if isinstance(error.code, str):
                raise ModuleFailedError(f"{self._label} ended with sys.exit: {error.code}") from error
            returned = error.code or 0
        if isinstance(returned, int) and not isinstance(returned, bool):
            return returned
        shown = repr(returned) if isinstance(returned, bool | None) else f"a {type(returned).__name__}"
        raise ModuleFailedError(
            f"{self._label} returned {shown}: it must return the exit code, 0 for success"
        )

    async def check(self, context: PlatformContext) -> None:
        """Call the function, which checks whether the module can start.

        Raises:
            ModuleFailedError: when it returns that it cannot, or is not async.
        """
        returned = await self.call(context)
        if returned or returned is False:  # 0 is what a run returns for success
            raise ModuleFailedError(
                f"module {self._module!r} refused to start: its check returned {returned!r:.80}"
            )

    async def _call(self, context: PlatformContext) -> object:
        pending = self._function(context)
        if not inspect.isawaitable(pending):
            raise ModuleFailedError(f"{self._label} is not async: define it as {self._example}")
        return await pending

    def _require_function(self) -> None:
        if not callable(self._function):
            raise ConfigurationError(f"{self._label} is not a function: define it as {self._example}")
        if inspect.isasyncgenfunction(self._function) or inspect.isgeneratorfunction(self._function):
            raise ConfigurationError(f"{self._label} has a 'yield' in it: define it as {self._example}")
        try:
            inspect.signature(self._function).bind(object())
        except TypeError as error:
            raise ConfigurationError(
                f"{self._label} must take one argument, the context, as {self._example} does: {error}"
            ) from error
        except ValueError:  # it has no signature that can be read
            return


def load_entries(manifest: Manifest, name: str) -> tuple[Entry, Entry | None]:
    """Return the function ``name`` of a module and its check, None where it has none; both are imported now.

    Raises:
        ConfigurationError: when what the module needs is not installed, or it cannot be loaded.
    """
    read_in_order([manifest.name])
    target = f"{manifest.package}.main:{name}"
    advice = f"define 'async def {name}(ctx)' in its main.py"
    function = registry.load_object(target, f"module {manifest.name!r}", advice=advice)
    return Entry(manifest, name, function), find_entry(manifest, f"check_{name}")


def find_entry(manifest: Manifest, name: str) -> Entry | None:
    """Return the function ``name`` of a module, which is imported now, or None where it has none.

    Raises:
        ConfigurationError: when the module cannot be loaded, or it is not such a function.
    """
    main = registry.load_object(f"{manifest.package}.main", f"module {manifest.name!r}")
    function = getattr(main, name, None)
    return None if function is None else Entry(manifest, name, function)
