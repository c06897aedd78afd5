from __future__ import annotations

import asyncio
import contextlib
import socket
import traceback
from collections.abc import AsyncIterator, Callable
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from fractions import Fraction
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID, uuid4

import asyncpg
import pytest

from platform_interfaces import (
    ConfigurationError,
    ConnectionLostError,
    ConstraintError,
    DatabaseError,
    DataError,
    LockTimeoutError,
    MissingSecretError,
    NotConnectedError,
    QueryError,
    StatementTimeoutError,
    TransactionAbortedError,
)
from platform_interfaces.testing import DatabaseContract
from platform_memory import MemorySecrets
from platform_postgres import PostgresDatabase, _settings
from platform_postgres.testing import running_server

MakeDatabase = Callable[..., PostgresDatabase]
END_LOCKERS = "SELECT pg_terminate_backend(pid, 5000) FROM pg_locks WHERE locktype = 'advisory'"


@pytest.fixture
def make_database(postgres_url: str) -> MakeDatabase:
    """Return a function that makes a database on the same server, not yet connected, from other settings."""

    def make(**settings: str) -> PostgresDatabase:
        return PostgresDatabase(MemorySecrets({"DB_POSTGRES_URL": postgres_url, **settings}))

    return make


@pytest.fixture
async def db(make_database: MakeDatabase) -> AsyncIterator[PostgresDatabase]:
    async with make_database() as database:
        yield database


@pytest.fixture
async def bystander(postgres_url: str) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    """Yield a connection of another client to the same database."""
    connection: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(postgres_url)
    yield connection
    await connection.close()


@pytest.fixture
async def stranger_url(
    bystander: asyncpg.Connection[asyncpg.Record], postgres_url: str
) -> AsyncIterator[str]:
    """Yield the URL of the same database for a role without any right but to connect."""
    name = f"stranger_{uuid4().hex}"
    await bystander.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'canary'")
    parts = urlsplit(postgres_url)
    netloc = f"{name}:canary@{parts.netloc.rpartition('@')[2]}"
    yield urlunsplit(parts._replace(netloc=netloc))
    await bystander.execute(f"DROP ROLE {name}")


class TestPostgresDatabase(DatabaseContract):
    is_shared = True

    @pytest.fixture
    def database(self, make_database: MakeDatabase) -> PostgresDatabase:
        return make_database()

    @pytest.fixture
    def unreachable_database(self) -> PostgresDatabase:
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            port = closed.getsockname()[1]
        return PostgresDatabase(MemorySecrets({"DB_POSTGRES_URL": f"postgresql://u@127.0.0.1:{port}/x"}))


