"""Each kind of failure, provoked: its name in the last line of the log, and its code where it has one."""

import gzip
import json
import os
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from textwrap import dedent

import pytest

from platform_cli.__main__ import main
from platform_cli.failures import EXIT_CODES
from platform_interfaces import FailureKind

REPOSITORY = Path(__file__).parents[2]
GOOD = b'{"event_type": "click", "payload": {}, "source": "web"}\n'
LOAD = "run batch_etl --date 2026-01-15 --source-path raw --db memory --no-allow-empty"
FAULTY = """
    from contextlib import asynccontextmanager

    from platform_localfs import LocalFileSystem
    from platform_memory import MemoryDatabase


    class LosingDatabase(MemoryDatabase):
        async def bulk_insert(self, table, rows, **options):
            await super().bulk_insert(table, rows[1:], **options)
            return len(rows)


    class LockedDatabase(MemoryDatabase):
        @asynccontextmanager
        async def lock(self, name, *, timeout):
            if "cleaned_events" not in name:
                async with super().lock(name, timeout=timeout):
                    yield
            else:
                async with super().lock(name, timeout=0), super().lock(name, timeout=0):
                    yield


    class CrashingDatabase(MemoryDatabase):
        async def connect(self):
            raise RuntimeError("crashed")


    class ChangingFileSystem(LocalFileSystem):
        async def stream(self, path, *, offset=0):
            async for block in super().stream(path, offset=offset):
                with open("files/raw/2026-01-15/a.jsonl", "ab") as file:
                    file.write(b"\\n")
                yield block
"""
ENTRY_POINTS = """
    [platform.database]
    losing = faulty:LosingDatabase
    locked = faulty:LockedDatabase
    crashing = faulty:CrashingDatabase
    [platform.filesystem]
    changing = faulty:ChangingFileSystem
    [platform.modules]
    misbehave = misbehave
"""
MISBEHAVE = """
    import os, signal, asyncio
    from platform_interfaces import PlatformError

    async def run(ctx):
        match ctx.config["how"]:
            case "raise":
                raise RuntimeError("boom")
            case "refuse":
                raise PlatformError("not today")
            case "close":
                ctx.lifecycle.on_shutdown(close)
                return 0
            case "stop":
                os.kill(os.getpid(), signal.SIGTERM)
                await asyncio.Event().wait()
        return 1

    async def close():
        raise OSError("cannot be closed")
"""


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Enter a project with a lake of one good line, and install a module and adapters that misbehave."""
    for name in [name for name in os.environ if re.match("DB_|FS_|LOG_|MIGRATIONS_|PLATFORM_|PG", name)]:
        monkeypatch.delenv(name)
    site, folder = tmp_path / "site", tmp_path / "project"
    for path, text in {
        "faulty.py": FAULTY,
        "misbehave/__init__.py": "",
        "misbehave/main.py": MISBEHAVE,
        "misbehave/module.json": '{"name": "misbehave", "args": [{"name": "how", "type": "string"}]}',
        "faulty-1.dist-info/entry_points.txt": ENTRY_POINTS,
    }.items():
        (site / path).parent.mkdir(parents=True, exist_ok=True)
        (site / path).write_text(dedent(text))
    monkeypatch.syspath_prepend(site)
    (folder / "files/raw/2026-01-15").mkdir(parents=True)
    (folder / "files/raw/2026-01-15/a.jsonl").write_bytes(GOOD)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("FS_LOCAL_ROOT", "files")
    yield folder
    for name in ("faulty", "misbehave", "misbehave.main"):
        sys.modules.pop(name, None)


def run(capfd: pytest.CaptureFixture[str], words: str, *more: str) -> tuple[int, object]:
    """Run a command line; return its exit code and the kind that the last line of its log has."""
    capfd.readouterr()
    code = main([*words.split(), "--log", "json", *more])
    events = [json.loads(line) for line in capfd.readouterr().err.splitlines() if line.startswith("{")]
    return code, events[-1].get("failure_kind") if events else None


@pytest.mark.parametrize(
    ("kind", "words", "files"),
    [
        (FailureKind.NO_INPUT, LOAD, {"a.jsonl": None}),
        (FailureKind.NO_INPUT, LOAD, {"a.jsonl": b"\n"}),
        (FailureKind.NONE_VALID, LOAD, {"a.jsonl": b"nonsense\n"}),
        (FailureKind.TOO_MANY_REJECTED, f"{LOAD} --max-rejected 0", {"b.jsonl": b"nonsense\n"}),
        (FailureKind.TOO_FEW_VALID, f"{LOAD} --min-valid 2", {}),
        (FailureKind.UNREADABLE_INPUT, LOAD, {"b.jsonl.gz": gzip.compress(GOOD * 9)[:-4]}),
        (FailureKind.UNREADABLE_INPUT, LOAD, {"b.jsonl": b"nonsense\n" * 10_001}),
        (FailureKind.INPUT_CHANGED, f"{LOAD} --fs changing", {"a.jsonl": GOOD * 40_000}),
        (FailureKind.REJECTS_NOT_SAVED, LOAD, {"b.jsonl": b"nonsense\n", "../../rejected": b"a file"}),
        (FailureKind.TOTALS_MISMATCH, LOAD.replace("memory", "losing"), {}),
        (FailureKind.DATABASE_ERROR, f"{LOAD} --target-table nowhere", {}),
        (FailureKind.LOCKED, LOAD.replace("memory", "locked --no-wait"), {}),
        (FailureKind.ADAPTER_ERROR, LOAD.replace("memory", "crashing"), {}),
        (FailureKind.MODULE_ERROR, "run misbehave --how raise", {}),
        (FailureKind.MODULE_ERROR, "run misbehave --how return", {}),
        (FailureKind.SHUTDOWN_FAILED, "run misbehave --how close", {}),
        (FailureKind.PLATFORM_ERROR, "run misbehave --how refuse", {}),
    ],
)
def test_a_kind_of_failure_has_a_name_and_a_code(
    project: Path,
    capfd: pytest.CaptureFixture[str],
    kind: FailureKind,
    words: str,
    files: dict[str, bytes | None],
) -> None:
    for name, content in files.items():
        file = project / "files/raw/2026-01-15" / name
        file.unlink() if content is None else file.write_bytes(content)
    assert run(capfd, words) == (1, kind)
    assert run(capfd, words, "--detailed-exit-codes") == (EXIT_CODES[kind], kind)


def test_a_database_that_is_down_has_a_code(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DB_POSTGRES_URL", "postgresql://u@127.0.0.1:1/d")
    words = LOAD.replace("memory", "postgres")
    assert run(capfd, words) == (1, FailureKind.DATABASE_UNREACHABLE)
    assert run(capfd, words, "--detailed-exit-codes") == (20, FailureKind.DATABASE_UNREACHABLE)


def test_a_migration_that_fails_has_a_code(
    project: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = project / "versions"
    folder.mkdir()
    (folder / "001_fail.py").write_text("async def up(conn):\n    await conn.execute('SELECT nothing')\n")
    monkeypatch.setenv("MIGRATIONS_DIR", "versions")
    assert run(capfd, LOAD) == (1, FailureKind.MIGRATION_FAILED)
    assert run(capfd, LOAD, "--detailed-exit-codes") == (23, FailureKind.MIGRATION_FAILED)


@pytest.mark.parametrize("root", ["a-file", "missing"])
def test_a_root_that_is_not_a_directory_has_a_code(
    project: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, root: str
) -> None:
    (project / "a-file").touch()
    monkeypatch.setenv("FS_LOCAL_ROOT", root)
    assert run(capfd, LOAD) == (1, FailureKind.FILE_SYSTEM_ERROR)
    assert run(capfd, LOAD, "--detailed-exit-codes") == (30, FailureKind.FILE_SYSTEM_ERROR)
    assert run(capfd, "rejects list --detailed-exit-codes")[0] == 30


@pytest.mark.parametrize("words", [LOAD.replace("2026-01-15", "tomorrow"), "run batch_etl", "rum"])
def test_what_was_never_started_ends_with_2_in_both_modes(
    capfd: pytest.CaptureFixture[str], words: str
) -> None:
    assert [run(capfd, words, *more)[0] for more in ((), ("--detailed-exit-codes",))] == [2, 2]


def test_a_run_that_a_signal_stopped_ends_with_its_number_in_both_modes(
    capfd: pytest.CaptureFixture[str],
) -> None:
    words = "run misbehave --how stop"
    assert run(capfd, words) == (143, FailureKind.INTERRUPTED)
    assert run(capfd, words, "--detailed-exit-codes") == (143, FailureKind.INTERRUPTED)


def test_a_run_that_succeeds_has_no_kind(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(capfd, LOAD, "--detailed-exit-codes") == (0, None)


def test_a_setting_asks_for_detailed_codes(
    project: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "files/raw/2026-01-15/a.jsonl").unlink()
    (project / ".env").mkdir()
    (project / ".env/local.env").write_text("PLATFORM_DETAILED_EXIT_CODES=true\n")
    assert run(capfd, LOAD) == (10, FailureKind.NO_INPUT)
    monkeypatch.setenv("PLATFORM_DETAILED_EXIT_CODES", "no")
    assert run(capfd, LOAD) == (1, FailureKind.NO_INPUT)


def test_no_code_clashes_with_another() -> None:
    assert set(EXIT_CODES) == set(FailureKind) - {FailureKind.INTERRUPTED}
    own = [code for kind, code in EXIT_CODES.items() if kind is not FailureKind.PLATFORM_ERROR]
    assert len(set(own)) == len(own)
    taken = {0, 1, *range(3, 6), *range(64, 79), *range(126, 256)}
    assert not taken & set(own)


def test_the_page_lists_each_kind_with_its_code_and_its_meaning() -> None:
    page = (REPOSITORY / "docs/failures.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \| ([0-9, ]+) \|", page, re.MULTILINE)
    codes: dict[FailureKind, Sequence[int]] = {kind: [code] for kind, code in EXIT_CODES.items()}
    codes[FailureKind.INTERRUPTED] = [129, 130, 143]
    assert rows == [(kind, ", ".join(map(str, codes[kind]))) for kind in dict(rows)]
    assert set(dict(rows)) == set(FailureKind)
