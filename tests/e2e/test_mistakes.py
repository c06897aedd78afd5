"""What people do wrong, and what each is answered: the table is in ``mistakes.py``."""

import asyncio
import datetime as dt
import os
import re
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager, nullcontext
from functools import reduce
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from batch_etl.cleaner import EventCleaner
from batch_etl.ingest.config import LoadConfig
from batch_etl.ingest.table import TargetTable
from platform_cli.__main__ import main
from platform_memory import MemorySecrets
from platform_postgres import PostgresDatabase
from tests.e2e.mistakes import GOOD, MISTAKES, Mistake

DAY = dt.date(2026, 1, 15)
MAX_LINES, MAX_WIDTH = 3, 400


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Enter a project with a lake of one good line, and with no setting in the environment."""
    for name in [name for name in os.environ if re.match("DB_|FS_|LOG_|MIGRATIONS_|PLATFORM_|PG", name)]:
        monkeypatch.delenv(name)
    folder = tmp_path / "project"
    write(folder, {"files/raw/2026-01-15/a.jsonl": GOOD, ".env/local.env": ""})
    monkeypatch.chdir(folder)
    monkeypatch.setenv("FS_LOCAL_ROOT", "files")
    return folder


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Yield a folder to install the module ``hello`` to."""
    folder = tmp_path / "site"
    write(
        folder,
        {
            "hello-1.dist-info/entry_points.txt": "[platform.modules]\nhello = hello_job\n",
            "hello_job/__init__.py": "",
            "hello_job/module.json": '{"name": "hello"}',
            "hello_job/main.py": "async def run(ctx): return 0\n",
        },
    )
    monkeypatch.syspath_prepend(folder)
    yield folder
    for name in [name for name in sys.modules if name.startswith("hello_job")]:
        del sys.modules[name]


def write(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="latin-1")


@contextmanager
def locked(url: str) -> Iterator[None]:
    """Hold the lock of the table and the date, as another run would."""
    database = PostgresDatabase(MemorySecrets({"DB_POSTGRES_URL": url}))
    config = LoadConfig(date=DAY.isoformat(), target_table="cleaned_events")
    table = TargetTable(database, config, EventCleaner(DAY))

    async def open_lock() -> AsyncExitStack:
        stack = AsyncExitStack()
        await stack.enter_async_context(database)
        await stack.enter_async_context(database.lock(await table.find_lock_name(), timeout=0))
        return stack

    with asyncio.Runner() as runner:
        stack = runner.run(open_lock())
        yield
        runner.run(stack.aclose())


@pytest.fixture
def known_values(
    project: Path, site: Path, request: pytest.FixtureRequest
) -> Callable[[Mistake], dict[str, str]]:
    """Return what the names in braces stand for in a row of the table."""

    def known_values(mistake: Mistake) -> dict[str, str]:
        found = {"project": str(project), "site": str(site)}
        used = " ".join([*mistake.settings.values(), mistake.answer])
        if "{own}" in used:
            found["own"] = request.getfixturevalue("postgres_url")
        if "{server}" in used or "{port}" in used:
            url = request.getfixturevalue("postgres_server")
            found |= {"server": url, "port": str(urlsplit(url).port)}
        return found

    return known_values


@pytest.mark.parametrize("mistake", MISTAKES, ids=[f"{n} {each.what}" for n, each in enumerate(MISTAKES)])
def test_a_mistake_is_answered_with_what_was_found_and_what_to_do(
    mistake: Mistake,
    project: Path,
    site: Path,
    known_values: Callable[[Mistake], dict[str, str]],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    known = known_values(mistake)
    for name, value in mistake.settings.items():
        monkeypatch.setenv(name, fill(value, known))
    write(project, mistake.start)
    for command in mistake.before:
        assert main(shlex.split(command)) == 0, command
    write(project, mistake.files)
    write(site / "hello_job", mistake.module)
    for name in mistake.missing:
        (site / "hello_job" / name).unlink()
    capfd.readouterr()
    with locked(known["own"]) if mistake.is_locked else nullcontext():
        code = main(shlex.split(mistake.line))
    err = capfd.readouterr().err
    lines = [line.removeprefix("error: ") for line in err.splitlines() if line.startswith("error: ")]
    answer = re.escape(fill(mistake.answer, known)).replace(re.escape("{any}"), ".*")
    assert code == mistake.code
    assert re.fullmatch(answer, "\n".join(lines)), "\n".join(lines)
    assert "canary" not in err


def fill(text: str, values: dict[str, str]) -> str:
    """Return ``text`` with the values instead of their names in braces."""
    return reduce(lambda filled, name: filled.replace(f"{{{name}}}", values[name]), values, text)


def test_the_table_is_long_and_each_answer_is_short() -> None:
    assert len(MISTAKES) >= 60
    for mistake in MISTAKES:
        lines = mistake.answer.splitlines()
        assert 1 <= len(lines) <= MAX_LINES, mistake
        assert max(map(len, lines)) <= MAX_WIDTH, mistake
