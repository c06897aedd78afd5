"""``platform doctor``: what it finds, what it says to do, and that it changes nothing."""

import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from platform_cli.commands._doctor_view import CheckRow

Platform = Callable[..., tuple[int, str, str]]
Module = Callable[..., Path]
Install = Callable[..., Path]

ARGS = [{"name": "date", "type": "string", "required": True, "example": "2026-01-15"}]
DATABASE = {"interfaces": ["database", "logging"]}
CHECKED = """
    from platform_interfaces import QueryError


    async def check_run(ctx):
        if ctx.config["date"] != "2026-01-15":
            raise QueryError("table 'greetings' has no unique key")
        assert await ctx.db.fetch_one("SELECT 1 AS one") == {"one": 1}


    async def run(ctx):
        raise AssertionError("it was run")
"""
# Each fault is in one method of a database that works otherwise.
FAULTY = """
    import asyncio
    import sys
    from contextlib import suppress
    from datetime import timedelta

    from platform_interfaces import Check, CheckStatus, ConnectionLostError, Finding, QueryError
    from platform_memory import MemoryDatabase, MemoryFileSystem


    class Slow(MemoryDatabase):
        async def connect(self):
            with suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
            await asyncio.Event().wait()


    class Stuck(MemoryDatabase):
        async def connect(self):
            print("connecting", file=sys.stderr, flush=True)
            await asyncio.Event().wait()


    class Late(MemoryDatabase):
        async def fetch_one(self, query, params=None):
            row = await super().fetch_one(query, params)
            return {"now": row["now"] + timedelta(seconds=90)} if "now()" in query else row


    class Checked(MemoryDatabase):
        def list_checks(self):
            async def raises():
                raise ZeroDivisionError("no \\x1b[31m way with password=hunter2hunter2")

            async def exits():
                sys.exit("gone")

            async def hangs():
                await asyncio.Event().wait()

            async def is_fine():
                return Finding(CheckStatus.OK, "line\\none")

            return [Check(each.__name__, each) for each in (raises, exits, hangs, is_fine)]


    class Lost(MemoryDatabase):
        is_lost = False

        async def fetch_one(self, query, params=None):
            if "now()" in query:
                self.is_lost = True
            if self.is_lost:
                raise ConnectionLostError("the server went away")
            return await super().fetch_one(query, params)


    class Denied(MemoryDatabase):
        async def execute(self, query, params=None):
            if "platform_doctor" in query:
                raise QueryError("permission denied for schema public")
            return await super().execute(query, params)


    class Garbled(MemoryFileSystem):
        async def read(self, path):
            return b"garbled"
"""
FAULTS = ("slow", "stuck", "late", "checked", "lost", "denied")


@pytest.fixture(autouse=True)
def files(project: Path) -> Path:
    folder = project / "files"
    folder.mkdir()
    return folder


@pytest.fixture
def faulty(install: Install) -> None:
    groups = {
        "platform.database": {name: f"faulty.adapters:{name.title()}" for name in FAULTS},
        "platform.filesystem": {"garbled": "faulty.adapters:Garbled"},
    }
    install("faulty", groups, adapters=FAULTY)


def examine(platform: Platform, *words: str) -> tuple[int, dict[str, dict[str, Any]]]:
    """Return the exit code, and the checks by their names."""
    code, out, err = platform("doctor", *words, "--json")
    assert err == ""
    report = json.loads(out)
    assert report["version"] == 1
    assert [*report] == ["version", "env", "module", "status", "checks"]
    for each in report["checks"]:
        assert [*each] == ["name", "status", "found", "remedy", "seconds"]
        assert bool(each["remedy"]) == (each["status"] in ("warning", "failed")), each
    statuses = {each["status"] for each in report["checks"]}
    assert code == ("failed" in statuses)
    assert report["status"] == next((each for each in ("failed", "warning") if each in statuses), "ok")
    return code, {each["name"]: each for each in report["checks"]}


