"""Whose code is wrong, and where: C20, C21, C22."""

from collections.abc import Callable
from pathlib import Path

import pytest

from platform_cli.failures import describe
from platform_interfaces import DatabaseError

Platform = Callable[..., tuple[int, str, str]]
Module = Callable[..., Path]
Install = Callable[..., Path]

ADAPTERS = """
    from platform_memory import MemoryDatabase, MemoryFileSystem, MemorySecrets


    class NoFile(MemoryFileSystem):
        def __init__(self, secrets):
            open("/nosuch/certificate")


    class Reading(MemoryFileSystem):
        def __init__(self, secrets):
            super().__init__(secrets)
            secrets.get("ACME_TOKEN")


    class Listing(MemoryFileSystem):
        async def list(self, prefix=""):
            raise FileNotFoundError(2, "No such file", "/mount")


    class Connecting(MemoryDatabase):
        async def connect(self):
            raise TypeError("no pool")


    class Store(MemorySecrets):
        def __init__(self, secrets):
            super().__init__({})

        def get(self, key):
            raise TypeError("no token")


    class Unbuilt(MemorySecrets):
        def __init__(self):
            pass


    class Exiting(MemoryFileSystem):
        def __init__(self, secrets):
            raise SystemExit(0)


    class Unnamed(MemoryDatabase):
        @property
        def location(self):
            raise KeyError("password=" + "hunter2secret")


    class Placeless(MemoryFileSystem):
        def locate(self, path=""):
            return None


    class Unclosing(MemoryDatabase):
        async def disconnect(self):
            raise ValueError("cannot close")


    class Sync(MemoryDatabase):
        def connect(self):
            return None
"""
ENTRY_POINTS = {
    "platform.filesystem": {
        "nofile": "acme.fs:NoFile",
        "reading": "reader.fs:Reading",
        "listing": "acme.fs:Listing",
        "exiting": "acme.fs:Exiting",
        "placeless": "acme.fs:Placeless",
    },
    "platform.database": {
        "connecting": "acme.fs:Connecting",
        "unnamed": "acme.fs:Unnamed",
        "unclosing": "acme.fs:Unclosing",
        "sync": "acme.fs:Sync",
    },
    "platform.secrets": {"store": "acme.fs:Store", "unbuilt": "acme.fs:Unbuilt"},
}


@pytest.fixture(autouse=True)
def acme(install: Install) -> None:
    install("acme", ENTRY_POINTS, fs=ADAPTERS)
    install("reader", {}, fs="from acme.fs import Reading\n")


def last(err: str) -> str:
    return err.splitlines()[-1]


@pytest.mark.parametrize(
    ("main", "message"),
    [
        (
            "async def run(ctx):\n    raise KeyError('k')\n",
            "KeyError: 'k' (hello_job/main.py:2 in run)",
        ),
        (
            "import json\n\nasync def run(ctx):\n    part()\n\ndef part():\n    json.loads('{')\n",
            "(hello_job/main.py:7 in part)",
        ),
        ("async def run(ctx):\n    raise KeyError\n", "failed: KeyError (hello_job/main.py:2 in run)"),
        ("async def run(ctx):\n    assert 1 > 2\n", "AssertionError (hello_job/main.py:2 in run)"),
        (
            "async def check_run(ctx):\n    1 / 0\n\nasync def run(ctx):\n    return 0\n",
            "ZeroDivisionError: division by zero (hello_job/main.py:2 in check_run)",
        ),
    ],
)
def test_c20_an_error_of_a_module_names_module_file_line_and_function(
    module: Module, platform: Platform, main: str, message: str
) -> None:
    module(main)
    code, _, err = platform("run", "hello")
    assert (code, last(err).startswith("error: module 'hello' failed: ")) == (1, True)
    assert message in last(err)
    assert "Traceback" not in err