class TestSettings:
    async def test_the_url_is_required_by_its_name(self) -> None:
        with pytest.raises(MissingSecretError, match="DB_POSTGRES_URL"):
            await PostgresDatabase(MemorySecrets({})).connect()

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("DB_POSTGRES_POOL_MIN", "two"),
            ("DB_POSTGRES_POOL_MIN", "-1"),
            ("DB_POSTGRES_POOL_MIN", "11"),
            ("DB_POSTGRES_POOL_MAX", "0"),
            ("DB_POSTGRES_POOL_MAX", "1.5"),
            ("DB_POSTGRES_STATEMENT_TIMEOUT", "30s"),
            ("DB_POSTGRES_STATEMENT_TIMEOUT", "9" * 5000),
        ],
        ids=lambda value: value[-24:],
    )
    def test_a_bad_value_is_refused_with_its_name(self, name: str, value: str) -> None:
        with pytest.raises(ConfigurationError, match=name):
            PostgresDatabase(MemorySecrets({name: value}))

    async def test_a_pool_maximum_below_the_default_minimum_is_fine(
        self, make_database: MakeDatabase
    ) -> None:
        async with make_database(DB_POSTGRES_POOL_MAX="1") as db:
            assert await db.fetch_one("SELECT 1 AS one") == {"one": 1}

    async def test_a_statement_that_takes_too_long_is_ended(self, make_database: MakeDatabase) -> None:
        """Bad input 56."""
        async with make_database(DB_POSTGRES_STATEMENT_TIMEOUT="50") as db:
            with pytest.raises(StatementTimeoutError) as caught:
                await db.execute("SELECT pg_sleep(60)")
            assert caught.value.is_transient
            assert await db.fetch_one("SELECT 1 AS one") == {"one": 1}

    async def test_a_statement_may_have_a_limit_of_its_own(self, make_database: MakeDatabase) -> None:
        settings = {"DB_POSTGRES_POOL_MAX": "1", "DB_POSTGRES_STATEMENT_TIMEOUT": "50"}
        async with make_database(**settings) as db:
            assert await db.execute("SELECT pg_sleep(0.1)", timeout=60) == 1
            with pytest.raises(StatementTimeoutError):
                await db.execute("SELECT pg_sleep(60)")
            async with db.transaction():
                assert await db.execute("SELECT pg_sleep($1::float8)", [0.1], timeout=60) == 1
                with pytest.raises(StatementTimeoutError):
                    async with db.transaction():
                        await db.execute("SELECT pg_sleep(60)")
            with pytest.raises(StatementTimeoutError):
                await db.execute("SELECT pg_sleep(60)", timeout=0.01)
            assert await db.fetch_one("SHOW statement_timeout") == {"statement_timeout": "50ms"}

    async def test_waiting_for_a_free_connection_has_a_limit(self, make_database: MakeDatabase) -> None:
        """Bad input 58."""
        settings = {"DB_POSTGRES_POOL_MAX": "1", "DB_POSTGRES_STATEMENT_TIMEOUT": "100"}
        async with make_database(**settings) as db, db.transaction():
            with pytest.raises(StatementTimeoutError, match="DB_POSTGRES_POOL_MAX"):
                await asyncio.create_task(db.execute("SELECT 1"))

    async def test_a_lock_does_not_need_the_pool(self, make_database: MakeDatabase) -> None:
        async with make_database(DB_POSTGRES_POOL_MAX="1") as db, db.lock("name", timeout=0):
            assert await db.fetch_one("SELECT 1 AS one") == {"one": 1}

    async def test_without_a_statement_timeout_the_other_waits_still_have_a_limit(
        self, make_database: MakeDatabase, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(_settings, "CONTROL_TIMEOUT_SECONDS", 0.1)
        settings = {"DB_POSTGRES_POOL_MAX": "1", "DB_POSTGRES_STATEMENT_TIMEOUT": "0"}
        async with make_database(**settings) as db, db.transaction():
            assert await db.execute("SELECT pg_sleep(0.2)") == 1
            with pytest.raises(StatementTimeoutError, match="all 1 are in use"):
                await asyncio.create_task(db.execute("SELECT 1"))


class TestSessions:
    @pytest.mark.parametrize(
        "change",
        [
            "SET ROLE {role}",
            "SET SESSION AUTHORIZATION {role}",
            "SET search_path = x",
            "SET TimeZone = 'Asia/Tokyo'",
        ],
    )
    async def test_what_a_statement_changes_of_its_session_does_not_reach_the_next_one(
        self, make_database: MakeDatabase, stranger_url: str, change: str
    ) -> None:
        query = (
            "SELECT current_user, session_user, current_setting('search_path') AS path, "
            "current_setting('TimeZone') AS zone, pg_backend_pid() AS pid"
        )
        statement = change.format(role=urlsplit(stranger_url).username)
        async with make_database(DB_POSTGRES_POOL_MAX="1") as db:
            before = await db.fetch_one(query)
            await db.execute(statement)
            assert await db.fetch_one(query) == before
            async with db.transaction():
                await db.execute(statement)
                assert await db.fetch_one(query) != before
            assert await db.fetch_one(query) == before

    async def test_a_role_that_a_user_has_by_default_is_kept(
        self, stranger_url: str, bystander: asyncpg.Connection[asyncpg.Record]
    ) -> None:
        name = urlsplit(stranger_url).username
        await bystander.execute(f"CREATE ROLE {name}_default ROLE {name}")
        await bystander.execute(f"ALTER ROLE {name} SET role = {name}_default")
        secrets = MemorySecrets({"DB_POSTGRES_URL": stranger_url, "DB_POSTGRES_POOL_MAX": "1"})
        async with PostgresDatabase(secrets) as db:
            for _ in range(2):
                assert await db.fetch_one("SELECT current_user AS name") == {"name": f"{name}_default"}
                await db.execute("SET ROLE none")
        await bystander.execute(f"DROP ROLE {name}_default")


class TestConnecting:
    async def test_two_calls_at_once_open_one_pool(
        self, make_database: MakeDatabase, bystander: asyncpg.Connection[asyncpg.Record]
    ) -> None:
        query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> $1"
        db = make_database(DB_POSTGRES_POOL_MIN="2")
        await asyncio.gather(db.connect(), db.connect())
        assert await bystander.fetchval(query, bystander.get_server_pid()) == 2
        await db.disconnect()

    async def test_calls_that_wait_for_a_connection_are_refused_at_the_disconnect(
        self, make_database: MakeDatabase
    ) -> None:
        db = make_database(DB_POSTGRES_POOL_MAX="1")
        await db.connect()
        async with db.transaction():
            waiting = [asyncio.create_task(db.execute("SELECT 1")) for _ in range(3)]
            await asyncio.sleep(0)
            closing = asyncio.create_task(db.disconnect())
            await asyncio.sleep(0)
        results = await asyncio.gather(*waiting, return_exceptions=True)
        assert [type(result) for result in results] == [NotConnectedError] * 3
        await closing

    async def test_a_pool_without_a_minimum_tries_the_server_too(self, postgres_url: str) -> None:
        url = urlunsplit(urlsplit(postgres_url)._replace(path="/no_such_database"))
        db = PostgresDatabase(MemorySecrets({"DB_POSTGRES_URL": url, "DB_POSTGRES_POOL_MIN": "0"}))
        with pytest.raises(ConfigurationError, match="no_such_database"):
            await db.connect()
        assert not db.is_connected()

    async def test_a_refusal_of_a_later_connection_is_explained(
        self, stranger_url: str, bystander: asyncpg.Connection[asyncpg.Record]
    ) -> None:
        secrets = {"DB_POSTGRES_URL": stranger_url, "DB_POSTGRES_POOL_MIN": "0", "DB_POSTGRES_POOL_MAX": "2"}
        async with PostgresDatabase(MemorySecrets(secrets)) as db, db.transaction():
            await bystander.execute(f"ALTER ROLE {urlsplit(stranger_url).username} NOLOGIN")
            with pytest.raises(ConfigurationError, match="not permitted to log in"):
                await asyncio.create_task(db.execute("SELECT 1"))
            assert await asyncio.create_task(db.health_check()) is False

    @pytest.mark.parametrize("timeout", ["0", "100"])
    async def test_a_server_that_does_not_answer_can_be_tried_again(self, timeout: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            secrets = {
                "DB_POSTGRES_URL": f"postgresql://user:canary@127.0.0.1:{silent.getsockname()[1]}/name",
                "DB_POSTGRES_POOL_MIN": "0",
                "DB_POSTGRES_STATEMENT_TIMEOUT": timeout,
                "DB_POSTGRES_CONNECT_TIMEOUT": "0.1",
            }
            with pytest.raises(ConnectionLostError, match="did not answer"):
                await PostgresDatabase(MemorySecrets(secrets)).connect()

    @pytest.mark.parametrize(
        ("end", "problem"),
        [
            (":99999/name", "port"),
            ("/name?sslmode=bogus", "sslmode"),
            ("/name?target_session_attrs=bogus", "target_session_attrs"),
            ("/name?sslmode=verify-full&sslrootcert=/missing.pem", "sslrootcert"),
        ],
    )
    async def test_what_is_wrong_with_a_url_is_named(self, end: str, problem: str) -> None:
        url = f"postgresql://user:canary@127.0.0.1{end}"
        with pytest.raises(ConfigurationError, match=problem) as caught:
            await PostgresDatabase(MemorySecrets({"DB_POSTGRES_URL": url})).connect()
        assert "canary" not in str(caught.value)

    @pytest.mark.parametrize(
        "url",
        [
            "nonsense",
            "mysql://user:canary@host/name",
            "postgresql://user:can#ary@localhost/name",
            "postgresql://user:canary@:no_port/name",
            "postgresql://user:5432/canary@localhost/name",
            "postgresql://user:5432?canary@localhost/name",
            "postgresql://user:can@ary@localhost/name",
        ],
    )
    async def test_a_url_that_cannot_be_read_is_refused_without_being_shown(self, url: str) -> None:
        """Bad input 70."""
        with pytest.raises(ConfigurationError, match="connection URL") as caught:
            await PostgresDatabase(MemorySecrets({"DB_POSTGRES_URL": url})).connect()
        shown = "".join(traceback.format_exception(caught.value))
        assert "canary" not in shown
        assert "'can'" not in shown

    async def test_a_server_that_is_not_there_can_be_tried_again(self) -> None:
        secrets = MemorySecrets({"DB_POSTGRES_URL": "postgresql://user:canary@127.0.0.1:1/name"})
        db = PostgresDatabase(secrets)
        with pytest.raises(ConnectionLostError) as caught:
            await db.connect()
        assert caught.value.is_transient
        assert "canary" not in "".join(traceback.format_exception(caught.value))
        assert not db.is_connected()

    async def test_a_database_that_does_not_exist_is_a_matter_of_configuration(
        self, postgres_url: str
    ) -> None:
        url = urlunsplit(urlsplit(postgres_url)._replace(path="/no_such_database"))
        with pytest.raises(ConfigurationError, match="no_such_database"):
            await PostgresDatabase(MemorySecrets({"DB_POSTGRES_URL": url})).connect()

    async def test_a_database_that_cannot_hold_all_text_is_refused(
        self, bystander: asyncpg.Connection[asyncpg.Record], postgres_url: str
    ) -> None:
        """Bad input 29."""
        name = urlsplit(postgres_url).path[1:] + "_latin"
        await bystander.execute(
            f"CREATE DATABASE {name} ENCODING LATIN1 LOCALE 'C' LOCALE_PROVIDER libc TEMPLATE template0"
        )
        url = urlunsplit(urlsplit(postgres_url)._replace(path=f"/{name}"))
        with pytest.raises(ConfigurationError, match="LATIN1"):
            await PostgresDatabase(MemorySecrets({"DB_POSTGRES_URL": url})).connect()
        await bystander.execute(f"DROP DATABASE {name} WITH (FORCE)")


class TestErrors:
    async def test_no_value_of_a_row_shows_in_an_error(self, db: PostgresDatabase) -> None:
        """Bad input 70."""
        await db.execute("CREATE TABLE one (name TEXT UNIQUE, number INT)")
        await db.execute("INSERT INTO one (name) VALUES ('canary')")
        failures: list[tuple[type[Exception], str, list[Any]]] = [
            (ConstraintError, "INSERT INTO one (name) VALUES ($1)", ["canary"]),
            (DataError, "INSERT INTO one (number) VALUES ($1)", ["canary"]),
            (DataError, "INSERT INTO one (name) VALUES ($1)", ["canary\0"]),
            (DataError, "INSERT INTO one (name) VALUES ($1)", ["canary\ud800"]),
        ]
        for kind, query, params in failures:
            with pytest.raises(kind) as caught:
                await db.execute(query, params)
            assert "canary" not in str(caught.value)
            assert "Key (" not in "".join(traceback.format_exception(caught.value))

    @pytest.mark.parametrize(
        "query",
        ["CREATE ROLE one PASSWORD 'x' 'canary'", "CREATE ROLE one PASSWORD 'canary", "SELECT 'canary'::int"],
    )
    async def test_no_literal_of_a_statement_shows_in_an_error(
        self, db: PostgresDatabase, query: str
    ) -> None:
        with pytest.raises(DatabaseError) as caught:
            await db.execute(query)
        assert "canary" not in "".join(traceback.format_exception(caught.value))

    async def test_a_bad_value_in_a_bulk_insert_is_a_data_error(self, db: PostgresDatabase) -> None:
        """Bad input 71."""
        await db.execute("CREATE TABLE one (number INT, payload JSONB)")
        for row in (
            {"number": "text", "payload": None},
            {"number": 2**40, "payload": None},
            {"number": 1, "payload": {"nan": float("nan")}},
            {"number": 1, "payload": {"object": object()}},
            {"number": 1, "payload": {"nul": "\0"}},
            {"number": 1, "payload": b"no json"},
        ):
            with pytest.raises(DataError):
                await db.bulk_insert("one", [{"number": 1, "payload": {}}, row])
        assert await db.fetch_all("SELECT * FROM one") == []

    @pytest.mark.parametrize("value", [1.9, 2.0, Decimal("1.9"), Decimal(2)], ids=repr)
    async def test_a_statement_makes_no_integer_of_another_number(
        self, db: PostgresDatabase, value: float | Decimal
    ) -> None:
        for kind, given in (("smallint", value), ("int", value), ("bigint", value), ("bigint[]", [value])):
            with pytest.raises(DataError):
                await db.fetch_one(f"SELECT $1::{kind} AS value", [given])

    @pytest.mark.parametrize("value", [1.9, Decimal(2), Fraction(3, 2), UUID(int=1)], ids=repr)
    async def test_no_integer_of_a_column_is_made_of_another_value(
        self, db: PostgresDatabase, value: object
    ) -> None:
        await db.execute("CREATE TABLE one (number INT, numbers BIGINT[], other JSONB)")
        await db.execute("CREATE VIEW seen AS SELECT * FROM one")
        for table in ("one", "seen"):
            for row in ({"number": value}, {"numbers": [1, value]}, {"numbers": [[1], [value]]}):
                rows = [
                    {"number": 1, "numbers": [1], "other": [1.9]} | row,
                    {"number": 2, "numbers": [], "other": {}},
                ]
                with pytest.raises(DataError, match=type(value).__name__):
                    await db.bulk_insert(table, rows)
        assert await db.fetch_all("SELECT * FROM one") == []

    async def test_whatever_python_takes_for_an_integer_is_stored_as_one(self, db: PostgresDatabase) -> None:
        class Index:
            def __index__(self) -> int:
                return 2

        await db.execute("CREATE TABLE one (number INT, numbers INT[], price FLOAT)")
        for number in (True, HTTPStatus.OK, Index()):
            row = {"number": number, "numbers": (number,), "price": 1.9}
            assert await db.bulk_insert("one", [row]) == 1
            await db.execute("INSERT INTO one VALUES ($1, $2, $3)", list(row.values()))
        stored = await db.fetch_all("SELECT DISTINCT * FROM one ORDER BY number")
        assert stored == [{"number": n, "numbers": [n], "price": 1.9} for n in (1, 2, 200)]

    @pytest.mark.parametrize("kind", ["INT", "UUID", "DATE", "NUMERIC", "TIMESTAMPTZ", "TEXT[]", "JSONB"])
    async def test_no_value_that_cannot_be_sent_shows_in_a_traceback(
        self, db: PostgresDatabase, kind: str
    ) -> None:
        await db.execute(f"CREATE TABLE one (value {kind})")
        value = {"canary": float("nan")} if kind == "JSONB" else "canary"
        for call in (
            db.execute("INSERT INTO one VALUES ($1)", [value]),
            db.bulk_insert("one", [{"value": value}]),
        ):
            with pytest.raises(DataError) as caught:
                await call
            shown = "".join(traceback.format_exception(caught.value, limit=0))
            assert "canary" not in shown

    @pytest.mark.parametrize(
        "value",
        [
            "(repeat('[', 5000) || repeat(']', 5000))::jsonb",
            """'{"n": 1e99999999999999999999}'::json""",
            "'20000-01-01'::date",
        ],
    )
    async def test_a_value_that_python_cannot_hold_is_a_data_error(
        self, db: PostgresDatabase, value: str
    ) -> None:
        with pytest.raises(DataError, match="from the database"):
            await db.fetch_one(f"SELECT {value} AS value")
        assert await db.fetch_one("SELECT 1 AS one") == {"one": 1}

    async def test_the_message_of_a_trigger_about_a_row_is_not_shown(self, db: PostgresDatabase) -> None:
        await db.execute("CREATE TABLE one (name TEXT)")
        await db.execute(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'no %', new; END $$"
        )
        await db.execute("CREATE TRIGGER refuse BEFORE INSERT ON one FOR EACH ROW EXECUTE FUNCTION refuse()")
        with pytest.raises(DatabaseError, match="P0001") as caught:
            await db.execute("INSERT INTO one VALUES ($1)", ["canary"])
        assert "canary" not in "".join(traceback.format_exception(caught.value, limit=0))

    @pytest.mark.parametrize(
        ("query", "params"), [("SELECT 1", [1]), ("SELECT $1::int", []), ("SELECT $1::int", [1, 2])]
    )
    async def test_a_wrong_number_of_parameters_is_a_query_error_of_one_line(
        self, db: PostgresDatabase, query: str, params: list[Any]
    ) -> None:
        with pytest.raises(QueryError) as caught:
            await db.fetch_all(query, params)
        assert "\n" not in str(caught.value)

    async def test_a_terminated_connection_is_reported_as_lost_and_replaced(
        self, db: PostgresDatabase, bystander: asyncpg.Connection[asyncpg.Record]
    ) -> None:
        """Bad input 53."""
        await db.execute("CREATE TABLE one (number INT)")
        with pytest.raises(ConnectionLostError):
            async with db.transaction():
                await db.execute("INSERT INTO one VALUES (1)")
                mine = await db.fetch_one("SELECT pg_backend_pid() AS pid")
                assert mine is not None
                await bystander.execute("SELECT pg_terminate_backend($1, 5000)", mine["pid"])
                await db.execute("INSERT INTO one VALUES (2)")
        assert await db.fetch_all("SELECT * FROM one") == []

    async def test_a_connection_lost_at_the_commit_is_reported_as_lost(
        self, db: PostgresDatabase, bystander: asyncpg.Connection[asyncpg.Record]
    ) -> None:
        """Bad input 53."""
        with pytest.raises(ConnectionLostError):
            async with db.transaction():
                mine = await db.fetch_one("SELECT pg_backend_pid() AS pid")
                assert mine is not None
                await bystander.execute("SELECT pg_terminate_backend($1, 5000)", mine["pid"])
        assert await db.fetch_one("SELECT 1 AS one") == {"one": 1}

    async def test_the_error_of_the_block_is_raised_when_the_connection_is_gone_too(
        self, db: PostgresDatabase, bystander: asyncpg.Connection[asyncpg.Record]
    ) -> None:
        """Bad input 53."""
        with pytest.raises(RuntimeError, match="the true cause"):
            async with db.transaction():
                mine = await db.fetch_one("SELECT pg_backend_pid() AS pid")
                assert mine is not None
                await bystander.execute("SELECT pg_terminate_backend($1, 5000)", mine["pid"])
                raise RuntimeError("the true cause")

    async def test_a_swallowed_error_is_named_as_the_cause(self, db: PostgresDatabase) -> None:
        """Bad input 59."""
        with pytest.raises(TransactionAbortedError, match="no_such_table") as caught:
            async with db.transaction():
                with pytest.raises(QueryError):
                    await db.execute("SELECT * FROM no_such_table")
        assert isinstance(caught.value.__cause__, QueryError)

    async def test_a_nested_block_after_a_swallowed_error_is_refused(self, db: PostgresDatabase) -> None:
        with pytest.raises(TransactionAbortedError):
            async with db.transaction():
                with pytest.raises(QueryError):
                    await db.execute("SELECT * FROM no_such_table")
                async with db.transaction():
                    pass

    async def test_a_deferred_constraint_fails_the_commit(self, db: PostgresDatabase) -> None:
        await db.execute("CREATE TABLE one (number INT UNIQUE DEFERRABLE INITIALLY DEFERRED)")
        with pytest.raises(ConstraintError):
            async with db.transaction():
                await db.bulk_insert("one", [{"number": 1}, {"number": 1}])
        assert await db.fetch_all("SELECT * FROM one") == []


class TestTransaction:
    @pytest.mark.parametrize("statement", ["COMMIT", "ROLLBACK"])
    async def test_one_that_a_statement_ended_is_reported(self, db: PostgresDatabase, statement: str) -> None:
        with pytest.raises(TransactionAbortedError, match="COMMIT or ROLLBACK"):
            async with db.transaction():
                await db.execute(statement)
        assert await db.fetch_one("SELECT 1 AS one") == {"one": 1}

    @pytest.mark.parametrize("rows", [0, 1, 1000, 1001])
    async def test_a_stream_that_was_read_lets_its_table_be_altered(
        self, db: PostgresDatabase, rows: int
    ) -> None:
        await db.execute("CREATE TABLE one (number INT)")
        await db.execute("INSERT INTO one SELECT generate_series(1, $1)", [rows])
        async with db.transaction():
            numbers = [row["number"] async for row in db.stream("SELECT number FROM one")]
            await db.execute("ALTER TABLE one ADD COLUMN name TEXT")
        assert numbers == list(range(1, rows + 1))

    async def test_a_stream_that_was_closed_lets_its_table_be_altered(self, db: PostgresDatabase) -> None:
        await db.execute("CREATE TABLE one AS SELECT generate_series(1, 3000) AS number")
        async with db.transaction():
            async with contextlib.aclosing(db.stream("SELECT number FROM one")) as rows:
                assert await anext(rows) == {"number": 1}
            await db.execute("ALTER TABLE one ADD COLUMN name TEXT")

    async def test_a_stream_may_outlive_the_nested_block_that_opened_it(self, db: PostgresDatabase) -> None:
        async with db.transaction():
            with pytest.raises(RuntimeError):
                async with db.transaction():
                    rows = db.stream("SELECT generate_series(1, 3000)")
                    await anext(rows)
                    raise RuntimeError
            await rows.aclose()
            assert await db.fetch_one("SELECT 1 AS one") == {"one": 1}

    async def test_a_swallowed_error_of_a_stream_is_named_as_the_cause(self, db: PostgresDatabase) -> None:
        with pytest.raises(TransactionAbortedError, match="division by zero"):
            async with db.transaction():
                with contextlib.suppress(DataError):
                    async for _ in db.stream("SELECT 1 / (2000 - n) FROM generate_series(1, 3000) AS n"):
                        pass

    async def test_an_abandoned_generator_leaves_none_behind(self, db: PostgresDatabase) -> None:
        closed = asyncio.Event()

        async def numbers() -> AsyncIterator[int]:
            try:
                async with db.transaction():
                    yield 1
                    yield 2
            finally:
                closed.set()

        async for _ in numbers():
            break
        await closed.wait()
        assert await db.fetch_one("SELECT 1 AS one") == {"one": 1}

    async def test_one_cancelled_at_its_begin_goes_without_a_trace(self, make_database: MakeDatabase) -> None:
        reported: list[dict[str, Any]] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context))

        # Over TCP, asyncpg asks for TLS to cancel a query, too, and forgets a future when that is cancelled.
        async with make_database(PGSSLMODE="disable") as db:

            async def begin() -> None:
                async with db.transaction():
                    pass

            for turns in range(30):
                task = asyncio.create_task(begin())
                for _ in range(turns):
                    await asyncio.sleep(0)
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
            assert await db.fetch_one("SELECT 1 AS one") == {"one": 1}
        assert reported == []

    async def test_nested_blocks_and_bulk_inserts_are_undone_alone(self, db: PostgresDatabase) -> None:
        await db.execute("CREATE TABLE one (number INT UNIQUE)")
        async with db.transaction():
            assert await db.bulk_insert("one", [{"number": 1}]) == 1
            with pytest.raises(ConstraintError):
                await db.bulk_insert("one", [{"number": 10}, {"number": 1}])
            async with db.transaction():
                assert await db.bulk_insert("one", [{"number": 2}]) == 1
                assert await db.bulk_insert("one", [{"number": 3}]) == 1
            with pytest.raises(RuntimeError):
                async with db.transaction():
                    assert await db.bulk_insert("one", [{"number": 11}]) == 1
                    async with db.transaction():
                        assert await db.bulk_insert("one", [{"number": 12}]) == 1
                    raise RuntimeError
            assert await db.bulk_insert("one", [{"number": 4}]) == 1
            with pytest.raises(ConstraintError):
                async with db.transaction():
                    assert await db.bulk_insert("one", [{"number": 13}]) == 1
                    await db.bulk_insert("one", [{"number": 4}])
        stored = await db.fetch_all("SELECT number FROM one ORDER BY number")
        assert [row["number"] for row in stored] == [1, 2, 3, 4]

    async def test_savepoints_of_statements_outlive_nested_blocks(self, db: PostgresDatabase) -> None:
        await db.execute("CREATE TABLE one (number INT)")
        async with db.transaction():
            await db.bulk_insert("one", [{"number": 1}])
            await db.execute("SAVEPOINT mine")
            await db.bulk_insert("one", [{"number": 2}])
            await db.execute("ROLLBACK TO SAVEPOINT mine")
            await db.bulk_insert("one", [{"number": 3}])
        assert await db.fetch_all("SELECT number FROM one") == [{"number": 1}, {"number": 3}]


