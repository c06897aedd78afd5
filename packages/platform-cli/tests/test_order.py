"""Checks come before effects (C1, C2): the order in which a run checks, migrates and works."""

from collections.abc import Callable
from pathlib import Path

import pytest

Platform = Callable[..., tuple[int, str, str]]
Module = Callable[..., Path]
Install = Callable[..., Path]

NEEDS = {"interfaces": ["database", "logging"]}
ARGS = [{"name": "dry-run", "type": "boolean", "default": False}]
TABLES = "SELECT count(*) AS n FROM information_schema.tables WHERE table_name = 'cleaned_events'"
STEPS = f"""
    from platform_interfaces import ConfigurationError


    async def tables(ctx):
        return (await ctx.db.fetch_one("{TABLES}"))["n"]


    async def check_run(ctx):
        print("checked", await tables(ctx))


    async def check_retry(ctx):
        raise ConfigurationError("nothing to retry")


    async def run(ctx):
        print("ran", await tables(ctx))
        return 0


    retry = run
"""
SPY = """
    from platform_memory import MemoryDatabase


    class Database(MemoryDatabase):
        def __init__(self, secrets):
            super().__init__(secrets)
            print("create", secrets.get("DB_EMBEDDED_CREATE"))
"""


@pytest.fixture(autouse=True)
def hello(module: Module, install: Install) -> None:
    module(STEPS, dependencies=NEEDS, args=ARGS)
    install("spies", {"platform.database": {"spy": "spies.adapters:Database"}}, adapters=SPY)


def test_a_module_checks_before_anything_is_migrated(platform: Platform) -> None:
    code, out, _ = platform("run", "hello", "--db", "memory")
    assert (code, out) == (0, "checked 0\nran 1\n")


@pytest.mark.parametrize(
    "ending", ["return 3", "return False", "raise SystemExit(3)", "import sys; sys.exit('no')"]
)
def test_a_check_that_returns_or_exits_with_something_refuses_the_run(
    platform: Platform, site: Path, ending: str
) -> None:
    main = site / "hello_job" / "main.py"
    main.write_text(main.read_text().replace('print("checked", await tables(ctx))', ending))
    code, out, err = platform("run", "hello", "--db", "memory")
    assert (code, out, "module 'hello' refused to start: its check returned" in err) == (1, "", True)
    assert "Applied migrations" not in err


def test_what_the_check_refuses_is_exit_2_and_nothing_is_migrated(platform: Platform) -> None:
    code, out, err = platform("rejects", "retry", "hello", "--db", "memory")
    assert (code, out, "error: nothing to retry" in err, "Applied" in err) == (2, "", True, False)


@pytest.mark.parametrize("env", ["local", "production"])
def test_c1_c2_a_dry_run_migrates_nothing_says_so_and_goes_on(platform: Platform, env: str) -> None:
    code, out, err = platform("run", "hello", "--db", "memory", "--dry-run", "--env", env)
    assert (code, out) == (0, "checked 0\nran 0\n")
    assert "warn  Migrations are not applied in a dry run migrations='001_create_migrations_table" in err
    assert "Applied migrations" not in err


def test_c2_without_a_dry_run_it_is_refused_as_before(platform: Platform) -> None:
    code, out, err = platform("run", "hello", "--db", "memory", "--env", "production")
    assert (code, out, "is not up to date" in err) == (2, "checked 0\n", True)


@pytest.mark.parametrize(
    ("words", "create"),
    [
        ("run hello", None),
        ("run hello --dry-run", "temporary"),
        ("rejects retry hello --dry-run", "temporary"),
        ("migrate up", None),
        ("migrate up --dry-run", "temporary"),
        ("migrate down --dry-run", "temporary"),
        ("migrate status", "temporary"),
    ],
)
def test_c1_a_command_that_changes_nothing_makes_no_server(
    platform: Platform, words: str, create: str | None
) -> None:
    _, out, _ = platform(*words.split(), "--db", "spy")
    assert out.splitlines()[0] == f"create {create}"


def test_c1_a_rejects_list_makes_no_directory(platform: Platform, project: Path) -> None:
    code, _, err = platform("rejects", "list")
    assert (code, "does not exist: is the disk mounted?" in err) == (1, True)
    assert not (project / "files").exists()
