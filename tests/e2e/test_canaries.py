"""A password and a payload that must show up nowhere, whatever goes wrong.

The password is in ``DB_POSTGRES_URL``, the payload in every event; each run logs at DEBUG. After each test,
all that was written is searched: both outputs, the server's log, what the run has left on disk, and the
command lines and environments of the processes that it has started.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import quote, urlsplit

import asyncpg
import pytest

from tests.helpers.command import Outcome, Platform
from tests.helpers.data_factory import events_to_jsonl, make_event, make_events, make_invalid_event
from tests.helpers.server import server_with_password

# Searched for in pieces: half a password is a leak, too.
PASSWORD_CANARY, PAYLOAD_CANARY = "Passw0rdCanary", "Payl0adCanary"
PASSWORD = PASSWORD_CANARY.join(["", "#", "@", "/", "%", "?", ":", ""])

LOAD = ("run", "batch_etl", "--date", "2026-01-15", "--source-path", "raw/events")
DAY = "raw/events/2026-01-15"
MAY_HOLD_THE_PAYLOAD = ("files/raw/", "files/rejected/")

# Imported by every Python process that finds it: notes what each of them starts, and with which environment.
WITNESS = """
import sys

def note(event, details):
    if event in ("subprocess.Popen", "os.exec", "os.posix_spawn", "os.system"):
        with open({file!r}, "a") as file:
            print(event, details, file=file)

sys.addaudithook(note)
"""

MIGRATION = """
async def up(conn):
    await conn.execute({sql!r})
"""
BAD_SQL = {
    "a value that does not fit": f"SELECT '{PAYLOAD_CANARY}'::int",
    "a literal in a syntax error": f"CREATE ROLE one LOGIN PASSWORD 'x' '{PASSWORD_CANARY}'",
    "a literal without an end": f"CREATE ROLE one LOGIN PASSWORD '{PASSWORD_CANARY}",
    "a value out of range": f"SELECT '2026-13-99'::date, '{PAYLOAD_CANARY}'",
    "a key that is there twice": "CREATE TABLE one AS "
    f"SELECT '{PAYLOAD_CANARY}' AS a FROM generate_series(1, 2); "
    "CREATE UNIQUE INDEX ON one (a)",
    "a row that breaks a constraint": f"CREATE TABLE one AS SELECT '{PAYLOAD_CANARY}' AS a; "
    "ALTER TABLE one ADD CHECK (a = 'b')",
}

MODULE = """
async def run(ctx):
    password = ctx.secrets.require("DB_POSTGRES_URL")
    payload = await ctx.fs.read("raw/events/2026-01-15/a.jsonl")
    ctx.log.debug("Given", secrets=ctx.secrets, db=ctx.db, fs=ctx.fs, config=ctx.config, context=ctx)
    {failure}
