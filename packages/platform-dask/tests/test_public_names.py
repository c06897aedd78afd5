import platform_dask
from platform_interfaces.testing import check_public_names


def test_the_public_names_are_these() -> None:
    check_public_names(platform_dask, ["DaskExecutor"])