MANY = 1_000


class _PutBack(tzinfo):
    """A zone whose clocks showed the hour from two to three twice."""

    def utcoffset(self, timestamp: datetime | None) -> timedelta:
        return timedelta(hours=1 if timestamp and timestamp.fold else 2)

    def dst(self, timestamp: datetime | None) -> timedelta:
        return self.utcoffset(timestamp) - timedelta(hours=1)

    def tzname(self, timestamp: datetime | None) -> str:
        return str(self.utcoffset(timestamp))


class TestTimestamps:
    @pytest.mark.parametrize(
        "timestamp",
        [
            datetime(2, 1, 1, tzinfo=UTC),
            datetime(1999, 12, 31, 23, 59, 59, 999_999, UTC),
            datetime(2026, 1, 15, 12, 0, 0, 1, timezone(timedelta(hours=-11, minutes=-30))),
            datetime(9998, 12, 31, 23, 59, 59, 999_999, UTC),
            datetime.max.replace(tzinfo=UTC),
            datetime.min.replace(tzinfo=UTC),
        ],
        ids=str,
    )
    async def test_a_timestamp_comes_back_as_it_was_given(
        self, db: PostgresDatabase, timestamp: datetime
    ) -> None:
        await db.execute("CREATE TABLE timestamps (at TIMESTAMPTZ, several TIMESTAMPTZ[])")
        await db.execute("INSERT INTO timestamps VALUES ($1, $2)", [timestamp, [timestamp, None]])
        row = {"at": timestamp, "several": [timestamp, None]}
        await db.bulk_insert("timestamps", [row])
        await db.bulk_insert("timestamps", [row] * MANY)
        assert await db.fetch_all("SELECT * FROM timestamps") == [row] * (MANY + 2)

    async def test_the_driver_and_the_server_agree_on_timestamps(self, db: PostgresDatabase) -> None:
        await db.execute("CREATE TABLE timestamps (at TIMESTAMPTZ)")
        for text in (
            "2026-01-15 12:00:00.000001+00",
            "0002-01-01 00:00:00+00",
            "9999-12-31 23:59:59.999999+00",
        ):
            row = await db.fetch_one(f"SELECT '{text}'::timestamptz AS at")
            assert row
            for rows in ([row], [row] * MANY):
                await db.bulk_insert("timestamps", rows)
                query = f"SELECT COUNT(*) AS n FROM timestamps WHERE at = '{text}'::timestamptz"
                assert await db.fetch_one(query) == {"n": len(rows)}
                await db.execute("DELETE FROM timestamps")

    async def test_both_times_of_a_clock_put_back_are_stored(self, db: PostgresDatabase) -> None:
        first = datetime(2026, 10, 25, 2, 30, tzinfo=_PutBack())
        timestamps = [first, first.replace(fold=1)]
        assert timestamps[0] == timestamps[1]
        await db.execute("CREATE TABLE timestamps (at TIMESTAMPTZ)")
        await db.bulk_insert("timestamps", [{"at": timestamp} for timestamp in timestamps * MANY])
        for timestamp in timestamps:
            await db.execute("INSERT INTO timestamps VALUES ($1)", [timestamp])
        hours = [row["at"].hour for row in await db.fetch_all("SELECT at FROM timestamps")]
        assert hours == [0, 1] * (MANY + 1)

    @pytest.mark.parametrize(
        "value",
        ["2026-01-15", 1, [], date(2026, 7, 15), datetime(2026, 1, 15, 12)],  # noqa: DTZ001
        ids=repr,
    )
    async def test_a_value_that_is_not_a_timestamp_is_a_data_error(
        self, db: PostgresDatabase, value: object
    ) -> None:
        await db.execute("CREATE TABLE timestamps (at TIMESTAMPTZ)")
        with pytest.raises(DataError):
            await db.execute("INSERT INTO timestamps VALUES ($1)", [value])
        good: list[dict[str, Any]] = [{"at": datetime.now(UTC)}] * MANY
        for rows in ([{"at": value}], [*good, {"at": value}]):
            with pytest.raises(DataError):
                await db.bulk_insert("timestamps", rows)
        assert await db.fetch_all("SELECT * FROM timestamps") == []

    async def test_a_timestamp_that_python_does_not_have_is_a_data_error(self, db: PostgresDatabase) -> None:
        with pytest.raises(DataError):
            await db.fetch_one("SELECT '10000-01-01'::timestamptz AS at")


