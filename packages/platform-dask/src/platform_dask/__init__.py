"""An executor on Dask."""

from platform_dask.executor import DaskExecutor

__all__ = ["DaskExecutor"]
