"""``ExecutorInterface`` on Dask."""

import asyncio
import logging
import os
import pickle
import sys
import warnings
from concurrent.futures import CancelledError
from contextlib import AsyncExitStack, suppress
from typing import TYPE_CHECKING, Any

from platform_interfaces import ConfigurationError, ExecutorError, SecretsInterface, WorkerLostError
from platform_interfaces.execution import RemoteExecutor, replay

if TYPE_CHECKING:
    from distributed import Client, LocalCluster

CONNECT_SECONDS = 10.0
"""How long to wait for the scheduler of a cluster."""

_CLOSE_SECONDS = 5.0


class DaskExecutor(RemoteExecutor):
    """The cluster at ``DASK_ADDRESS``, or one of processes of this machine, which is started and ended here.

    That of this machine listens on 127.0.0.1, has as many workers as were asked for, else as there are
    processors, and no dashboard. On another, the limit of lost workers is the scheduler's setting
    ``distributed.scheduler.allowed-failures``, and the workers need the packages of the run, the same
    settings, and the files that it reads.
    """

    def __init__(self, secrets: SecretsInterface) -> None:
        """Read the address; nothing is started."""
        self._address = secrets.get_or_default("DASK_ADDRESS", "").strip()
        self._client: Client | None = None
        self._stack = AsyncExitStack()
        self._slots = asyncio.Semaphore(sys.maxsize)
        self._run = ""
        self._recipe = b""

    async def connect(self) -> None:
        """Connect to the cluster, or start one.

        Raises:
            ConfigurationError: when the address cannot be one.
            ExecutorError: when the scheduler cannot be reached.
        """
        if self._client:
            return
        from distributed import Client

        _log_as_other_libraries()
        if self._address:
            _check_address(self._address)
        try:
            cluster = self._address or await self._open_cluster()
            opening = Client(cluster, asynchronous=True, timeout=CONNECT_SECONDS, set_as_default=False)
            client = await self._stack.enter_async_context(opening)
        except (OSError, TimeoutError) as error:
            await self._stack.aclose()
            where = f"{self._address!r} (DASK_ADDRESS)" if self._address else "of this machine"
            raise ExecutorError(f"the Dask scheduler {where} cannot be reached: {error}") from error
        except BaseException:
            await self._stack.aclose()
            raise
        self._client = client

    async def _open_cluster(self) -> "LocalCluster":
        from platform_dask.local_cluster import make_local_cluster

        count = self.workers or os.cpu_count() or 1
        cluster = make_local_cluster(count)
        # A worker that is lost counts against every item that it was given, also those that it had not begun.
        self._slots = asyncio.Semaphore(count)
        await self._stack.enter_async_context(cluster)
        return cluster

    async def disconnect(self) -> None:
        client, self._client = self._client, None
        if client and self._run:
            from platform_dask.calls import close_context

            # What a lost scheduler cannot pass on, workers do by themselves, later.
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(_CLOSE_SECONDS):
                    await client.run(close_context, self._run, on_error="ignore")
        self._run = ""
        await self._stack.aclose()

    async def run_call(self, call: bytes) -> bytes:
        answer = b""
        while not answer:  # the scheduler took it from a worker, and wants it again
            async with self._slots:
                answer = await self._submit(self._begin_run(), call)
        return answer

    async def _submit(self, client: "Client", call: bytes) -> bytes:
        """Return the answer to a call; empty where its worker has given it up."""
        import distributed

        from platform_dask.calls import answer_call

        with warnings.catch_warnings():  # of large items, which have a limit here
            warnings.simplefilter("ignore", UserWarning)
            # Pure is the default: a second run of the same item would be given the first one's result.
            future = client.submit(answer_call, self._recipe, call, pure=False)
        try:
            answer: bytes = await future
        except distributed.KilledWorker as error:
            attempts = error.allowed_failures + 1
            raise WorkerLostError(f"{attempts} workers were lost with the item: see their logs") from error
        except (CancelledError, OSError) as error:
            raise ExecutorError(self._explain_loss()) from error
        except Exception as error:
            kind = type(error).__name__
            raise ExecutorError(
                f"a worker cannot answer: {kind}: {error}; has it the same packages?"
            ) from error
        finally:
            future.release()  # so that a worker that dies takes no result with it, and stops what is given up
        return answer

    def _begin_run(self) -> "Client":
        """Return the client, which from the first call on has what workers log."""
        client = self._client
        if client is None:
            raise ExecutorError("the executor is not connected: call connect() first")
        if client.status != "running":
            raise ExecutorError(self._explain_loss())
        if not self._run:
            from platform_dask.calls import TOPIC, name_run

            self._recipe = pickle.dumps(self.open_worker_context)
            self._run = name_run(self._recipe)
            client.subscribe_topic(TOPIC, self._replay)
        return client

    def _replay(self, event: tuple[float, Any]) -> None:
        _, message = event
        if message["run"] == self._run:
            replay(self.log.bind(worker=message["worker"]), pickle.loads(message["event"]))

    def _explain_loss(self) -> str:
        if self._client is None:
            return "the executor was disconnected: connect() again"
        return (
            "the Dask scheduler was lost, and with it all that runs: see whether it was killed, and run again"
        )


def _check_address(address: str) -> None:
    from distributed.comm.addressing import get_address_host_port, normalize_address

    try:
        get_address_host_port(normalize_address(address), strict=True)
    except ValueError as error:
        text = f"DASK_ADDRESS is {address!r}: {error}; write it as tcp://host:8786"
        raise ConfigurationError(text) from error


def _log_as_other_libraries() -> None:
    """Have what Dask logs go where the records of other libraries go; it has set up handlers of its own."""
    for name in ("distributed", "distributed.client", "bokeh", "tornado", "tornado.application"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
