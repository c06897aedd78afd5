import asyncio
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from platform_interfaces import ConfigurationError, ConnectionLostError, DatabaseError
from platform_memory import MemorySecrets
from platform_postgres import PostgresDatabase
from platform_postgres.embedded import EmbeddedPostgresDatabase
from platform_postgres.server import PostgresServer


def embedded(directory: Path, **settings: str) -> EmbeddedPostgresDatabase:
    return EmbeddedPostgresDatabase(MemorySecrets({"DB_EMBEDDED_DIR": str(directory), **settings}))


def is_running(directory: Path) -> bool:
    return (directory / "data" / "postmaster.pid").exists()


def wait_until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def processes(program: str, directory: Path) -> list[int]:
    """The numbers of those that run ``program`` for the server in ``directory``."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            command = file.read_text().split("\0")
            if Path(command[0]).name == program and any(str(directory) in word for word in command):
                found.append(int(file.parent.name))
    return found


def socket_folder(server: PostgresServer) -> Path:
    return Path(parse_qs(urlsplit(server.url()).query)["host"][0])


async def test_it_starts_keeps_its_data_and_stops(embedded_dir: Path) -> None:
    async with embedded(embedded_dir) as db:
        version = await db.fetch_one("SHOW server_version")
        assert version is not None
        assert version["server_version"].startswith("18.")
        await db.execute("CREATE TABLE kept (number INT)")
        assert is_running(embedded_dir)
    assert not is_running(embedded_dir)
    async with embedded(embedded_dir) as db:
        assert await db.fetch_all("SELECT * FROM kept") == []
    assert not is_running(embedded_dir)


async def test_it_has_more_room_than_by_default_but_no_more_than_a_quarter_of_the_memory(
    embedded_dir: Path,
) -> None:
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    async with embedded(embedded_dir) as db:
        found = await db.fetch_one("SELECT pg_size_bytes(current_setting('shared_buffers')) AS bytes")
    assert found is not None
    assert 128 * 1024**2 <= found["bytes"] <= max(memory // 4, 128 * 1024**2)


async def test_its_data_are_private_and_no_network_address_is_listened_on(embedded_dir: Path) -> None:
    async with embedded(embedded_dir) as db:
        listens = await db.fetch_one("SHOW listen_addresses")
        assert listens == {"listen_addresses": ""}
        for path in (embedded_dir, embedded_dir / "data"):
            assert path.stat().st_mode & 0o077 == 0
        text = await db.fetch_one("SELECT 'ß' < 'z' AS by_code_point, upper('ü') AS upper")
        assert text == {"by_code_point": False, "upper": "Ü"}


async def test_neither_values_nor_our_environment_get_to_the_server(
    embedded_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN", "canary")
    async with embedded(embedded_dir) as db:
        await db.execute("CREATE TABLE one (name TEXT UNIQUE, CHECK (name::int > 0))")
        for query in ("INSERT INTO one VALUES ('canary')", "SELECT 'canary'::int", "SELEC 'canary'"):
            with pytest.raises(DatabaseError):
                await db.execute(query)
        process = (embedded_dir / "data" / "postmaster.pid").read_text().split("\n", 1)[0]
        for file in (Path("/proc", process, "environ"), Path("/proc", process, "cmdline")):
            assert b"canary" not in file.read_bytes()
    assert "canary" not in (embedded_dir / "server.log").read_text()


async def test_users_share_the_server_and_the_last_one_stops_it(embedded_dir: Path) -> None:
    databases = [embedded(embedded_dir) for _ in range(3)]
    await asyncio.gather(*(db.connect() for db in databases))
    for db in databases:
        assert is_running(embedded_dir)
        assert await db.fetch_one("SELECT 1 AS one") == {"one": 1}
        await db.disconnect()
    assert not is_running(embedded_dir)


async def test_a_killed_user_counts_as_gone(embedded_dir: Path) -> None:
    script = """
