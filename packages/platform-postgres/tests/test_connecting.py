"""What a URL and the PG variables ask for is done, or refused by its name before anything else."""

from __future__ import annotations

import errno
import getpass
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit, urlunsplit

import pytest

from platform_interfaces import ConfigurationError, ConnectionLostError, PlatformError
from platform_memory import MemorySecrets
from platform_postgres import PostgresDatabase
from platform_postgres._connect_errors import explain
from platform_postgres._hosts import Host
from platform_postgres._target import read_target
from platform_postgres.testing import running_server


def database(url: str, **variables: str) -> PostgresDatabase:
    settings = {"DB_POSTGRES_URL": url, "DB_POSTGRES_POOL_MIN": "0", **variables}
    return PostgresDatabase(MemorySecrets(settings))


def with_query(url: str, query: str) -> str:
    return url + ("&" if "?" in url else "?") + query


async def refusal(url: str, kind: type[PlatformError] = ConfigurationError, **variables: str) -> str:
    with pytest.raises(kind) as caught:
        await database(url, **variables).connect()
    assert "canary" not in str(caught.value)
    return str(caught.value)


@contextmanager
def fake_server(reply: bytes) -> Iterator[int]:
    """Yield the port of a server that answers a start of a session with ``reply``, and refuses TLS."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    client, _ = listener.accept()
                except OSError:
                    return
                with client:
                    if client.recv(8192)[4:8] == b"\x04\xd2\x16\x2f":
                        client.sendall(b"N")
                        client.recv(8192)
                    client.sendall(reply)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
    thread.join()


def error_response(sqlstate: str, message: str) -> bytes:
    body = f"SFATAL\0VFATAL\0C{sqlstate}\0M{message}\0\0".encode()
    return b"E" + (len(body) + 4).to_bytes(4, "big") + body


class TestUrl:
    @pytest.mark.parametrize(
        ("url", "advice"),
        [
            ("postgresql://u:can#ary@db/x", "'#' as %23"),
            ("postgresql://u:can@ary@db/x", "'@' as %40"),
            ("postgresql://u:5432/can@db/x", "'/' as %2F"),
            ("postgresql://u:5432?can@db/x", r"'\?' as %3F"),
            ("postgresql://u:can%zz@db/x", "%25"),
            ("postgresql://u:can%ff@db/x", "%25"),
            ("'postgresql://u:canary@db/x'", "remove the ' at both ends"),
            ('"postgresql://u:canary@db/x"', 'remove the " at both ends'),
            (" postgresql://u:canary@db/x", "blank or a line end"),
            ("postgresql://u:canary@db/x\n", "blank or a line end"),
            ("postgresql://u:can ary@db/x", "write it as %20"),
            ("jdbc:postgresql://db/x?user=u&password=canary", "'jdbc:': remove"),
            ("postgresql+asyncpg://u:canary@db/x", r"remove '\+asyncpg'"),
            ("postgres+psycopg2://u:canary@db/x", r"remove '\+psycopg2'"),
            ("psql postgresql://u:canary@db/x", "remove the 5 characters"),
            ("mysql://u:canary@db/x", "must begin with 'postgresql://'"),
            ("host=db dbname=x password=canary", "string of keywords"),
            ("db.example.com/x", "does not begin with 'postgresql://'"),
            ("postgresql://u:canary@db:port/x", "'port'"),
            ("postgresql://u:canary@db:0/x", "'port'"),
            ("postgresql://u@db/x?user=v", "'user' twice"),
            ("postgresql://u@db/x?sslmode=", "'sslmode' .* has no value"),
            ("postgresql://u@db/x?sslmode=require&sslmode=disable", "'sslmode' twice"),
            ("postgresql://u@a..b/x", "not a host name"),
        ],
    )
    async def test_c6_a_url_in_another_form_is_answered_with_what_to_change(
        self, url: str, advice: str
    ) -> None:
        with pytest.raises(ConfigurationError, match=advice) as caught:
            await database(url).connect()
        message = str(caught.value)
        assert "DB_POSTGRES_URL" in message
        assert "canary" not in message
        assert "can" not in message.replace("cannot", "").replace("can be", "")

    @pytest.mark.parametrize(
        ("url", "shown"),
        [
            ("postgresql://app:canary@db.example:5433/lake", "app@db.example:5433/lake"),
            ("postgresql://app@db/lake?password=canary", "app@db:5432/lake"),
            ("postgresql://app@a,b:5433/lake", "app@a:5432,b:5433/lake"),
            ("postgresql://app@[::1]:5433/lake", "app@[::1]:5433/lake"),
            ("postgresql:///lake?host=/run/pg&user=app", "app@localhost:5432/lake (socket in /run/pg)"),
            ("postgresql://app:canary@db", "app@db:5432/app"),
            ("postgresql://app:can@ary@db", "unknown: "),
            ("", "unknown: DB_POSTGRES_URL is not set"),
        ],
    )
    def test_the_location_names_user_host_port_and_name_without_a_secret(self, url: str, shown: str) -> None:
        location = database(url).location
        assert location.startswith(shown)
        assert "ary" not in location

    def test_the_location_uses_the_variables_where_the_url_does_not_say(self) -> None:
        db = database(
            "postgresql://", PGHOST="h", PGPORT="1", PGUSER="u", PGDATABASE="d", PGPASSWORD="canary"
        )
        assert db.location == "u@h:1/d"


class TestParameters:
    @pytest.mark.parametrize(
        ("query", "problem"),
        [
            ("sslmode=require&channel_binding=require", "'channel_binding' .* cannot be 'require'"),
            ("require_auth=scram-sha-256", "'require_auth'"),
            ("hostaddr=10.0.0.1", "'hostaddr'"),
            ("requirepeer=postgres", "'requirepeer'"),
            ("gssencmode=require", "'gssencmode'"),
            ("replication=database", "'replication'"),
            ("client_encoding=latin1", "'client_encoding'"),
            ("min_protocol_version=3.2", "'min_protocol_version'"),
            ("oauth_issuer=x", "'oauth_issuer'"),
            ("scram_client_key=canary", "'scram_client_key'"),
            ("sslsni=0", "'sslsni'"),
            ("sslkeylogfile=/x", "'sslkeylogfile'"),
            ("connect_timeout=soon", "'connect_timeout'"),
            ("keepalives_idle=soon", "'keepalives_idle'"),
            ("load_balance_hosts=yes", "'load_balance_hosts'"),
            ("target_session_attrs=master", "'target_session_attrs'"),
            ("conect_timeout=3", "did you mean 'connect_timeout'"),
            ("sslmod=require", "did you mean 'sslmode'"),
            ("schema=public", "'schema' .* is not a parameter"),
            ("pgbouncer=true", "'pgbouncer' .* is not a parameter"),
            ("statement_timeout=5", "DB_POSTGRES_STATEMENT_TIMEOUT"),
            ("options=-cstatement_timeout%3D5", "DB_POSTGRES_STATEMENT_TIMEOUT"),
            ("service=nosuch&servicefile=/missing", "'/missing'"),
        ],
    )
    async def test_c7_a_parameter_that_cannot_be_honoured_is_refused_by_its_name(
        self, query: str, problem: str
    ) -> None:
        with pytest.raises(ConfigurationError, match=problem) as caught:
            await database(f"postgresql://u:canary@127.0.0.1:1/x?{query}").connect()
        assert "canary" not in str(caught.value)

    async def test_c7_a_variable_that_cannot_be_honoured_is_refused_by_its_name(self) -> None:
        message = await refusal("postgresql://u@127.0.0.1:1/x", PGCHANNELBINDING="require")
        assert message.startswith("PGCHANNELBINDING cannot be 'require'")

    @pytest.mark.parametrize(
        "query",
        [
            "connect_timeout=10",
            "connect_timeout=0",
            "channel_binding=prefer",
            "keepalives=1&keepalives_idle=30&keepalives_interval=5&keepalives_count=3&tcp_user_timeout=9000",
            "gssencmode=prefer&sslcompression=0&client_encoding=UTF8&target_session_attrs=read-write",
            "target_session_attrs=prefer-standby&load_balance_hosts=random&max_protocol_version=latest",
            "fallback_application_name=x&sslcertmode=allow&sslsni=1&replication=false",
        ],
    )
    async def test_c8_a_parameter_of_libpq_is_taken(self, postgres_url: str, query: str) -> None:
        async with database(with_query(postgres_url, query)) as db:
            assert await db.fetch_one("SELECT 1 AS one") == {"one": 1}

    @pytest.mark.parametrize(
        ("query", "variables", "name", "value"),
        [
            ("application_name=mine", {}, "application_name", "mine"),
            ("", {"PGAPPNAME": "theirs"}, "application_name", "theirs"),
            ("application_name=mine", {"PGAPPNAME": "theirs"}, "application_name", "mine"),
            ("", {}, "application_name", "data-platform"),
            ("options=-c%20search_path%3Dx%20--work-mem%3D5MB", {}, "work_mem", "5MB"),
            ("options=-csearch_path%3Dx", {}, "search_path", "x"),
            ("options=-c+search_path%3Dx", {}, "search_path", "x"),
            ("", {"PGOPTIONS": "-c search_path=y"}, "search_path", "y"),
            ("options=-c%20cursor_tuple_fraction%3D0.5", {}, "cursor_tuple_fraction", "0.5"),
            ("search_path=z", {}, "search_path", "z"),
            ("app.tenant=7", {}, "app.tenant", "7"),
            ("", {"PGTZ": "Asia/Tokyo"}, "TimeZone", "Asia/Tokyo"),
        ],
    )
    async def test_c8_settings_of_a_session_are_those_of_the_url_and_the_variables(
        self, postgres_url: str, query: str, variables: dict[str, str], name: str, value: str
    ) -> None:
        url = with_query(postgres_url, query) if query else postgres_url
        async with database(url, **variables) as db:
            for _ in range(2):  # also after the session was reset
                found = await db.fetch_one(f"SELECT current_setting('{name}') AS value")
                assert found == {"value": value}

    @pytest.mark.server
    async def test_c12_user_password_and_host_come_from_the_variables(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = str(free.getsockname()[1])
        with running_server({"listen_addresses": "127.0.0.1", "port": port}) as server:
            async with database(server.url()) as db:
                await db.execute("ALTER ROLE postgres PASSWORD 'canary'")
            where = {"PGHOST": "127.0.0.1", "PGPORT": port, "PGUSER": "postgres", "PGDATABASE": "postgres"}
            async with database("postgresql://", **where, PGPASSWORD="canary") as db:
                assert await db.fetch_one("SELECT current_user AS name") == {"name": "postgres"}
            message = await refusal("postgresql://", ConfigurationError, **where, PGPASSFILE="/missing")
            assert "password" in message

    async def test_parameters_of_a_service_are_used_where_the_url_does_not_say(
        self, postgres_url: str, tmp_path: Path
    ) -> None:
        file = tmp_path / "services"
        file.write_text("[lake]\napplication_name=served\nuser=other\n")
        async with database(with_query(postgres_url, "service=lake"), PGSERVICEFILE=str(file)) as db:
            found = await db.fetch_one("SELECT current_setting('application_name') AS value")
        assert found == {"value": "served"}

    async def test_c13_an_account_without_a_name_gets_the_message_that_the_url_has_no_user(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail() -> str:
            raise KeyError("uid not found")

        monkeypatch.setattr(getpass, "getuser", fail)
        assert "no user in the connection URL" in await refusal("postgresql://127.0.0.1:1/x")


class TestFailures:
    async def test_c23_a_server_that_is_not_there_is_named(self) -> None:
        message = await refusal("postgresql://u:canary@127.0.0.1:1/x", ConnectionLostError)
        assert "u@127.0.0.1:1/x (DB_POSTGRES_URL) cannot be reached: nothing listens on port 1" in message

    async def test_c23_an_unknown_host_is_named(self) -> None:
        message = await refusal("postgresql://u:canary@no-such-host.invalid/x", ConnectionLostError)
        assert "u@no-such-host.invalid:5432/x (DB_POSTGRES_URL)" in message
        assert "host 'no-such-host.invalid' is not known" in message

    async def test_c23_a_socket_that_is_not_there_is_named(self, tmp_path: Path) -> None:
        message = await refusal(f"postgresql://u:canary@/x?host={tmp_path}", ConnectionLostError)
        assert str(tmp_path) in message
        assert "DB_POSTGRES_URL" in message

    async def test_c23_a_database_that_does_not_exist_is_named(self, postgres_url: str) -> None:
        url = urlunsplit(urlsplit(postgres_url)._replace(path="/no_such_database"))
        message = await refusal(url)
        folder = parse_qs(urlsplit(url).query)["host"][0]
        for part in ("no_such_database", "DB_POSTGRES_URL", "postgres@", folder, "5432"):
            assert part in message

    async def test_the_next_host_is_tried_where_one_is_not_there(self, postgres_url: str) -> None:
        folder = parse_qs(urlsplit(postgres_url).query)["host"][0]
        name = urlsplit(postgres_url).path
        url = f"postgresql://postgres@{name}?host=127.0.0.1,{folder}&port=1,5432"
        async with database(url) as db:
            assert await db.fetch_one("SELECT 1 AS one") == {"one": 1}
        message = await refusal("postgresql://u@127.0.0.1:1,127.0.0.1:2/x", ConnectionLostError)
        assert "127.0.0.1:1: nothing listens" in message
        assert "127.0.0.1:2: nothing listens" in message

    async def test_d8_a_limit_of_connections_names_the_settings_of_the_pool(self, postgres_url: str) -> None:
        async with database(postgres_url) as admin:
            name = urlsplit(postgres_url).path[1:] + "_few"
            await admin.execute(f"CREATE ROLE {name} LOGIN CONNECTION LIMIT 1")
            parts = urlsplit(postgres_url)
            url = urlunsplit(parts._replace(netloc=f"{name}@"))
            message = await refusal(url, ConnectionLostError, DB_POSTGRES_POOL_MIN="3")
            await admin.execute(f"DROP ROLE {name}")
        for part in ("too many connections for role", "DB_POSTGRES_POOL_MIN", "DB_POSTGRES_POOL_MAX"):
            assert part in message

    @pytest.mark.parametrize(
        ("sqlstate", "text"),
        [
            ("53300", "remaining connection slots are reserved"),
            ("08P01", "no more connections allowed (max_client_conn)"),
        ],
    )
    async def test_d8_other_words_for_the_limit_name_them_too(self, sqlstate: str, text: str) -> None:
        with fake_server(error_response(sqlstate, text)) as port:
            message = await refusal(f"postgresql://u:canary@127.0.0.1:{port}/x", ConnectionLostError)
        assert "DB_POSTGRES_POOL_MAX" in message

    @pytest.mark.parametrize(
        ("settings", "query"),
        [
            ({"DB_POSTGRES_CONNECT_TIMEOUT": "0.2"}, ""),
            ({"DB_POSTGRES_CONNECT_TIMEOUT": "0.2", "PGCONNECT_TIMEOUT": "600"}, ""),
            ({"DB_POSTGRES_CONNECT_TIMEOUT": "600"}, "?connect_timeout=1"),
            ({"PGCONNECT_TIMEOUT": "1"}, ""),
        ],
    )
    async def test_d9_the_time_to_wait_for_a_server_is_a_setting(
        self, settings: dict[str, str], query: str
    ) -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            url = f"postgresql://u:canary@127.0.0.1:{silent.getsockname()[1]}/x{query}"
            message = await refusal(url, ConnectionLostError, **settings)
        assert "did not answer within" in message
        assert "DB_POSTGRES_CONNECT_TIMEOUT" in message

    def test_d9_a_host_that_the_system_gives_up_is_out_of_reach_also_without_a_limit(self) -> None:
        target = read_target("postgresql://u:canary@db.example/x", None, timeout_seconds=0)
        cause = explain(
            TimeoutError(errno.ETIMEDOUT, "Connection timed out"), Host("db.example", 5432), target
        )
        assert cause.kind is ConnectionLostError
        assert cause.text.startswith("Connection timed out: is the host 'db.example' within reach")

    @pytest.mark.parametrize("value", ["ten", "-1", "1e3"])
    def test_d9_a_bad_time_to_wait_is_refused_with_its_name(self, value: str) -> None:
        with pytest.raises(ConfigurationError, match="DB_POSTGRES_CONNECT_TIMEOUT"):
            database("postgresql://", DB_POSTGRES_CONNECT_TIMEOUT=value)

    @pytest.mark.parametrize(
        ("sqlstate", "text"),
        [
            ("08P01", "unsupported startup parameter: statement_timeout"),
            ("08P01", "unsupported startup parameter in options: search_path"),
            ("0A000", "Feature not supported: RDS Proxy currently doesn't support command-line options."),
        ],
    )
    async def test_d10_a_pooler_that_refuses_a_parameter_is_answered_with_what_to_do(
        self, sqlstate: str, text: str
    ) -> None:
        with fake_server(error_response(sqlstate, text)) as port:
            message = await refusal(f"postgresql://u:canary@127.0.0.1:{port}/x")
        for part in (text, "the server itself", "ignore_startup_parameters", "DB_POSTGRES_URL"):
            assert part in message

    async def test_a_server_too_old_for_our_settings_is_reported(self) -> None:
        text = 'unrecognized configuration parameter "client_connection_check_interval"'
        with fake_server(error_response("42704", text)) as port:
            assert "PostgreSQL 14 or later" in await refusal(f"postgresql://u@127.0.0.1:{port}/x")

    async def test_a_line_of_pg_hba_that_is_missing_is_reported(self) -> None:
        text = 'no pg_hba.conf entry for host "10.0.0.1", user "u", database "x", no encryption'
        with fake_server(error_response("28000", text)) as port:
            message = await refusal(f"postgresql://u@127.0.0.1:{port}/x?sslmode=disable")
        assert "sslmode=require" in message

    @pytest.mark.parametrize("reply", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b""])
    async def test_another_service_on_the_port_is_reported(self, reply: bytes) -> None:
        with fake_server(reply) as port:
            settings = {"DB_POSTGRES_CONNECT_TIMEOUT": "2"}
            message = await refusal(
                f"postgresql://u:canary@127.0.0.1:{port}/x", ConnectionLostError, **settings
            )
        assert f"u@127.0.0.1:{port}/x (DB_POSTGRES_URL) cannot be reached" in message