def test_c20_at_debug_the_rest_is_there(
    module: Module, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOG_LEVEL", "DEBUG")
    module("async def run(ctx):\n    raise KeyError('k')\n")
    _, _, err = platform("run", "hello")
    assert "hello_job/main.py" in err
    assert "KeyError: 'k'" in err


@pytest.mark.parametrize(
    ("main", "code", "message"),
    [
        ("def run(ctx):\n    return 0\n", 1, "is not async: define it as 'async def run(ctx)'"),
        ("async def run(ctx):\n    pass\n", 1, "returned None: it must return the exit code, 0 for success"),
        ("async def run(ctx):\n    return 'done'\n", 1, "returned a str: it must return the exit code"),
        (
            "async def run():\n    return 0\n",
            2,
            "must take one argument, the context, as 'async def run(ctx)'",
        ),
        ("async def run(ctx, more):\n    return 0\n", 2, "must take one argument, the context"),
        ("async def run(ctx):\n    yield 0\n", 2, "has a 'yield' in it"),
        ("def run(ctx):\n    yield 0\n", 2, "has a 'yield' in it"),
    ],
)
def test_c21_what_is_wrong_with_run_is_said_with_the_full_path(
    module: Module, platform: Platform, main: str, code: int, message: str
) -> None:
    file = module(main) / "main.py"
    found, _, err = platform("run", "hello")
    assert found == code
    assert last(err).startswith(f"error: 'run' of module 'hello' ({file}, line 1) ")
    assert message in last(err)


@pytest.mark.parametrize(
    ("main", "message"),
    [
        ("async def run(ctx)\n    return 0\n", "SyntaxError: expected ':' ({file}, line 1)"),
        ("x = 1\n  y = 2\n", "IndentationError: unexpected indent ({file}, line 2)"),
        (
            "\nimport gone_and_away\n",
            "No module named 'gone_and_away' ({file}, line 2): install it, or correct its name",
        ),
        ("x = 1 / 0\n", "ZeroDivisionError: division by zero ({file}, line 1)"),
        ("raise SystemExit(3)\n", "SystemExit: 3 ({file}, line 1)"),
        (
            "x = 1\n",
            "module 'hello_job.main' has no attribute 'run': define 'async def run(ctx)' in its main.py",
        ),
    ],
)
def test_c21_a_module_that_cannot_be_imported_is_named_with_the_full_path(
    module: Module, platform: Platform, main: str, message: str
) -> None:
    file = module(main) / "main.py"
    code, _, err = platform("run", "hello")
    assert code == 2
    start = "error: module 'hello' cannot be loaded from 'hello_job.main:run': "
    assert last(err) == start + message.format(file=file)


def test_c21_what_is_not_a_function_is_refused(module: Module, platform: Platform) -> None:
    module("run = 5\n")
    assert "'run' of module 'hello' is not a function" in platform("run", "hello")[2]


def test_c21_a_function_that_returns_a_coroutine_is_as_good(module: Module, platform: Platform) -> None:
    module(
        "from functools import partial\n\nasync def work(n, ctx):\n    return n\n\nrun = partial(work, 0)\n"
    )
    assert platform("run", "hello") == (0, "", "")


@pytest.mark.parametrize(
    ("flags", "code", "message"),
    [
        (
            "--fs nofile",
            2,
            (
                "file system 'nofile' (acme.fs:NoFile) failed: FileNotFoundError: [Errno 2] No such file or "
                "directory: '/nosuch/certificate' (acme/fs.py:7 in __init__) (chosen by --fs)"
            ),
        ),
        (
            "--fs listing",
            1,
            (
                "file system 'listing' (acme.fs:Listing) failed: FileNotFoundError: [Errno 2] No such file: "
                "'/mount' (acme/fs.py:18 in list, called from hello_job/main.py:2 in run)"
            ),
        ),
        (
            "--db connecting --fs memory",
            1,
            (
                "database 'connecting' (acme.fs:Connecting) failed: TypeError: no pool "
                "(acme/fs.py:23 in connect)"
            ),
        ),
        (
            "--secrets store --fs memory",
            2,
            "secret store 'store' (acme.fs:Store) failed: TypeError: no token (acme/fs.py:31 in get)",
        ),
        ("--secrets unbuilt --fs memory", 2, "secret store 'unbuilt' (acme.fs:Unbuilt) failed: TypeError: "),
        ("--fs exiting", 2, "file system 'exiting' (acme.fs:Exiting) failed: SystemExit: 0 (acme/fs.py:"),
        ("--db sync --fs memory", 1, "database 'sync' (acme.fs:Sync) failed: TypeError: "),
        (
            "--db unclosing --fs memory",
            1,
            "shutdown failed: database 'unclosing' (acme.fs:Unclosing) failed: ValueError: cannot close",
        ),
    ],
)
def test_c22_an_adapter_that_raises_is_named(
    module: Module, platform: Platform, flags: str, code: int, message: str
) -> None:
    module(
        "async def run(ctx):\n    await ctx.fs.list('')\n    return 0\n",
        dependencies={"interfaces": ["database", "filesystem"]},
    )
    words = flags.split() if "--db" in flags else ["--db", "memory", *flags.split()]
    found, _, err = platform("run", "hello", *words)
    assert (found, last(err)[: len(message) + 7]) == (code, f"error: {message}")


def test_c22_a_location_that_an_adapter_cannot_find_does_not_stop_the_run(
    module: Module, raw_platform: Platform
) -> None:
    module("async def run(ctx):\n    return 0\n", dependencies={"interfaces": ["database", "filesystem"]})
    code, _, err = raw_platform("run", "hello", "--db", "unnamed", "--fs", "placeless")
    assert (code, "database='unknown (KeyError)'" in err, "root=unknown" in err) == (0, True, True)


def test_c21_what_sys_exit_says_is_shown(module: Module, platform: Platform) -> None:
    file = module("import sys\n\nasync def run(ctx):\n    sys.exit('no quota left')\n") / "main.py"
    code, _, err = platform("run", "hello")
    message = f"'run' of module 'hello' ({file}, line 3) ended with sys.exit: no quota left"
    assert (code, last(err)) == (1, f"error: {message}")


@pytest.mark.parametrize("words", ["migrate status", "migrate up", "migrate up --dry-run"])
def test_c22_an_adapter_that_raises_in_another_command_is_named_too(platform: Platform, words: str) -> None:
    code, _, err = platform(*words.split(), "--db", "connecting")
    assert code == 1
    assert last(err).startswith(
        "error: database 'connecting' (acme.fs:Connecting) failed: TypeError: no pool ("
    )


def test_an_error_without_text_is_named_by_its_kind() -> None:
    assert [describe(error) for error in (KeyError(), TimeoutError(), DatabaseError())] == [
        "KeyError",
        "TimeoutError",
        "DatabaseError",
    ]
    assert describe(ExceptionGroup("two", [KeyError("k"), ValueError("v")])) == "KeyError: 'k'; ValueError: v"
