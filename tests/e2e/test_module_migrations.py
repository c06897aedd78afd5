"""A module installed from its own package brings its tables; nothing here is changed for it."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from textwrap import dedent

import pytest

from tests.helpers.command import Outcome, Platform

MODULE = {
    "pyproject.toml": """
        [project]
        name = "greetings-job"
        version = "1.0"
        dependencies = ["platform-interfaces"]

        [project.entry-points."platform.modules"]
        greetings = "greetings_job"

        [build-system]
        requires = ["uv_build"]
        build-backend = "uv_build"
    """,
    "src/greetings_job/__init__.py": "",
    "src/greetings_job/module.json": """
        {
          "name": "greetings",
          "description": "Counts greetings in a table of its own.",
          "type": "job",
          "version": "1.0.0",
          "dependencies": {"interfaces": ["database", "logging"]},
          "migrations": "migrations"
        }
    """,
    "src/greetings_job/main.py": """
        async def run(ctx):
            await ctx.db.execute("INSERT INTO greetings (run) VALUES ($1)", [ctx.run.id])
            row = await ctx.db.fetch_one("SELECT count(*) AS n FROM greetings")
            ctx.run.figures["greetings"] = row["n"]
            return 0
    """,
    "src/greetings_job/migrations/001_create_greetings.py": """
        async def up(conn):
            await conn.execute("CREATE TABLE greetings (id BIGSERIAL PRIMARY KEY, run TEXT NOT NULL)")


        async def down(conn):
            await conn.execute("DROP TABLE greetings")
    """,
    "src/greetings_job/migrations/002_index_greetings.py": """
        async def up(conn):
            await conn.execute("CREATE INDEX greetings_run ON greetings (run)")


        async def down(conn):
            await conn.execute("DROP INDEX greetings_run")
    """,
}
OWN = ["greetings/001_create_greetings", "greetings/002_index_greetings"]


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Return the folder that the module was installed to; on PYTHONPATH it counts as installed."""
    for path, text in MODULE.items():
        file = tmp_path / "greetings" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dedent(text).lstrip())
    command = ["uv", "pip", "install", "--quiet", "--no-deps", "--python", sys.executable]
    subprocess.run([*command, "--target", tmp_path / "site", tmp_path / "greetings"], check=True)
    return tmp_path / "site"


@pytest.fixture
def run(platform: Platform, site: Path, postgres_url: str) -> Platform:
    """Run a command with the module installed, on an empty PostgreSQL."""

    def run(*args: str, **variables: str) -> Outcome:
        settings = {"PYTHONPATH": str(site), "DB_POSTGRES_URL": postgres_url, **variables}
        return platform(*args, "--db", "postgres", "--log", "json", **settings)

    return run


def test_its_tables_are_there_when_it_runs_and_go_when_it_goes(run: Platform, site: Path) -> None:
    refused = run("run", "greetings", "--env", "staging")
    assert (refused.code, all(name in refused.log for name in OWN)) == (2, True)
    first, second = run("run", "greetings"), run("run", "greetings")
    [applied] = [event for event in first.events() if event["event"] == "Applied migrations"]
    assert applied["migrations"][-2:] == OWN
    for number, done in enumerate((first, second), 1):
        end = done.events()[-1]
        assert (end["event"], end["module"], end["figures"]) == (
            "Run complete",
            "greetings",
            {"greetings": number},
        )
    assert first.events()[-1]["run_id"] != second.events()[-1]["run_id"]
    assert run("migrate", "down", "--module", "greetings", "--target", "0").out.splitlines() == [
        f"rolled back {name}" for name in reversed(OWN)
    ]
    statuses = json.loads(run("migrate", "status", "--json").out)["migrations"]
    found = {each["name"]: each["state"] for each in statuses if each["owner"] == "greetings"}
    assert found == dict.fromkeys(OWN, "pending")
    assert {each["state"] for each in statuses if each["owner"] == "platform"} == {"applied"}
    made = run("migrate", "create", "more", "--module", "greetings")
    assert (made.code, "part of an installed package" in made.log) == (4, True)
    assert sorted(path.name for path in (site / "greetings_job" / "migrations").glob("*.py")) == [
        "001_create_greetings.py",
        "002_index_greetings.py",
    ]


def test_two_processes_at_once_apply_everything_once(run: Platform) -> None:
    with ThreadPoolExecutor(2) as threads:
        done = [*threads.map(lambda _: run("migrate", "up"), range(2))]
    assert [each.code for each in done] == [0, 0]
    applied = [line.removeprefix("applied ") for each in done for line in each.out.splitlines()]
    assert sorted(set(applied) - {"no migrations to apply"})[-2:] == OWN
    assert len(applied) == len(set(applied))
    assert run("migrate", "status", "--check").code == 0


def test_another_deployment_without_the_module_goes_on(run: Platform) -> None:
    run("migrate", "up")
    assert run("migrate", "up", PYTHONPATH="").out == "no migrations to apply\n"
    checked = run("migrate", "status", "--check", PYTHONPATH="")
    assert checked.code == 0
    assert checked.out.count("of module greetings, which is not installed") == 2
    refused = run("migrate", "down", PYTHONPATH="")
    assert (refused.code, "first roll that back with 'down --module greetings'" in refused.log) == (4, True)
