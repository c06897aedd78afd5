"""Warnings that libraries give to the standard library's logging, during a run."""

import json
import logging
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Platform = Callable[..., tuple[int, str, str]]
Module = Callable[..., Path]
Install = Callable[..., Path]

LOGGING_MODULE = """
    import logging

    library = logging.getLogger("library.pool")


    async def run(ctx):
        library.info("not shown")
        library.warning("%s retries", 3)
        try:
            raise ConnectionError("postgresql://user:canary@host:1 is away")
        except ConnectionError:
            library.exception("no answer from postgresql://user:canary@host:1")
        return 0
"""


@pytest.fixture
def run(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, str]]:
    """Runs the module ``hello``, without the handlers in which pytest collects what is logged."""

    def run(*args: str) -> tuple[int, str]:
        monkeypatch.setattr(logging.getLogger(), "handlers", [])
        code, _, err = platform("run", "hello", *args)
        return code, err

    return run


Run = Callable[..., tuple[int, str]]


def events(err: str) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in err.splitlines()]
    assert all(line.pop("timestamp") and line.pop("run_id") for line in lines)
    assert {line.pop("module") for line in lines} == {"hello"}
    return lines


def test_they_are_events_of_the_log(module: Module, run: Run) -> None:
    module(LOGGING_MODULE)
    code, err = run("--log", "json")
    assert code == 0
    assert events(err) == [
        {"level": "warn", "event": "3 retries", "logger": "library.pool"},
        {
            "level": "error",
            "event": "no answer from postgresql://user:***@host:1",
            "logger": "library.pool",
            "error": "ConnectionError: postgresql://user:***@host:1 is away",
        },
    ]


def test_they_are_lines_of_the_log_for_people(module: Module, run: Run) -> None:
    module(LOGGING_MODULE)
    _, err = run("--log", "pretty")
    assert [re.sub(r"^\S+ | run_id=\w{32} module=hello$", "", line) for line in err.splitlines()] == [
        "warn  3 retries logger=library.pool",
        (
            "error no answer from postgresql://user:***@host:1 logger=library.pool "
            "error='ConnectionError: postgresql://user:***@host:1 is away'"
        ),
    ]


@pytest.mark.parametrize("log", ["json", "pretty"])
def test_a_file_that_the_local_disk_does_not_list_is_logged(
    module: Module, run: Run, project: Path, log: str
) -> None:
    (project / "files").mkdir()
    (project / "files" / "away").symlink_to(project)
    (project / "files" / "back\\slash").touch()
    interfaces = {"interfaces": ["filesystem"]}
    module("async def run(ctx):\n    return len(await ctx.fs.list(''))\n", dependencies=interfaces)
    code, err = run("--fs", "local", "--log", log)
    assert code == 0
    if log == "json":
        assert {(event["level"], event["logger"]) for event in events(err)} == {("warn", "platform_localfs")}
    first, second = sorted(err.splitlines(), key=lambda line: "is a link" in line)
    assert "a file is not listed" in first
    assert "'away' is not listed" in second
    assert all("warn" in line and "platform_localfs" in line for line in (first, second))


def test_a_module_that_sets_up_logging_has_it_its_way(module: Module, run: Run) -> None:
    module(
        """
        import logging


        async def run(ctx):
            logging.basicConfig(format="own: %(message)s")
            logging.warning("shown")
            return 0
        """
    )
    assert run("--log", "json") == (0, "own: shown\n")


def test_a_logger_that_is_made_of_logging_may_log_what_it_likes(
    install: Install, module: Module, run: Run
) -> None:
    adapter = """
        import logging

        from platform_memory import MemoryLogger


        class Logger(MemoryLogger):
            def warn(self, message, **fields):
                logging.getLogger("made").warning("%s", message)
    """
    install("made", {"platform.logging": {"made": "made.logger:Logger"}}, logger=adapter)
    module(LOGGING_MODULE)
    assert run("--log", "made") == (0, "3 retries\n")


def test_a_message_that_does_not_fit_its_arguments_fails_no_job(module: Module, run: Run) -> None:
    module(LOGGING_MODULE.replace("%s retries", "%z retries"))
    code, err = run("--log", "json")
    assert (code, events(err)[0]["event"]) == (0, "%z retries")


def test_after_the_run_all_is_as_before(module: Module, run: Run) -> None:
    before = logging.lastResort
    module(LOGGING_MODULE)
    run()
    assert logging.lastResort is before


def test_what_a_library_repeats_is_shown_once(module: Module, run: Run) -> None:
    module("""
        import logging


        async def run(ctx):
            for who in "aab":
                logging.getLogger("library").warning("%s is away", who)
            return 0
    """)
    code, err = run("--log", "json")
    shown = [event["event"] for event in events(err) if event["level"] == "warn"]
    assert (code, shown) == (0, ["a is away", "b is away"])
