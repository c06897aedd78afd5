"""compose.yaml: the samples, from an object store into PostgreSQL."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator

import pytest

from tests.containers.engine import REPOSITORY

Compose = Callable[..., str]
LOAD = ("run", "batch_etl", "--date", "2026-01-15", "--source-path", "raw/events", "--json")


@pytest.fixture
def compose() -> Iterator[Compose]:
    """Yield what runs a command of compose in a project of its own, which is removed afterwards."""
    plugin = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False)
    if plugin.returncode and not shutil.which("docker-compose"):
        pytest.skip("compose is not installed")
    program = ["docker-compose"] if plugin.returncode else ["docker", "compose"]

    def run(*arguments: str) -> str:
        command = [*program, "--project-name", f"platform-test-{os.getpid()}", *arguments]
        done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    try:
        yield run
    finally:
        run("down", "--volumes", "--rmi", "local")


def test_the_samples_are_loaded_from_the_object_store_and_a_second_run_skips_them(compose: Compose) -> None:
    compose("build", "job")
    for inserted, skipped in ((2810, 0), (0, 2810)):
        result = json.loads(compose("run", "--rm", "-T", "job", *LOAD).splitlines()[-1])
        assert (result["figures"]["inserted"], result["figures"]["skipped"]) == (inserted, skipped)
        assert result["root"] == "s3://lake"
    assert compose("run", "--rm", "-T", "job", "rejects", "list").count("raw/events/2026-01-15") == 4