class TestBulkInsert:
    async def test_a_view_which_refuses_copy_gets_inserts(self, db: PostgresDatabase) -> None:
        await db.execute("CREATE TABLE one (number INT)")
        await db.execute("CREATE VIEW seen AS SELECT number FROM one")
        assert await db.bulk_insert("seen", [{"number": 1}, {"number": 2}]) == 2
        async with db.transaction():
            await db.execute("INSERT INTO one VALUES (3)")
            assert await db.bulk_insert("seen", [{"number": 4}]) == 1
            await db.execute("INSERT INTO one VALUES (5)")
        assert await db.execute("SELECT * FROM one") == 5

    @pytest.mark.parametrize(
        ("last", "error"), [({"number": 1}, ConstraintError), ({"number": "text"}, DataError)]
    )
    async def test_a_view_that_refuses_one_row_keeps_none(
        self, db: PostgresDatabase, last: dict[str, Any], error: type[DatabaseError]
    ) -> None:
        await db.execute("CREATE TABLE one (number INT UNIQUE)")
        await db.execute("CREATE VIEW seen AS SELECT number FROM one")
        with pytest.raises(error):
            await db.bulk_insert("seen", [*({"number": number} for number in range(50_000)), last])
        assert await db.fetch_all("SELECT * FROM one") == []

    async def test_types_that_copy_cannot_carry_are_inserted(self, db: PostgresDatabase) -> None:
        await db.execute("CREATE TABLE one (words TSVECTOR, price MONEY, kind REGCLASS)")
        row = {"words": "'a' 'b'", "price": "$1.50", "kind": "one"}
        assert await db.bulk_insert("one", [row, row]) == 2

    async def test_generated_and_defaulted_columns_are_left_to_the_table(self, db: PostgresDatabase) -> None:
        await db.execute(
            "CREATE TABLE one (id INT GENERATED ALWAYS AS IDENTITY, a INT UNIQUE, "
            "b INT GENERATED ALWAYS AS (a * 2) STORED, c TEXT DEFAULT 'c')"
        )
        assert await db.bulk_insert("one", [{"a": 1}, {"a": 2}]) == 2
        assert await db.bulk_insert("one", [{"a": 3}, {"a": 2}], skip_conflicts_on=["a"]) == 1
        rows = await db.fetch_all("SELECT a, b, c FROM one ORDER BY a")
        assert rows == [{"a": number, "b": number * 2, "c": "c"} for number in (1, 2, 3)]

    async def test_rows_that_may_clash_go_in_in_the_order_of_their_key(self, db: PostgresDatabase) -> None:
        """Two writers in different orders would wait for each other's rows."""
        await db.execute("CREATE TABLE one (a INT, b TEXT, UNIQUE (a, b))")
        rows = [{"b": b, "a": a} for a in (2, 1, 3) for b in ("y", "x")]
        assert await db.bulk_insert("one", rows, skip_conflicts_on=["a", "b"]) == 6
        stored = await db.fetch_all("SELECT a, b FROM one ORDER BY ctid")
        assert stored == [{"a": a, "b": b} for a in (1, 2, 3) for b in ("x", "y")]

    async def test_arrays_and_documents_are_distinguished_by_their_columns(
        self, db: PostgresDatabase
    ) -> None:
        await db.execute("CREATE TABLE one (a TEXT[] UNIQUE, b JSONB)")
        row = {"a": ["x", "y"], "b": ["x", {"y": 1}]}
        assert await db.bulk_insert("one", [row], skip_conflicts_on=["a"]) == 1
        assert await db.bulk_insert("one", [{**row, "a": ["z"]}]) == 1
        assert await db.fetch_all("SELECT a, b FROM one ORDER BY a") == [row, {**row, "a": ["z"]}]

    async def test_tables_with_columns_of_the_same_names_and_other_types_are_not_confused(
        self, make_database: MakeDatabase
    ) -> None:
        """Bad input 66: what is known of one table is not taken for the truth about the next."""
        async with make_database(DB_POSTGRES_POOL_MAX="1") as db:
            await db.execute("CREATE TABLE one (a TEXT UNIQUE)")
            await db.execute("CREATE TABLE two (a INT UNIQUE)")
            assert await db.bulk_insert("one", [{"a": "text"}], skip_conflicts_on=["a"]) == 1
            with pytest.raises(DataError):
                await db.bulk_insert("two", [{"a": "text"}], skip_conflicts_on=["a"])
            assert await db.bulk_insert("two", [{"a": 1}], skip_conflicts_on=["a"]) == 1

    async def test_an_altered_table_is_seen_as_it_is_now(
        self, make_database: MakeDatabase, bystander: asyncpg.Connection[asyncpg.Record]
    ) -> None:
        """Bad input 66, also inside a transaction."""
        query = "SELECT * FROM one WHERE a <> $1"
        async with make_database(DB_POSTGRES_POOL_MAX="1") as db:
            await db.execute("CREATE TABLE one (a TEXT)")
            assert await db.bulk_insert("one", [{"a": "1"}]) == 1
            assert await db.fetch_all(query, ["0"]) == [{"a": "1"}]
            await bystander.execute("ALTER TABLE one ALTER a TYPE INT USING a::int, ADD b INT")
            with pytest.raises(DataError):
                await db.bulk_insert("one", [{"a": "text"}])
            async with db.transaction():
                assert await db.bulk_insert("one", [{"a": 2}]) == 1
                assert await db.fetch_all(query, [0]) == [{"a": 1, "b": None}, {"a": 2, "b": None}]

    async def test_the_same_table_can_be_filled_twice_in_a_transaction(self, db: PostgresDatabase) -> None:
        await db.execute("CREATE TABLE one (a INT UNIQUE)")
        await db.execute("CREATE TABLE two (b TEXT UNIQUE)")
        async with db.transaction():
            assert await db.bulk_insert("one", [{"a": 1}], skip_conflicts_on=["a"]) == 1
            assert await db.bulk_insert("two", [{"b": "x"}], skip_conflicts_on=["b"]) == 1
            assert await db.bulk_insert("one", [{"a": 1}, {"a": 2}], skip_conflicts_on=["a"]) == 1

    async def test_a_large_batch_arrives_whole(self, db: PostgresDatabase) -> None:
        await db.execute("CREATE TABLE one (a INT PRIMARY KEY, b JSONB)")
        rows = [{"a": number, "b": {"n": number}} for number in range(50_000)]
        assert await db.bulk_insert("one", rows[::2]) == 25_000
        assert await db.bulk_insert("one", rows, skip_conflicts_on=["a"]) == 25_000


