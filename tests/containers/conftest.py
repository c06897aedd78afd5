"""A container engine, the image of this repository, and a PostgreSQL that its containers reach."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator

import pytest

from platform_postgres.testing import open_server
from tests.containers.engine import REPOSITORY, Job, docker
from tests.torture.load import Day

POSTGRES_IMAGE = os.environ.get("POSTGRES_TEST_IMAGE", "postgres:18")


@pytest.fixture(scope="session", autouse=True)
def engine() -> None:
    """Skip what follows where no engine answers; ``DOCKER_HOST`` says where one is, as for docker."""
    try:
        done = subprocess.run(["docker", "version"], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("the command docker is not installed")
    if done.returncode:
        pytest.skip(f"no container engine answers: {done.stderr.strip()}")


@pytest.fixture(scope="session")
def postgres_server(engine: None) -> Iterator[str]:
    """Yield the URL of a server in a container."""
    with pytest.MonkeyPatch.context() as environment:
        environment.delenv("DB_POSTGRES_URL", raising=False)
        environment.setenv("POSTGRES_TEST_IMAGE", POSTGRES_IMAGE)
        with open_server() as url:
            yield url


@pytest.fixture(scope="session")
def image(engine: None) -> Iterator[str]:
    """Build the image, and yield its name."""
    name = f"platform-test-{os.getpid()}"
    docker("build", "--quiet", "--tag", name, str(REPOSITORY))
    yield name
    docker("image", "rm", name)


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Day:
    """Make several batches, so that there is a middle."""
    day = Day.make(tmp_path_factory.mktemp("day"), lines=40_000, files=4)
    day.root.chmod(0o755)  # the container has another user
    return day


@pytest.fixture
def job(image: str, day: Day) -> Iterator[Job]:
    """Run a PostgreSQL on a network of its own, and yield the job that works on it."""
    from testcontainers.community.postgres import PostgresContainer
    from testcontainers.core.network import Network

    server = PostgresContainer(POSTGRES_IMAGE, driver=None)
    with Network() as network, server.with_network(network).with_network_aliases("db"):
        yield Job(image, network.name, server, day.root)