"""
FAILURES = {
    "its own error": "raise RuntimeError('nothing to do with them')",
    "a value for the driver": "await ctx.db.execute('SELECT $1::int', [payload.decode()])",
    "a value for a column": "await ctx.db.bulk_insert('_migrations', [{'name': 'a', 'applied_at': payload}])",
    "a value that is not JSON": "await ctx.db.execute('SELECT $1::jsonb', [{payload: payload}])",
    "a value that is not text": "await ctx.db.execute('SELECT $1::text', [payload.decode() + chr(0xd800)])",
    "a missing secret": "ctx.secrets.require('NO_SUCH_SECRET')",
    "no exit code": "return payload",
}


class Site:
    """A folder in which the command runs at DEBUG, on a day of good and bad events."""

    def __init__(self, platform: Platform, folder: Path, url: str) -> None:
        self._platform, self.folder = platform, folder
        self._outputs: list[str] = []
        self.settings = {
            "LOG_LEVEL": "DEBUG",
            "PLATFORM_DB": "postgres",
            "DB_POSTGRES_URL": url,
            "TMPDIR": str(folder),
            "PYTHONPATH": str(folder / "site"),
        }
        self.put("site/sitecustomize.py", WITNESS.format(file=str(folder / "started")))
        canary = {"email": PAYLOAD_CANARY}
        good = [make_event(**event["payload"], **canary) for event in [*make_events(20), *make_events(3)]]
        bad = [{**make_invalid_event("missing_source"), "payload": canary}]
        lines = events_to_jsonl([*good, *bad]) + f'{{"event_type": "{PAYLOAD_CANARY}\n'.encode()
        self.put(f"files/{DAY}/a.jsonl", lines + f"{PAYLOAD_CANARY}\xe9".encode("latin-1"))

    def put(self, path: str, content: bytes | str) -> None:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)

    def run(self, *args: str, **settings: str) -> Outcome:
        done = self._platform(*args, **{**self.settings, **settings})
        self.keep(done.out + done.log)
        return done

    def keep(self, output: str) -> None:
        self._outputs.append(output)

    def search(self) -> None:
        """Fail when a canary is where it may not be."""
        written = {"what was said": "".join(self._outputs)}
        for file in filter(Path.is_file, self.folder.rglob("*")):
            path = file.relative_to(self.folder).as_posix()
            if not path.startswith(("project/migrations/", "embedded/data")):
                written[path] = file.read_text("latin-1")
        for name, text in written.items():
            assert PASSWORD_CANARY not in text, f"the password is in {name}"
            if not name.startswith(MAY_HOLD_THE_PAYLOAD):
                assert PAYLOAD_CANARY not in text, f"a payload is in {name}"


@pytest.fixture(scope="module")
def postgres_server() -> Iterator[str]:
    """Yield the URL of a server of its own: its password is the canary, and its log is searched."""
    with server_with_password(PASSWORD) as url:
        yield url


@pytest.fixture
async def bystander(postgres_url: str) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    connection: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(postgres_url)
    yield connection
    await connection.close()


@pytest.fixture
async def site(
    platform: Platform, tmp_path: Path, postgres_url: str, bystander: asyncpg.Connection[asyncpg.Record]
) -> AsyncIterator[Site]:
    server_log = Path(await bystander.fetchval("SHOW data_directory")).parent / "server.log"
    before = len(server_log.read_text())
    site = Site(platform, tmp_path, postgres_url)
    yield site
    site.keep(server_log.read_text()[before:])
    site.search()


def test_a_load_that_succeeds(site: Site) -> None:
    assert site.run(*LOAD).code == 0
    assert site.run(*LOAD, "--log", "json").totals()["skipped"] == 20
    assert site.run(*LOAD, "--dry-run").code == 0
    assert site.run("rejects", "list").code == 0
    assert site.run("rejects", "retry", *LOAD[1:]).code == 0
    assert site.run("migrate", "status").code == 0


@pytest.mark.parametrize("db", ["memory", "embedded"])
def test_a_load_into_another_database(site: Site, db: str, embedded_dir: Path) -> None:
    assert site.run(*LOAD, "--db", db, DB_EMBEDDED_DIR=str(embedded_dir)).code == 0
    if db == "embedded":
        started = (site.folder / "started").read_text()
        assert "initdb" in started
        assert "pg_ctl" in started
        for name in ("server.log", "data/postmaster.opts"):
            site.keep((embedded_dir / name).read_text())


def test_a_load_with_too_many_rejects(site: Site) -> None:
    assert site.run(*LOAD, "--max-rejected", "0").code == 1


@pytest.mark.parametrize("part", ["user", "password", "host", "port", "path"])
def test_a_url_that_leads_nowhere(site: Site, postgres_url: str, part: str) -> None:
    parts = urlsplit(postgres_url)
    port = parts.port if part != "port" else 1
    host = "127.0.0.1" if part != "host" else "no-such-host.invalid"
    user = "postgres" if part != "user" else "no_such_user"
    password = quote(PASSWORD if part != "password" else PASSWORD + PASSWORD, safe="")
    path = parts.path if part != "path" else "/no_such_database"
    done = site.run(*LOAD, DB_POSTGRES_URL=f"postgresql://{user}:{password}@{host}:{port}{path}")
    assert done.code == (1 if part in ("host", "port") else 2), done.log


@pytest.mark.parametrize("separator", "#@/%?:[")
def test_a_url_with_a_password_that_is_not_percent_encoded(
    site: Site, postgres_url: str, separator: str
) -> None:
    server = urlsplit(postgres_url)
    password = f"{server.port}{separator}{PASSWORD_CANARY}"
    for user in ("postgres", server.hostname):  # which a parser takes for the host before a "/" or "?"
        url = f"postgresql://{user}:{password}@{server.hostname}:{server.port}/postgres"
        assert site.run("migrate", "status", DB_POSTGRES_URL=url).code == 2


def test_a_url_in_the_place_of_a_name(site: Site, postgres_url: str) -> None:
    assert site.run(*LOAD, PLATFORM_DB=postgres_url).code == 2
    assert site.run(*LOAD, "--fs", postgres_url).code == 2
    assert site.run(*LOAD, PLATFORM_ENV=postgres_url).code == 2
    assert site.run(*LOAD, DB_POSTGRES_POOL_MAX=postgres_url).code == 2
    assert site.run(*LOAD, LOG_LEVEL=postgres_url).code == 2


@pytest.mark.parametrize("form", [
    "postgresql://{host}/postgres?user=postgres&password={secret}",
    "postgresql://{host}/postgres?user=postgres&PASSWORD={secret}&x=1",
    "postgresql://postgres@{host}/postgres?sslpassword={secret}&no_such_parameter=1",
    "jdbc:postgresql://{host}/postgres?user=postgres&password={secret}",
    "postgres:/postgres:{secret}@{host}/postgres",
    "postgresql+asyncpg://postgres:{secret}@{host}/postgres",
    "postgresql://postgres:{secret}",
    "postgresql://postgres:a b {secret}@{host}/postgres",
    "postgresql://postgres@srv:{secret}@{host}/postgres",
    "postgres:{secret}@{host}/postgres",
    "host=127.0.0.1 user=postgres password={secret}",
    "host=127.0.0.1 password='a {secret} b' connect_timeout=x",
])  # fmt: skip
@pytest.mark.parametrize("secret", [f"x{PASSWORD_CANARY}", f"1#{PASSWORD_CANARY}/@x%zz"])
def test_c4_a_url_of_any_form(site: Site, postgres_url: str, form: str, secret: str) -> None:
    server = urlsplit(postgres_url)
    url = form.format(host=f"{server.hostname}:{server.port}", secret=secret)
    site.run("migrate", "status", DB_POSTGRES_URL=url)  # whether or not it connects
    assert site.run("migrate", "status", "--db", url).code == 2
    assert site.run("rejects", "show", "--fs", "memory", url, "--log", "json").code in (1, 2)
    assert site.run("run", "batch_etl", "--date", url, "--source-path", url, "--fs", "memory").code != 0


def test_bad_settings_of_the_pool(site: Site) -> None:
    assert site.run(*LOAD, DB_POSTGRES_POOL_MAX="0").code == 2
    assert site.run(*LOAD, DB_POSTGRES_STATEMENT_TIMEOUT="soon").code == 2


def test_an_env_file_with_a_line_that_is_none(site: Site) -> None:
    (site.folder / "project" / ".env" / "bad.env").write_text(f"DB_POSTGRES_URL=x\n{PAYLOAD_CANARY}\n")
    assert site.run(*LOAD, "--env", "bad").code == 2
    (site.folder / "project" / ".env" / "bad.env").unlink()


def test_missing_tables(site: Site) -> None:
    assert site.run(*LOAD, "--no-auto-migrate").code == 2
    assert site.run(*LOAD, "--target-table", "no_such_table").code == 1


@pytest.mark.parametrize("constraint", [
    "CHECK ((payload->>'id')::int < 5 OR payload->>'email' = 'none')",
    "CHECK ((payload->>'id')::int < 5 OR (payload->>'email')::int > 0)",
    "CHECK ((payload->>'id')::int < 5 OR (payload->>'email')::timestamptz > NOW())",
    "CHECK ((payload->>'id')::int < 5 OR ('{\"' || (payload->>'email'))::jsonb IS NOT NULL)",
    "UNIQUE (payload)",
    "UNIQUE (event_type)",
])  # fmt: skip
async def test_rows_that_the_server_refuses(
    site: Site, bystander: asyncpg.Connection[asyncpg.Record], constraint: str
) -> None:
    assert site.run("migrate", "up").code == 0
    await bystander.execute(f"CREATE TABLE picky (LIKE cleaned_events INCLUDING ALL, {constraint})")
    done = site.run(*LOAD, "--target-table", "picky", "--batch-size", "5", "--log", "json")
    assert (done.code, "Row refused" in done.log or constraint == "UNIQUE (payload)") == (0, True)


@pytest.mark.parametrize(
    ("column", "kind"), [("source", "INTEGER"), ("payload", "TEXT"), ("event_type", "DATE")]
)
async def test_columns_of_another_type(
    site: Site, bystander: asyncpg.Connection[asyncpg.Record], column: str, kind: str
) -> None:
    assert site.run("migrate", "up").code == 0
    await bystander.execute(f"ALTER TABLE cleaned_events ALTER {column} TYPE {kind} USING NULL")
    assert site.run(*LOAD).code in (0, 1)


@pytest.mark.parametrize("sql", BAD_SQL.values(), ids=BAD_SQL.keys())
@pytest.mark.parametrize("db", ["postgres", "memory"])
def test_a_migration_that_fails(site: Site, sql: str, db: str) -> None:
    site.put("project/migrations/001_bad.py", MIGRATION.format(sql=sql))
    assert site.run(*LOAD, "--db", db, MIGRATIONS_DIR="migrations").code == 1
    assert site.run("migrate", "up", "--db", db, "--dir", "migrations").code == 1


@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES.keys())
@pytest.mark.parametrize("db", ["postgres", "memory"])
def test_a_job_that_fails(site: Site, failure: str, db: str) -> None:
    needs = ["database", "filesystem", "logging", "secrets"]
    manifest = {"name": "failing", "dependencies": {"interfaces": needs, "modules": []}}
    site.put("site/failing-1.dist-info/entry_points.txt", "[platform.modules]\nfailing = failing_job\n")
    site.put("site/failing_job/__init__.py", "")
    site.put("site/failing_job/module.json", json.dumps(manifest))
    site.put("site/failing_job/main.py", MODULE.format(failure=failure))
    assert site.run("run", "failing", "--db", db).code in (1, 2)


async def test_a_load_that_is_interrupted(site: Site, bystander: asyncpg.Connection[asyncpg.Record]) -> None:
    assert site.run("migrate", "up").code == 0
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PLATFORM_")}
    async with bystander.transaction():
        await bystander.execute("LOCK TABLE cleaned_events IN SHARE MODE")  # so that it hangs in a statement
        with subprocess.Popen(
            [Path(sys.executable).with_name("platform"), *LOAD],
            cwd=site.folder / "project",
            env=environment | site.settings | {"FS_LOCAL_ROOT": str(site.folder / "files")},
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            while process.poll() is None and not await bystander.fetchval(
                "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'cleaned_events'::regclass"
            ):
                await bystander.execute("SELECT pg_sleep(0.01)")
            process.send_signal(signal.SIGTERM)
            site.keep(process.communicate()[1])
    assert process.returncode == 143
