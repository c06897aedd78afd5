"""The adapters of a run that are open: each registers its own end, and errors name it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial

from platform_cli._adapter_construction import label_adapter
from platform_cli._blame import Owner, attribute
from platform_cli.failures import AdapterFailedError, describe
from platform_cli.setting import Setting
from platform_interfaces import AsyncResource, Lifecycle, PlatformError


class OpenAdapters:
    """Opens adapters, each once; three lifecycles close them, one after another.

    Args:
        chosen: the settings that name the adapters, by kind of interface.
        owners: whose code each package is, for errors.

    Attributes:
        lifecycle: closes what is opened after the database, and what a module opens, in reverse order.
        database_lifecycle: closes the database and the secret store, when the run is in the history.
        log_lifecycle: closes the logger, to be shut down after the last line.
    """

    def __init__(self, chosen: Mapping[str, Setting], owners: Mapping[str, Owner]) -> None:
        self.lifecycle = Lifecycle()
        self.database_lifecycle = Lifecycle()
        self.log_lifecycle = Lifecycle()
        self._chosen, self._owners = chosen, owners
        self._opened = set[str]()

    async def open(self, adapters: Mapping[str, AsyncResource]) -> None:
        """Open those adapters that are not open, in their order, by kind of interface.

        Raises:
            PlatformError: when one cannot be opened; the lifecycles close those before it.
        """
        for kind, adapter in adapters.items():
            if kind not in self._opened:
                with self._naming(kind):
                    await adapter.connect()
                self._opened.add(kind)
                self._lifecycle_of(kind).on_shutdown(partial(self._close, kind, adapter))

    def _lifecycle_of(self, kind: str) -> Lifecycle:
        if kind in ("database", "secrets"):
            return self.database_lifecycle
        return self.log_lifecycle if kind == "logging" else self.lifecycle

    async def _close(self, kind: str, adapter: AsyncResource) -> None:
        self._opened.discard(kind)
        with self._naming(kind):
            await adapter.disconnect()

    @contextmanager
    def _naming(self, kind: str) -> Iterator[None]:
        """Name the adapter in an error of a call of it that does not show whose it is."""
        try:
            yield
        except Exception as error:
            if attribute(error, self._owners) is not error or isinstance(error, PlatformError):
                raise  # its owner is in it, or will be
            label = label_adapter(kind, self._chosen[kind].value)
            raise AdapterFailedError(f"{label} failed: {describe(error)}") from error
