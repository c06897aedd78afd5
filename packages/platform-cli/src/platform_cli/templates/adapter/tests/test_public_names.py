import platform_new_adapter
from platform_interfaces.testing import check_public_names


def test_the_public_names_are_these() -> None:
    check_public_names(
        platform_new_adapter,
        [
            # [database]
            "NewAdapterDatabase",
            # [end]
            # [executor]
            "NewAdapterExecutor",
            # [end]
            # [filesystem]
            "NewAdapterFileSystem",
            # [end]
            # [logging]
            "NewAdapterLogger",
            # [end]
            # [secrets]
            "NewAdapterSecrets",
            # [end]
        ],
    )