def test_all_is_well_with_memory(platform: Platform) -> None:
    code, checks = examine(platform, "--db", "memory", "--fs", "memory")
    assert code == 0
    assert {each["status"] for each in checks.values()} == {"ok", "skipped"}
    assert list(checks) == [
        "python",
        "packages",
        "open files",
        "time zones",
        "settings",
        "database adapter",
        "file system adapter",
        "logger adapter",
        "secret store adapter",
        "executor adapter",
        "logger and secrets",
        "database",
        "clock",
        "new tables",
        "temporary tables",
        "migrations",
        "_migrations",
        "_runs",
        "runs",
        "files",
        "rejects",
    ]


def test_people_are_shown_a_line_for_each_check_and_what_to_do_below_it(platform: Platform) -> None:
    code, out, err = platform("doctor", "--db", "postgres", "--fs", "memory")
    lines = out.splitlines()
    assert (code, err) == (1, "")
    assert lines[0].startswith("ok       python                3.")
    [failed] = [index for index, line in enumerate(lines) if line.startswith("failed")]
    assert lines[failed].startswith("failed   database              'DB_POSTGRES_URL' is not set: looked in ")
    assert lines[failed + 1].strip() == ("fix: set DB_POSTGRES_URL in the environment or in .env/local.env")
    assert lines[failed + 2].startswith(
        "skipped  13 checks             the database is not reachable: server version, "
    )
    assert lines[-1] == "1 failed, 13 ok, 13 skipped"


def test_one_failure_is_one_failure_and_the_others_are_checked(platform: Platform, files: Path) -> None:
    files.rmdir()
    code, checks = examine(platform, "--db", "postgres")
    assert code == 1
    failed = [name for name, each in checks.items() if each["status"] == "failed"]
    assert failed == ["database", "files"]
    assert checks["files"]["found"].startswith(f"the root {str(files)!r} (FS_LOCAL_ROOT) does not exist")
    assert checks["files"]["remedy"].startswith(f"mkdir -p {files}, or ")
    assert {each["found"] for each in checks.values() if each["status"] == "skipped"} == {
        "the database is not reachable",
        "the root of the files cannot be read",
    }
    assert not files.exists()


def test_nothing_is_left_behind(platform: Platform, project: Path, files: Path) -> None:
    def survey() -> list[tuple[str, int]]:
        return sorted((str(path), path.stat().st_mtime_ns) for path in project.rglob("*") if path.is_file())

    before = survey()
    code, checks = examine(platform)
    assert code == 0
    assert checks["database"]["found"].endswith(": not made yet, the first run does that")
    assert checks["clock"] == {
        "name": "clock",
        "status": "skipped",
        "found": "there is no database yet",
        "remedy": None,
        "seconds": 0.0,
    }
    assert survey() == before
    assert {*project.iterdir()} == {project / ".env", files}
    assert list(files.iterdir()) == []


@pytest.mark.parametrize("create", ["true", "temporary"])
def test_no_database_is_made_whatever_the_settings_say(
    platform: Platform, project: Path, monkeypatch: pytest.MonkeyPatch, create: str
) -> None:
    monkeypatch.setenv("DB_EMBEDDED_CREATE", create)
    assert examine(platform)[0] == 0
    assert not (project / ".platform").exists()


