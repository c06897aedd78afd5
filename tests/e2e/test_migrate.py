"""``platform migrate`` as a user calls it: exit codes, output, and the rows it leaves."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from hashlib import sha256
from pathlib import Path

import asyncpg
import pytest

from tests.helpers.command import Outcome, Platform

Migrate = Callable[..., Outcome]
Write = Callable[..., Path]

LOCK_KEY = int.from_bytes(sha256(b"platform-migrate:public._migrations").digest()[:8], "big", signed=True)


@pytest.fixture
def folder(project: Path) -> Path:
    """Return the folder of migrations that the command is pointed to."""
    path = project / "migrations"
    path.mkdir()
    return path


@pytest.fixture
def write(folder: Path) -> Write:
    """Writes a migration that makes a table; ``then`` ends its ``up``."""

    def write(name: str, table: str, then: str = "pass") -> Path:
        path = folder / f"{name}.py"
        path.write_text(
            f"async def up(conn):\n    await conn.execute('CREATE TABLE {table} (id INT)')\n    {then}\n"
            f"async def down(conn):\n    await conn.execute('DROP TABLE {table}')\n"
        )
        return path

    return write


@pytest.fixture
def migrate(platform: Platform, folder: Path, postgres_url: str) -> Migrate:
    """Runs ``platform migrate`` on an empty PostgreSQL; ``env`` is local unless it is given."""

    def migrate(*args: str, env: str = "local", **variables: str) -> Outcome:
        settings = {"DB_POSTGRES_URL": postgres_url, "MIGRATIONS_DIR": str(folder), **variables}
        return platform("migrate", *args, "--db", "postgres", "--env", env, **settings)

    return migrate


@pytest.fixture
async def connection(postgres_url: str) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    """Yield a session of another client on the same database."""
    connection = await asyncpg.connect(postgres_url)
    yield connection
    await connection.close()


def test_0_when_there_is_nothing_to_do(migrate: Migrate, write: Write) -> None:
    """Cases 1, 9 and 17."""
    assert migrate("up").code == 0
    assert migrate("up").out == "no migrations to apply\n"
    write("001_a", "a")
    assert migrate("up").out == "applied 001_a\n"
    for args in (["up"], ["up", "--target", "1"], ["status", "--check"], ["down", "--target", "1"]):
        assert migrate(*args).code == 0


def test_1_when_a_migration_fails_and_the_next_run_goes_on_there(migrate: Migrate, write: Write) -> None:
    """Case 11."""
    write("001_a", "a")
    write("002_b", "b", then="raise RuntimeError('boom')")
    write("003_c", "c")
    failed = migrate("up")
    assert failed.code == 1
    assert "'002_b' failed: RuntimeError: boom; done before it: 001_a; not tried: 003_c" in failed.log
    write("002_b", "b")
    assert migrate("up").out == "applied 002_b\napplied 003_c\n"


@pytest.mark.parametrize(
    "args",
    [
        ("create", ""),
        ("create", "../evil"),
        ("down", "--count", "1", "--target", "1"),
        ("mark", "001_a"),
        ("mark", "--applied"),
        ("mark", "001_a", "--applied", "--pending"),
        ("mark", "001_a", "--pending", "--through", "1"),
        ("status", "--offline", "--json"),
        ("up", "--lock-wait", "-1"),
    ],
)
def test_2_when_the_command_line_is_wrong(migrate: Migrate, args: tuple[str, ...]) -> None:
    """Case 28."""
    assert migrate(*args).code == 2


def test_3_when_something_is_pending_and_4_when_something_is_wrong(migrate: Migrate, write: Write) -> None:
    """Case 8."""
    first = write("001_a", "a")
    migrate("up")
    write("002_b", "b")
    assert migrate("status", "--check").code == 3
    assert migrate("status", "--check").out.endswith("1 applied, 1 pending, 0 problems\n")
    first.write_text(first.read_text() + "# edited\n")
    assert migrate("status", "--check").code == 4
    assert migrate("status").code == 0
    assert migrate("mark", "001_a", "--applied").out == "marked as applied 001_a\n"
    assert migrate("status", "--check").code == 3
    assert migrate("mark", "001_a", "--pending").out == "marked as pending 001_a\n"


@pytest.mark.parametrize(
    ("args", "why"),
    [
        (("up", "--dir", "none"), "there is no folder"),
        (("up", "--target", "7"), "no migration 7"),
        (("up", "--target", "-1"), "no migration -1"),
        (("up", "--target", "1"), "below 3"),
        (("up",), "002_late is out of order"),
        (("down", "--count", "3"), "2 are applied"),
        (("down", "--target", "7"), "migration 7"),
        (("mark", "009_none", "--applied"), "009_none"),
        (("mark", "002_late", "--pending"), "not applied"),
    ],
)
def test_4_when_it_is_refused(migrate: Migrate, write: Write, args: tuple[str, ...], why: str) -> None:
    """Cases 1, 5, 9 and 26."""
    write("001_a", "a")
    write("003_c", "c")
    migrate("up")
    if "--target" not in args:
        write("002_late", "late")
    refused = migrate(*args)
    assert (refused.code, refused.out) == (4, "")
    [line] = [line for line in refused.log.splitlines() if line.startswith("error: ")]
    assert why in line


def test_4_when_files_are_bad_also_without_a_database(
    platform: Platform, migrate: Migrate, write: Write, folder: Path
) -> None:
    """Cases 3, 4, 10 and 29."""
    offline = ("migrate", "status", "--offline", "--db", "postgres")  # of which no URL is known
    write("001_a", "a")
    fine = platform(*offline, "--dir", str(folder))
    assert (fine.code, fine.out) == (0, "fine: 001_a\n1 files, 0 problems\n")
    for name, content in (
        ("001_twice.py", b""),
        ("bad.py", b""),
        ("002_b.py", b"import no_such_module"),
        ("002_b.py", b"# \xff"),
    ):
        (folder / name).write_bytes(content)
        done = platform(*offline, "--dir", str(folder))
        assert (done.code, name.removesuffix(".py") in done.log) == (4, True)
        assert migrate("up").code == 4
        (folder / name).unlink()


async def test_5_when_another_run_holds_the_lock(
    migrate: Migrate, write: Write, connection: asyncpg.Connection[asyncpg.Record]
) -> None:
    """Case 23."""
    write("001_a", "a")
    await connection.execute("SELECT pg_advisory_lock($1)", LOCK_KEY)
    locked = migrate("up", "--lock-wait", "3")
    assert (locked.code, locked.out) == (5, "")
    assert "waiting up to 1 s more" in locked.log
    assert f"server process {connection.get_server_pid()}" in locked.log
    await connection.execute("SELECT pg_advisory_unlock_all()")
    assert migrate("up").code == 0


@pytest.fixture
async def running(
    write: Write,
    project: Path,
    folder: Path,
    postgres_url: str,
    connection: asyncpg.Connection[asyncpg.Record],
) -> AsyncIterator[subprocess.Popen[bytes]]:
    """Yield a run of ``platform migrate up`` that is in the middle of the migration ``001_a``."""
    write("001_a", "a", then="await conn.execute('SELECT pg_sleep(60)')")
    process = subprocess.Popen(
        [sys.executable, "-m", "platform_cli", "migrate", "up", "--db", "postgres", "--dir", str(folder)],
        cwd=project,
        env={"DB_POSTGRES_URL": postgres_url},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    asleep = (
        "SELECT 1 FROM pg_stat_activity "
        "WHERE datname = current_database() AND query LIKE '%pg_sleep(60)' AND wait_event = 'PgSleep'"
    )
    while not await connection.fetchval(asleep):
        assert process.poll() is None
    yield process
    process.kill()
    process.wait()


async def test_5_when_another_session_got_the_lock_and_nothing_of_it_stays(
    migrate: Migrate,
    write: Write,
    running: subprocess.Popen[bytes],
    connection: asyncpg.Connection[asyncpg.Record],
    postgres_url: str,
) -> None:
    """Case 16."""
    rival = await asyncpg.connect(postgres_url)
    taking = asyncio.create_task(rival.execute("SELECT pg_advisory_lock($1)", LOCK_KEY))
    locks = (
        "SELECT pid FROM pg_locks WHERE locktype = 'advisory' "
        "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    while not await connection.fetchval(f"{locks} AND NOT granted"):
        pass
    await connection.execute(f"SELECT pg_terminate_backend(pid) FROM ({locks} AND granted) AS holder")
    await taking
    assert running.wait(30) == 5
    await rival.close()
    write("001_a", "a")
    assert migrate("up").out == "applied 001_a\n"


async def test_130_when_it_is_interrupted_and_nothing_of_it_stays(
    migrate: Migrate, write: Write, running: subprocess.Popen[bytes]
) -> None:
    """Case 15."""
    running.send_signal(signal.SIGINT)
    assert running.wait(30) == 130
    write("001_a", "a")
    assert migrate("up", "--lock-wait", "0").out == "applied 001_a\n"


def test_a_statement_takes_as_long_as_it_takes_unless_a_limit_is_set(
    migrate: Migrate, write: Write, project: Path
) -> None:
    raise_limit = "raise RuntimeError((await conn.fetch_one('SHOW statement_timeout'))['statement_timeout'])"
    path = write("001_a", "a", then=raise_limit)
    assert "RuntimeError: 0; " in migrate("up").log
    assert "RuntimeError: 5s; " in migrate("up", DB_POSTGRES_STATEMENT_TIMEOUT="5000").log
    with (project / ".env" / "local.env").open("a") as file:
        file.write("DB_POSTGRES_STATEMENT_TIMEOUT=7000\n")
    assert "RuntimeError: 7s; " in migrate("up").log
    path.write_text(f"async def up(conn): pass\nasync def down(conn): {raise_limit}\n")
    assert migrate("up").code == 0
    assert "RuntimeError: 7s; " in migrate("down").log
    assert "RuntimeError: 0; " in migrate("down", "--yes", env="staging").log


def test_a_dry_run_shows_what_would_be_done_and_does_nothing(migrate: Migrate, write: Write) -> None:
    write("001_a", "a")
    assert migrate("up", "--dry-run").out == "would apply 001_a\n"
    assert migrate("up").out == "applied 001_a\n"
    assert migrate("down", "--dry-run").out == "would roll back 001_a\n"
    assert migrate("status", "--check").code == 0


@pytest.mark.parametrize("env", ["staging", "production"])
def test_rolling_back_where_it_matters_needs_a_yes(migrate: Migrate, write: Write, env: str) -> None:
    write("001_a", "a")
    assert migrate("up", env=env).code == 0
    refused = migrate("down", env=env)
    assert (refused.code, "--yes" in refused.log) == (2, True)
    assert migrate("down", "--dry-run", env=env).code == 0
    assert migrate("down", "--yes", env=env).out == "rolled back 001_a\n"


def test_out_of_order_migrations_are_applied_when_allowed(migrate: Migrate, write: Write) -> None:
    """Case 5."""
    write("001_a", "a")
    write("003_c", "c")
    migrate("up")
    write("002_b", "b")
    assert migrate("up", "--allow-out-of-order").out == "applied 002_b\n"
    assert migrate("down").out == "rolled back 002_b\n"


def test_an_existing_database_is_taken_over_and_programs_can_read_how_it_stands(
    migrate: Migrate, write: Write
) -> None:
    for number, table in enumerate("abc", 1):
        write(f"{number:03}_{table}", table)
    assert migrate("mark", "--applied", "--through", "2").out.count("marked as applied") == 2
    found = json.loads(migrate("status", "--json").out)
    assert found["version"] == 1
    assert [(each["number"], each["state"]) for each in found["migrations"]] == [
        (1, "applied"),
        (2, "applied"),
        (3, "pending"),
    ]
    assert [found[name] for name in ("applied", "pending", "problems")] == [2, 1, 0]
    first, last = found["migrations"][0], found["migrations"][-1]
    assert first["recorded_checksum"] == first["file_checksum"]
    assert first["applied_at"].endswith("+00:00")
    assert (last["recorded_checksum"], last["applied_at"]) == (None, None)


def test_a_password_is_in_no_output_whatever_fails(platform: Platform, postgres_url: str) -> None:
    """Case 29; what the fixture ``platform`` asserts of every run."""
    wrong = postgres_url.replace("/test_", "/no_such_")
    for args in (["up"], ["down"], ["status"], ["mark", "x", "--pending"]):
        done = platform("migrate", *args, "--db", "postgres", DB_POSTGRES_URL=wrong, LOG_LEVEL="DEBUG")
        assert done.code == 2
