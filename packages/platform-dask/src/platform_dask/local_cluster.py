"""A cluster of processes of this machine."""

import dask
from distributed import LocalCluster

MAX_ATTEMPTS = 3
"""So many workers may be lost with an item before it is given up."""


def make_local_cluster(workers: int, *, is_asynchronous: bool = True) -> LocalCluster:
    """Return a cluster that listens on 127.0.0.1 only, has no dashboard, and is not started yet.

    Args:
        workers: how many processes; each does one item at a time.
        is_asynchronous: whether it is opened by ``async with``, on this event loop.
    """
    # Else one that is killed a second time, so long after the first, is not started again.
    dask.config.set({"distributed.deploy.lost-worker-timeout": "1 day"})
    return LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        host="127.0.0.1",
        dashboard_address=None,
        scheduler_kwargs={"allowed_failures": MAX_ATTEMPTS - 1, "dashboard_address": "127.0.0.1:0"},
        memory_limit=0,  # at a limit of its own, Dask would pause and kill workers while there is memory
        asynchronous=is_asynchronous,
    )
