from collections.abc import Iterator

import pytest

from platform_dask import DaskExecutor
from platform_dask.local_cluster import make_local_cluster
from platform_interfaces.testing import ExecutorContract
from platform_memory import MemorySecrets


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Yield the address of a cluster for all cases: to start one takes seconds."""
    with make_local_cluster(2, is_asynchronous=False) as cluster:
        # On an existing cluster, a lost worker counts against the items that wait on it, too: see the README.
        # With more attempts, none of those is lost as often as the one that kills its workers.
        cluster.scheduler.allowed_failures = 5
        yield str(cluster.scheduler_address)


class TestDaskExecutor(ExecutorContract):
    @pytest.fixture
    def unprepared(self, address: str) -> DaskExecutor:
        return DaskExecutor(MemorySecrets({"DASK_ADDRESS": address}))
