"""What is particular to Dask: its addresses, and the cluster that it starts by itself."""

import socket
from pathlib import Path
from typing import Any

import psutil
import pytest

from platform_dask import DaskExecutor
from platform_interfaces import ConfigurationError, ExecutorError, PlatformContext
from platform_interfaces.execution._suite_work import SuiteContext, double
from platform_memory import MemoryLogger, MemorySecrets


def prepare(folder: Path, address: str = "", workers: int = 2) -> DaskExecutor:
    executor = DaskExecutor(MemorySecrets({"DASK_ADDRESS": address}))
    recipe = SuiteContext(str(folder))
    executor.prepare(PlatformContext(), recipe, log=MemoryLogger(), workers=workers)
    return executor


async def double_all(executor: DaskExecutor) -> list[int]:
    outcomes = executor.map_unordered(double, range(6), max_in_flight=3)
    return sorted([outcome.result or 0 async for outcome in outcomes])


async def test_without_an_address_a_cluster_of_this_machine_is_started_and_ended(tmp_path: Path) -> None:
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    async with prepare(tmp_path, workers=1) as executor:
        assert await double_all(executor) == [0, 2, 4, 6, 8, 10]
        processes = psutil.Process().children(recursive=True)
        ports = [each.laddr.ip for process in (psutil.Process(), *processes) for each in listening(process)]
    assert set(ports) == {"127.0.0.1"}
    left = {child.pid for child in psutil.Process().children(recursive=True)} - before
    assert all("resource_tracker" in " ".join(psutil.Process(each).cmdline()) for each in left)


def listening(process: psutil.Process) -> list[Any]:
    return [each for each in process.net_connections("tcp") if each.status == psutil.CONN_LISTEN]


async def test_a_scheduler_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform_dask.executor.CONNECT_SECONDS", 0.3)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(ExecutorError, match=rf"'{address}' \(DASK_ADDRESS\) cannot be reached"):
        await DaskExecutor(MemorySecrets({"DASK_ADDRESS": address})).connect()


@pytest.mark.parametrize("address", ["nowhere:8786:1", "ftp://host:1", "tcp://"])
async def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(ConfigurationError, match=f"DASK_ADDRESS is '{address}'"):
        await DaskExecutor(MemorySecrets({"DASK_ADDRESS": address})).connect()