def test_a_database_that_no_run_may_make_is_a_failure(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DB_EMBEDDED_CREATE", "false")
    code, checks = examine(platform)
    assert code == 1
    assert "DB_EMBEDDED_CREATE=true" in checks["database"]["found"]
    assert checks["database"]["remedy"] == "correct DB_EMBEDDED_CREATE in the environment"


def test_settings_that_nothing_reads_are_shown_with_the_nearest(
    platform: Platform, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DB_POSTGRES_ULR", "postgresql://app:hunter2hunter2@db/x")
    monkeypatch.setenv("LOG_LEVEL", "'INFO' ")
    file = project / ".env/local.env"
    file.write_text("FS_LOCAL_ROOT=files\nAPI_TOKEN=hunter3hunter3\nMODULES_OWN=1\n")
    file.chmod(0o644)
    code, out, _ = platform("doctor", "--db", "memory", "--json")
    checks = json.loads(out)["checks"]
    assert (code, "hunter" in out) == (0, False)
    [settings] = [each for each in checks if each["name"] == "settings"]
    assert settings["status"] == "warning"
    assert settings["found"] == (
        "nothing reads DB_POSTGRES_ULR in the environment (did you mean 'DB_POSTGRES_URL'?)"
    )
    exposed, cleaned = (each for each in checks if each["name"] == "env files")
    assert exposed["remedy"] == f"chmod 600 {file}"
    assert exposed["found"] == (
        f"Secrets are exposed: other users can read {str(file)!r}, which has 'API_TOKEN'"
    )
    assert cleaned["found"].startswith("Settings were cleaned: LOG_LEVEL in the environment: ")
    assert cleaned["remedy"] == "remove what is around the values"


def test_an_environment_without_a_database_says_how_to_choose_one(platform: Platform) -> None:
    code, checks = examine(platform, "--env", "staging", "--fs", "memory")
    assert code == 1
    assert checks["database adapter"]["remedy"] == "set PLATFORM_DB, or give --db"
    assert "env 'staging' has no default database" in checks["database adapter"]["found"]
    assert checks["database"]["status"] == "skipped"


def test_an_adapter_that_cannot_be_imported_is_shown_with_its_remedy(
    platform: Platform, install: Install
) -> None:
    install("broken", {"platform.logging": {"broken": "broken.log:Log"}}, log="import no_such_driver")
    code, checks = examine(platform, "--log", "broken", "--db", "memory", "--fs", "memory")
    assert code == 1
    assert "no_such_driver" in checks["logger adapter"]["found"]
    assert checks["database"]["found"] == "the logger or the secret store cannot be used"


@pytest.mark.usefixtures("faulty")
class TestFaultyAdapters:
    def test_one_that_never_answers_is_given_up(
        self, platform: Platform, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("platform_cli.doctor.database.OPEN_SECONDS", 0.05)
        code, checks = examine(platform, "--db", "slow", "--fs", "memory")
        assert code == 1
        assert checks["database"]["found"] == "it was given up after 0.05 s without an answer"
        assert checks["rejects"]["status"] == "ok"

    def test_the_checks_of_an_adapter_fail_one_by_one(
        self, platform: Platform, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("platform_cli.doctor.examination.CHECK_SECONDS", 0.2)
        _, checks = examine(platform, "--db", "checked", "--fs", "memory")
        assert {name: checks[name]["status"] for name in ("raises", "exits", "hangs", "is_fine", "runs")} == {
            "raises": "failed",
            "exits": "failed",
            "hangs": "failed",
            "is_fine": "ok",
            "runs": "ok",
        }
        assert checks["raises"]["found"].startswith(
            "database 'checked' (faulty.adapters:Checked) failed: Zero"
        )
        assert "no \\x1b[31m way with password=***" in checks["raises"]["found"]
        assert "gone" in checks["exits"]["found"]
        assert checks["is_fine"]["found"] == "line one"

    def test_after_ctrl_c_what_was_found_is_shown(self, start: Callable[..., subprocess.Popen[str]]) -> None:
        process = start("-m", "platform_cli", "doctor", "--db", "stuck", "--fs", "memory", "--json")
        assert process.stderr
        assert process.stderr.readline() == "connecting\n"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()
        assert (process.returncode, err.count("\n")) == (130, 1)
        assert "Interrupted" in err
        first, *_, last = json.loads(out)["checks"]
        assert (first["name"], first["status"]) == ("python", "ok")
        assert (last["name"], last["status"], last["found"]) == ("database", "skipped", "it was interrupted")

    def test_a_database_that_goes_away_is_one_failure(self, platform: Platform) -> None:
        code, checks = examine(platform, "--db", "lost", "--fs", "memory")
        assert code == 1
        assert [name for name, each in checks.items() if each["status"] == "failed"] == ["clock"]
        assert checks["runs"]["found"] == "the database does not answer any more"

    def test_clocks_that_differ_are_a_warning(self, platform: Platform) -> None:
        code, checks = examine(platform, "--db", "late", "--fs", "memory")
        assert (code, checks["clock"]["status"]) == (0, "warning")
        assert checks["clock"]["found"].startswith("that of the database is 90.0 s ahead of that of this")

    def test_rights_that_are_missing_are_failures_where_a_run_needs_them(self, platform: Platform) -> None:
        words = ("--db", "denied", "--fs", "memory")
        code, checks = examine(platform, *words)
        assert (code, checks["new tables"]["status"]) == (1, "failed")
        assert checks["new tables"]["remedy"].startswith("GRANT CREATE ON SCHEMA ")
        assert checks["temporary tables"]["remedy"].startswith("GRANT TEMPORARY ON DATABASE ")
        _, checks = examine(platform, *words, "--no-auto-migrate")
        assert (checks["new tables"]["status"], checks["temporary tables"]["status"]) == ("warning", "failed")

    def test_a_disk_that_garbles_is_a_failure(self, platform: Platform) -> None:
        code, checks = examine(platform, "--db", "memory", "--fs", "garbled")
        assert (code, checks["rejects"]["status"]) == (1, "failed")


def test_pending_migrations_are_a_failure_where_runs_do_not_apply_them(platform: Platform) -> None:
    code, checks = examine(platform, "--db", "memory", "--fs", "memory", "--no-auto-migrate")
    assert code == 1
    assert checks["migrations"]["remedy"] == "platform migrate up --db memory"
    assert checks["migrations"]["found"].startswith("5 pending: 001_create_migrations_table, ")


@pytest.mark.usefixtures("lasting")
def test_what_is_applied_is_well(platform: Platform) -> None:
    assert platform("migrate", "up", "--module", "platform")[0] == 0
    code, checks = examine(platform)
    assert code == 0
    assert {checks[name]["status"] for name in ("migrations", "_migrations", "_runs", "runs")} == {"ok"}
    assert checks["migrations"]["found"] == "5 applied, none pending"


def test_rejects_that_have_a_root_of_their_own_are_checked_there(
    platform: Platform, project: Path, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rejects = project / "rejects"
    monkeypatch.setenv("FS_LOCAL_REJECTS_ROOT", str(rejects))
    words = ("--db", "memory")
    code, checks = examine(platform, *words)
    assert (code, checks["rejects"]["status"]) == (0, "warning")
    assert checks["rejects"]["remedy"] == f"mkdir -p {rejects}"
    assert not rejects.exists()
    rejects.mkdir()
    _, checks = examine(platform, *words)
    assert checks["rejects"]["found"] == f"{rejects} can be written"
    assert checks["disk of rejects"]["status"] == "ok"
    assert list(rejects.iterdir()) == list(files.iterdir()) == []


def test_a_module_is_checked_with_what_it_declares(platform: Platform, module: Module) -> None:
    module(CHECKED, args=ARGS, dependencies=DATABASE)
    code, checks = examine(platform, "hello", "--db", "memory")
    assert code == 0
    assert "files" not in checks
    assert checks["module"]["found"] == "hello 1.0.0 can be run"
    assert checks["input and target"]["status"] == "skipped"
    assert checks["input and target"]["found"] == (
        "it is checked with --date, as in: platform doctor hello --date 2026-01-15"
    )


def test_with_arguments_the_module_makes_its_own_check(platform: Platform, module: Module) -> None:
    module(CHECKED, args=ARGS, dependencies=DATABASE)
    words = ("hello", "--db", "memory", "--date")
    code, checks = examine(platform, *words, "2026-01-15")
    assert (code, checks["input and target"]["status"]) == (0, "ok")
    code, checks = examine(platform, *words, "2026-01-16")
    assert (code, checks["input and target"]["found"]) == (1, "table 'greetings' has no unique key")
    code, checks = examine(platform, "hello", "--db", "postgres", "--date", "2026-01-15")
    assert checks["input and target"]["found"] == "the database is not reachable"


@pytest.mark.parametrize(
    ("main", "found"),
    [
        ("import no_such_package\n", "No module named 'no_such_package'"),
        ("async def check_run(ctx):\n    return 0\n", "no attribute 'run'"),
        ("async def run(ctx):\n    return 0\n\n\ndef check_run():\n    pass\n", "must take one argument"),
    ],
)
def test_a_module_that_cannot_be_run_is_a_failure(
    platform: Platform, module: Module, main: str, found: str
) -> None:
    module(main)
    code, checks = examine(platform, "hello")
    assert code == 1
    assert found in checks["module"]["found"]
    assert checks["input and target"]["status"] == "skipped"


def test_a_check_that_fails_by_itself_names_the_module(platform: Platform, module: Module) -> None:
    module("async def run(ctx):\n    return 0\n\n\nasync def check_run(ctx):\n    return 1 / 0\n")
    code, checks = examine(platform, "hello")
    assert code == 1
    assert checks["input and target"]["found"].startswith("module 'hello' failed: ZeroDivisionError: ")


def test_a_check_that_refuses_by_what_it_returns_fails_as_it_would_stop_a_run(
    platform: Platform, module: Module
) -> None:
    module("async def run(ctx):\n    return 0\n\n\nasync def check_run(ctx):\n    return 3\n")
    code, checks = examine(platform, "hello")
    refusal = "module 'hello' refused to start: its check returned 3"
    assert (code, checks["input and target"]["found"]) == (1, refusal)
    assert refusal in platform("run", "hello")[2]


def test_json_may_be_asked_for_before_the_module_and_after_it(platform: Platform, module: Module) -> None:
    module()
    for words in (("--json", "hello"), ("hello", "--json")):
        code, out, _ = platform("doctor", *words)
        assert (code, json.loads(out)["module"]) == (0, "hello")


@contextmanager
def unprivileged() -> Iterator[None]:
    """Run the block as another user where this one is root, whom permissions do not stop."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)


@pytest.mark.parametrize(
    ("mode", "failed", "remedy"),
    [(0o555, "rejects", "FS_LOCAL_REJECTS_ROOT"), (0o311, "files", "let this user read")],
)
def test_a_root_that_this_user_cannot_use_is_a_failure(
    platform: Platform, monkeypatch: pytest.MonkeyPatch, mode: int, failed: str, remedy: str
) -> None:
    with TemporaryDirectory() as folder:  # every user can reach it, unlike pytest's
        root = Path(folder, "root")
        root.mkdir()
        Path(folder).chmod(0o755)
        root.chmod(mode)
        monkeypatch.chdir(folder)
        monkeypatch.setenv("FS_LOCAL_ROOT", str(root))
        examine(platform, "--db", "memory")  # imports what another user may not be able to read
        with unprivileged():
            code, checks = examine(platform, "--db", "memory")
        root.chmod(0o755)
        assert [*root.iterdir()] == []
    # Not of other checks: that user may not be able to read the packages, and so their migrations.
    assert [name for name in ("files", "rejects") if checks[name]["status"] == "failed"] == [failed]
    assert code == 1
    assert "Permission denied" in checks[failed]["found"]
    assert remedy in checks[failed]["remedy"]


def test_the_row_of_a_terminal_names_the_check_and_never_wraps(monkeypatch: pytest.MonkeyPatch) -> None:
    row = CheckRow()
    assert row.render() == ""
    row.show("temporary tables")
    assert row.render() == "checking: temporary tables\n"
    monkeypatch.setenv("COLUMNS", "12")
    assert row.render() == "checking: t\n"