import asyncio, json, sys
from platform_memory import MemorySecrets
from platform_postgres.embedded import EmbeddedPostgresDatabase
async def main():
    await EmbeddedPostgresDatabase(MemorySecrets({"DB_EMBEDDED_DIR": sys.argv[1]})).connect()
    print(json.dumps("connected"), flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""
    with subprocess.Popen([sys.executable, "-c", script, str(embedded_dir)], stdout=subprocess.PIPE) as user:
        assert user.stdout is not None
        assert json.loads(user.stdout.readline()) == "connected"
        os.kill(user.pid, signal.SIGKILL)
    assert is_running(embedded_dir)
    async with embedded(embedded_dir) as db:
        assert await db.fetch_one("SELECT 1 AS one") == {"one": 1}
    assert not is_running(embedded_dir)


async def test_it_recovers_after_the_server_was_killed(embedded_dir: Path) -> None:
    async with embedded(embedded_dir) as db:
        await db.execute("CREATE TABLE kept AS SELECT 1 AS number")
        pid = int((embedded_dir / "data" / "postmaster.pid").read_text().splitlines()[0])
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(ConnectionLostError):
            for _ in range(100):
                await db.execute("SELECT pg_sleep(0.05)")
    async with embedded(embedded_dir) as db:
        assert await db.fetch_all("SELECT * FROM kept") == [{"number": 1}]


async def test_an_unfinished_initialisation_is_begun_again(embedded_dir: Path) -> None:
    ruin = embedded_dir / "data.new"
    ruin.mkdir(parents=True)
    (ruin / "PG_VERSION").write_text("18")
    (embedded_dir / "transition.lock").touch()
    async with embedded(embedded_dir) as db:
        assert await db.health_check()
        assert not ruin.exists()


def test_an_initialisation_whose_starter_was_killed_does_not_disturb_the_next(embedded_dir: Path) -> None:
    script = """
import sys
from pathlib import Path
from platform_postgres.server import PostgresServer
PostgresServer(Path(sys.argv[1])).start()
"""
    with subprocess.Popen([sys.executable, "-c", script, str(embedded_dir)]) as starter:
        wait_until(lambda: list(embedded_dir.glob("data.new*/base/1/*")))
        starter.kill()
    server = PostgresServer(embedded_dir)
    server.start()
    server.stop()
    wait_until(lambda: not processes("initdb", embedded_dir))


def test_a_signal_to_the_whole_group_during_a_start_leaves_no_server(embedded_dir: Path) -> None:
    script = """
import asyncio, signal, sys
from platform_memory import MemorySecrets
from platform_postgres.embedded import EmbeddedPostgresDatabase
async def main():
    db = EmbeddedPostgresDatabase(MemorySecrets({"DB_EMBEDDED_DIR": sys.argv[1]}))
    connecting = asyncio.create_task(db.connect())
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, connecting.cancel)
    await asyncio.wait([connecting])
    await db.disconnect()
asyncio.run(main())
"""
    command = [sys.executable, "-c", script, str(embedded_dir)]
    with subprocess.Popen(command, start_new_session=True) as starter:
        wait_until(lambda: is_running(embedded_dir))
        os.killpg(starter.pid, signal.SIGTERM)
    assert not is_running(embedded_dir)


def test_a_start_that_fails_half_way_leaves_no_server(embedded_dir: Path) -> None:
    server = PostgresServer(embedded_dir)
    with ThreadPoolExecutor() as pool:
        start = pool.submit(server.start)
        wait_until(lambda: is_running(embedded_dir))
        for starter in processes("pg_ctl", embedded_dir):
            os.kill(starter, signal.SIGKILL)
        with suppress(DatabaseError):  # it may have been too quick to be killed
            start.result()
    server.stop()
    assert not is_running(embedded_dir)


async def test_a_path_too_long_for_a_socket_or_with_odd_characters_works(embedded_dir: Path) -> None:
    directory = embedded_dir / ("long " * 20) / "it's ü"
    async with embedded(directory) as db:
        assert await db.health_check()
    assert not is_running(directory)


def test_a_socket_folder_that_is_not_its_own_is_neither_followed_nor_believed(embedded_dir: Path) -> None:
    server = PostgresServer(embedded_dir / ("long " * 20))
    planted = socket_folder(server)
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as impostor:
        other = Path(folder)
        other.chmod(0o755)
        before = other.stat()
        impostor.bind(str(other / ".s.PGSQL.5432"))
        impostor.listen()
        planted.symlink_to(other)
        try:
            with pytest.raises(ConfigurationError, match=planted.name):
                server.start()
        finally:
            planted.unlink()
            server.stop()
        assert (other.stat().st_mode, other.stat().st_uid) == (before.st_mode, before.st_uid)


def test_another_folder_for_temporary_files_does_not_move_the_socket(
    embedded_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = PostgresServer(embedded_dir / ("long " * 20))
    here = server.url()
    monkeypatch.setattr(tempfile, "tempdir", str(embedded_dir))
    assert server.url() == here


@pytest.mark.parametrize("value", ["", " "])
def test_an_empty_setting_of_the_directory_is_refused(value: str) -> None:
    with pytest.raises(ConfigurationError, match="DB_EMBEDDED_DIR"):
        EmbeddedPostgresDatabase(MemorySecrets({"DB_EMBEDDED_DIR": value}))


def test_a_directory_of_other_things_is_refused_and_left_as_it_is(embedded_dir: Path) -> None:
    (embedded_dir / "data").mkdir(parents=True)
    embedded_dir.chmod(0o755)
    before = embedded_dir.stat()
    with pytest.raises(ConfigurationError, match="not empty"):
        PostgresServer(embedded_dir).start()
    after = embedded_dir.stat()
    assert (after.st_mode, after.st_uid) == (before.st_mode, before.st_uid)
    assert list(embedded_dir.iterdir()) == [embedded_dir / "data"]


@pytest.mark.parametrize("character", '"$,\\`\n')
def test_a_path_that_postgresql_cannot_be_told_is_refused(embedded_dir: Path, character: str) -> None:
    directory = embedded_dir / f"a{character}b"
    with pytest.raises(ConfigurationError, match="DB_EMBEDDED_DIR"):
        PostgresServer(directory).start()
    assert not directory.exists()


async def test_a_setting_of_the_pool_that_is_wrong_starts_nothing(embedded_dir: Path) -> None:
    with pytest.raises(ConfigurationError, match="DB_POSTGRES_POOL_MAX"):
        embedded(embedded_dir, DB_POSTGRES_POOL_MAX="none")
    assert not (embedded_dir).exists()


async def test_a_failed_connection_gives_the_server_back(embedded_dir: Path) -> None:
    async with embedded(embedded_dir) as db:
        await db.execute("ALTER ROLE postgres NOLOGIN")
        with pytest.raises(ConfigurationError, match="postgres"):
            await embedded(embedded_dir).connect()
    assert not is_running(embedded_dir)


def test_a_file_in_the_place_of_the_directory_is_told(embedded_dir: Path) -> None:
    (embedded_dir).write_text("")
    with pytest.raises(ConfigurationError, match="DB_EMBEDDED_DIR"):
        PostgresServer(embedded_dir).start()


def test_a_server_that_cannot_start_is_told_with_its_cause(embedded_dir: Path) -> None:
    server = PostgresServer(embedded_dir, {"shared_buffers": "nonsense"})
    with pytest.raises(DatabaseError, match=r'"shared_buffers": "nonsense" .*server\.log') as failure:
        server.start()
    assert not failure.value.is_transient
    server.stop()


def test_data_that_cannot_be_made_are_told_with_the_cause(embedded_dir: Path) -> None:
    server = PostgresServer(embedded_dir)
    unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, unlimited[1]))
    try:
        with pytest.raises(DatabaseError, match="File too large") as failure:
            server.start()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
    assert not failure.value.is_transient


def test_over_tcp_it_asks_for_the_password(embedded_dir: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = PostgresServer(embedded_dir, {"listen_addresses": "127.0.0.1", "port": str(port)})
    server.start()
    try:
        secrets = {"DB_POSTGRES_URL": f"postgresql://postgres:wrong@127.0.0.1:{port}/postgres"}
        with pytest.raises(ConfigurationError, match="password"):
            asyncio.run(PostgresDatabase(MemorySecrets(secrets)).connect())
    finally:
        server.stop()