class TestLock:
    async def test_it_excludes_other_processes_and_names_the_holder(
        self, make_database: MakeDatabase
    ) -> None:
        async with make_database() as first, make_database() as second:
            async with first.lock("name", timeout=0):
                with pytest.raises(LockTimeoutError, match=r"'name'.*server process \d+ \(data-platform"):
                    async with second.lock("name", timeout=0):
                        pass
            async with second.lock("name", timeout=0):
                pass

    async def test_one_that_is_freed_meanwhile_is_taken(self, make_database: MakeDatabase) -> None:
        async with make_database() as first, make_database() as second:
            taken = asyncio.Event()

            async def wait() -> None:
                async with second.lock("name", timeout=30):
                    taken.set()

            async with first.lock("name", timeout=0):
                waiting = asyncio.create_task(wait())
                await first.execute("SELECT pg_sleep(0.1)")
                assert not taken.is_set()
            await waiting
            assert taken.is_set()

    async def test_it_is_freed_when_its_holder_is_cancelled(self, db: PostgresDatabase) -> None:
        held = asyncio.Event()

        async def hold() -> None:
            async with db.lock("name", timeout=0):
                held.set()
                await asyncio.Event().wait()

        task = asyncio.create_task(hold())
        await held.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        async with db.lock("name", timeout=5):
            pass

    async def test_it_outlives_the_idle_timeout_of_the_server(
        self, db: PostgresDatabase, make_database: MakeDatabase, bystander: asyncpg.Connection[asyncpg.Record]
    ) -> None:
        name = await bystander.fetchval("SELECT current_database()")
        async with make_database() as other:
            # Only now: sessions of the pool, which do idle, keep what was set when they began.
            await bystander.execute(f"ALTER DATABASE {name} SET idle_session_timeout = 1")
            async with other.lock("name", timeout=0):
                await bystander.execute("SELECT pg_sleep(0.05)")
                with pytest.raises(LockTimeoutError):
                    async with db.lock("name", timeout=0):
                        pass

    async def test_its_block_is_cancelled_when_it_is_lost(
        self, db: PostgresDatabase, bystander: asyncpg.Connection[asyncpg.Record]
    ) -> None:
        with pytest.raises(ConnectionLostError, match="'name' was lost"):
            async with db.lock("name", timeout=0):
                await bystander.execute(END_LOCKERS)
                await asyncio.Event().wait()

    async def test_one_that_was_lost_cannot_end_in_silence(
        self, db: PostgresDatabase, bystander: asyncpg.Connection[asyncpg.Record]
    ) -> None:
        with pytest.raises(ConnectionLostError, match="'name' was lost"):
            async with db.lock("name", timeout=0):
                with contextlib.suppress(asyncio.CancelledError):
                    await bystander.execute(END_LOCKERS)
                    await asyncio.Event().wait()

    @pytest.mark.server
    @pytest.mark.parametrize("is_noticed", [True, False], ids=["noticed", "before it is noticed"])
    async def test_it_is_taken_again_when_the_server_restarts(self, is_noticed: bool) -> None:
        with running_server({}) as server:
            secrets = MemorySecrets({"DB_POSTGRES_URL": server.url()})
            async with PostgresDatabase(secrets) as db, db.lock("name", timeout=0):
                for step in (server.stop, server.start):
                    await asyncio.to_thread(step) if is_noticed else step()
                is_taken = False
                while not is_taken:
                    await asyncio.sleep(0)
                    with contextlib.suppress(ConnectionLostError):  # of connections before the restart
                        is_taken = bool(
                            await db.fetch_all("SELECT FROM pg_locks WHERE locktype = 'advisory'")
                        )

    async def test_a_timeout_of_its_block_stays_one(self, db: PostgresDatabase) -> None:
        with pytest.raises(TimeoutError):
            async with db.lock("name", timeout=0), asyncio.timeout(0):
                await asyncio.Event().wait()

    async def test_a_holder_of_another_role_is_named_as_far_as_it_is_known(
        self, make_database: MakeDatabase, stranger_url: str
    ) -> None:
        stranger = PostgresDatabase(MemorySecrets({"DB_POSTGRES_URL": stranger_url}))
        async with make_database() as db, stranger, db.lock("name", timeout=0):
            with pytest.raises(LockTimeoutError, match=r"held by server process \d+ \(data-platform\)"):
                async with stranger.lock("name", timeout=0):
                    pass
