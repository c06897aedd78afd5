"""Contract suites for adapters and a harness for modules. Needs the extra ``testing``.

An adapter's own test file subscribes in a few lines::

    class TestMyDatabase(DatabaseContract):
        @pytest.fixture
        def database(self) -> MyDatabase:
            return MyDatabase(secrets)

``JobHarness`` runs a module in the process of its tests.
"""

import pytest

pytest.register_assert_rewrite(
    "platform_interfaces.testing._database_values",
    "platform_interfaces.testing._database_bulk",
    "platform_interfaces.testing._database_cancellation",
    "platform_interfaces.testing._database_concurrency",
    "platform_interfaces.testing._database_errors",
    "platform_interfaces.testing._database_lifecycle",
    "platform_interfaces.testing._database_shared",
    "platform_interfaces.testing._executor_workers",
    "platform_interfaces.testing._filesystem_names",
    "platform_interfaces.testing._filesystem_processes",
    "platform_interfaces.testing._filesystem_raw",
    "platform_interfaces.testing._filesystem_streams",
    "platform_interfaces.testing._filesystem_survey",
    "platform_interfaces.testing._filesystem_writes",
    "platform_interfaces.testing._lifecycle",
    "platform_interfaces.testing._support",
    "platform_interfaces.testing.database",
    "platform_interfaces.testing.executor",
    "platform_interfaces.testing.filesystem",
    "platform_interfaces.testing.job",
    "platform_interfaces.testing.logging",
    "platform_interfaces.testing.public_names",
    "platform_interfaces.testing.secrets",
)

from platform_interfaces.testing.database import DatabaseContract  # noqa: E402 - after the assert rewrite
from platform_interfaces.testing.executor import ExecutorContract  # noqa: E402
from platform_interfaces.testing.filesystem import FileSystemContract  # noqa: E402
from platform_interfaces.testing.job import JobHarness, JobResult  # noqa: E402
from platform_interfaces.testing.logging import LoggingContract  # noqa: E402
from platform_interfaces.testing.public_names import check_public_names  # noqa: E402
from platform_interfaces.testing.secrets import SecretsContract  # noqa: E402

__all__ = [
    "DatabaseContract",
    "ExecutorContract",
    "FileSystemContract",
    "JobHarness",
    "JobResult",
    "LoggingContract",
    "SecretsContract",
    "check_public_names",
]
