from collections.abc import Callable
from pathlib import Path

import pytest

Platform = Callable[..., tuple[int, str, str]]
Module = Callable[..., Path]

ONE = '''
"""Create a table."""


async def up(conn):
    await conn.execute("CREATE TABLE things (id BIGSERIAL PRIMARY KEY)")


async def down(conn):
    await conn.execute("DROP TABLE things")
'''
COUNT_THINGS = """
    async def run(ctx):
        print(await ctx.db.fetch_one("SELECT count(*) AS things FROM things"))
        return 0
"""
USES_DATABASE = {"interfaces": ["database", "logging"]}


@pytest.fixture
def migrations(project: Path) -> Path:
    folder = project / "migrations"
    folder.mkdir()
    (folder / "001_create_things.py").write_text(ONE)
    return folder


def test_up_lists_what_it_applied(platform: Platform) -> None:
    code, out, _ = platform("migrate", "up", "--db", "memory")
    assert (code, out.splitlines()[-1]) == (0, "applied 005_create_runs_table")


def test_up_goes_no_further_than_its_target(platform: Platform) -> None:
    code, out, _ = platform("migrate", "up", "--target", "1", "--db", "memory")
    assert (code, out) == (0, "applied 001_create_migrations_table\n")


@pytest.mark.parametrize("text", ["3", "003"])
def test_a_target_is_a_number_with_or_without_its_zeros(platform: Platform, text: str) -> None:
    code, out, _ = platform("migrate", "up", "--target", text, "--db", "memory")
    assert (code, out.splitlines()[-1]) == (0, "applied 003_create_cleaned_events_table")


@pytest.mark.parametrize(
    "text", ["v1", "0e131072", "1.0", "0x1", "1_0", "+1", " 1 ", "\u0663", "", "1\n2", "001_a", "9" * 301]
)
@pytest.mark.parametrize(
    "command", [("up", "--target"), ("down", "--target"), ("mark", "--applied", "--through")]
)
def test_an_invalid_number_is_answered_in_one_line_with_what_to_give(
    platform: Platform, command: tuple[str, ...], text: str
) -> None:
    code, out, err = platform("migrate", *command, text, "--db", "memory")
    shown = repr(text)[:80]
    assert (code, out) == (2, "")
    assert err == (
        f"error: invalid value for '{command[-1]}': {shown} is not the number of a migration: "
        "give the digits that its file name starts with\n"
    )


@pytest.mark.parametrize("text", ["-1", "0", "6", "9" * 300])
def test_a_number_that_no_migration_has_is_refused_in_one_line(platform: Platform, text: str) -> None:
    code, out, err = platform("migrate", "up", "--target", text, "--db", "memory")
    assert (code, out, err) == (4, "", f"error: there is no migration {text}: there are 1, 2, 3, 4, 5\n")


def test_up_says_when_there_is_nothing_to_apply(platform: Platform, migrations: Path) -> None:
    (migrations / "001_create_things.py").unlink()
    assert platform("migrate", "up", "--db", "memory", "--dir", "migrations") == (
        0,
        "no migrations to apply\n",
        "",
    )


def test_status_is_a_table_of_whole_lines_when_piped(platform: Platform, migrations: Path) -> None:
    name = f"002_{'x' * 150}"
    (migrations / f"{name}.py").write_text(ONE)
    code, out, _ = platform("migrate", "status", "--db", "memory", "--dir", "migrations")
    assert code == 0
    assert [line.split() for line in out.splitlines()] == [
        ["number", "owner", "name", "state", "applied", "at", "(UTC)", "note"],
        ["001", "platform", "001_create_things", "pending"],
        ["002", "platform", name, "pending"],
        ["0", "applied,", "2", "pending,", "0", "problems"],
    ]


def test_the_folder_can_be_set_where_everything_else_is_and_the_flag_wins(
    platform: Platform, migrations: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MIGRATIONS_DIR", "migrations")
    up = ("migrate", "up", "--db", "memory")
    assert platform(*up)[1] == "applied 001_create_things\n"
    assert platform(*up, "--dir", str(tmp_path))[1] == "no migrations to apply\n"


def test_create_makes_the_next_file(platform: Platform, migrations: Path) -> None:
    code, out, _ = platform("migrate", "create", "add users", "--dir", "migrations")
    assert (code, out) == (0, f"created {migrations / '002_add_users.py'}\n")
    assert (migrations / "002_add_users.py").is_file()


def test_an_invalid_name_for_a_migration_is_misuse(platform: Platform, migrations: Path) -> None:
    code, out, err = platform("migrate", "create", "../x", "--dir", "migrations")
    assert (code, out, err.count("\n")) == (2, "", 1)


def test_a_migration_that_fails_fails_the_command_in_one_line(platform: Platform, migrations: Path) -> None:
    (migrations / "002_broken.py").write_text(ONE)
    code, _, err = platform("migrate", "up", "--db", "memory", "--dir", "migrations")
    assert code != 0
    assert "002_broken" in err
    assert "Traceback" not in err


def test_pending_migrations_are_applied_before_a_module_runs(
    platform: Platform, module: Module, migrations: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIGRATIONS_DIR", str(migrations))
    module(COUNT_THINGS, dependencies=USES_DATABASE)
    code, out, err = platform("run", "hello", "--db", "memory")
    assert (code, out) == (0, "{'things': 0}\n")
    assert "info  Applied migrations migrations=['001_create_things']" in err


def test_where_they_are_not_applied_a_run_is_refused_and_they_are_listed(
    platform: Platform, module: Module, migrations: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIGRATIONS_DIR", str(migrations))
    module(COUNT_THINGS, dependencies=USES_DATABASE)
    refusal = (
        "error: the database of env '{}' is not up to date: 001_create_things is pending; "
        "apply pending migrations with 'platform migrate up{}', or run with --auto-migrate\n"
    )
    run = ("run", "hello", "--db", "memory")
    assert platform(*run, "--no-auto-migrate") == (2, "", refusal.format("local", " --db memory"))
    flags = " --env production --db memory"
    assert platform(*run, "--env", "production") == (2, "", refusal.format("production", flags))
    monkeypatch.setenv("PLATFORM_ENV", "production")
    monkeypatch.setenv("PLATFORM_DB", "memory")
    assert platform("run", "hello") == (2, "", refusal.format("production", ""))
    monkeypatch.delenv("PLATFORM_ENV")
    assert platform(*run, "--env", "production", "--auto-migrate")[:2] == (0, "{'things': 0}\n")


def test_a_module_without_a_database_needs_no_migrations(platform: Platform, module: Module) -> None:
    module()
    assert platform("run", "hello", "--env", "production", "--db", "memory")[0] == 0
