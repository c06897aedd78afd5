from collections.abc import Callable
from pathlib import Path

import pytest

Platform = Callable[..., tuple[int, str, str]]
Module = Callable[..., Path]
Install = Callable[..., Path]

SPIES = """
    from platform_memory import MemoryDatabase, MemoryFileSystem, MemorySecrets


    class Unbuildable:
        def __init__(self, secrets):
            raise AssertionError("it was built")


    class Demanding(MemoryFileSystem):
        def __init__(self, secrets):
            secrets.require("ACME_TOKEN")

    class Store(MemorySecrets):
        def __init__(self, secrets):
            super().__init__({"ACME_TOKEN": secrets.require("STORE_KEY"), "FS_LOCAL_ROOT": "elsewhere"})
"""
ENTRY_POINTS = {
    "platform.database": {"unbuildable": "spies.adapters:Unbuildable"},
    "platform.filesystem": {
        "unbuildable": "spies.adapters:Unbuildable",
        "demanding": "spies.adapters:Demanding",
        "wrong": "spies.adapters:MemoryDatabase",
    },
    "platform.secrets": {"acme": "spies.adapters:Store"},
}


@pytest.fixture(autouse=True)
def spies(install: Install) -> None:
    """Install adapters that show whether and with what they are built."""
    install("spies", ENTRY_POINTS, adapters=SPIES)


def errors(err: str) -> list[str]:
    return [line for line in err.splitlines() if line.startswith("error: ")]


def test_only_what_a_module_declares_is_built(module: Module, platform: Platform) -> None:
    module("async def run(ctx):\n    ctx.db")
    code, out, err = platform("run", "hello", "--db", "unbuildable", "--fs", "unbuildable")
    assert (code, out) == (2, "")
    [line] = errors(err)
    assert "uses 'database' without declaring it" in line


def test_what_a_module_declares_is_what_was_chosen(module: Module, platform: Platform) -> None:
    module(
        """
        async def run(ctx):
            print(*(type(each).__name__ for each in (ctx.db, ctx.fs, ctx.log, ctx.secrets)))
            print(ctx.secrets.require("KEY"), dict(ctx.config))
            return 0
        """,
        dependencies={"interfaces": ["database", "filesystem", "logging", "secrets"]},
    )
    Path(".env/local.env").write_text("KEY=from local.env\nPLATFORM_FS=memory\nPLATFORM_LOG=json\n")
    code, out, err = platform("run", "hello", "--db", "memory")
    assert code == 0, err
    assert out.splitlines() == [
        "MemoryDatabase MemoryFileSystem JsonLogger EnvSecrets",
        "from local.env {}",
    ]


def test_a_secret_that_an_adapter_misses_is_named_with_who_chose_the_adapter(
    module: Module, platform: Platform
) -> None:
    module(dependencies={"interfaces": ["filesystem"]})
    code, _, err = platform("run", "hello", "--fs", "demanding")
    assert code == 2
    [line] = errors(err)
    assert line.startswith("error: 'ACME_TOKEN' is not set: looked in the environment, then ")
    assert line.endswith(" (chosen by --fs)")


def test_a_setting_that_the_default_refuses_is_reported_without_a_choice(
    module: Module, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    module()
    monkeypatch.setenv("LOG_LEVEL", "VERBOSE")
    code, _, err = platform("run", "hello")
    assert (code, errors(err)) == (2, ["error: LOG_LEVEL is 'VERBOSE': use one of DEBUG, INFO, WARN, ERROR"])


def test_an_implementation_of_another_interface_is_refused(module: Module, platform: Platform) -> None:
    module(dependencies={"interfaces": ["filesystem"]})
    code, _, err = platform("run", "hello", "--fs", "wrong")
    refusal = "does not make a FileSystemInterface, which filesystem 'wrong' must be"
    assert (code, errors(err)) == (
        2,
        [f"error: 'spies.adapters:MemoryDatabase' {refusal}"],
    )


def test_an_unknown_name_from_a_setting_is_refused_with_its_origin(
    module: Module, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    module(dependencies={"interfaces": ["filesystem"]})
    monkeypatch.setenv("PLATFORM_FS", "memroy")
    code, _, err = platform("run", "hello")
    assert code == 2
    [line] = errors(err)
    assert line.endswith("(did you mean 'memory'?) (chosen by PLATFORM_FS in the environment)")


def test_a_secret_store_is_built_from_the_settings_and_everything_else_from_the_store(
    module: Module, platform: Platform
) -> None:
    module(dependencies={"interfaces": ["filesystem"]})
    Path(".env/local.env").write_text("STORE_KEY=1\n")
    Path(".env/local.env").chmod(0o600)
    assert platform("run", "hello", "--secrets", "acme", "--fs", "demanding") == (0, "", "")


def test_relative_directories_start_from_the_project_wherever_the_command_is_called(
    module: Module, platform: Platform, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module(
        "async def run(ctx):\n    await ctx.fs.write('a.txt', b'1')\n    return 0\n",
        dependencies={"interfaces": ["filesystem"]},
    )
    below = project / "deep" / "down"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert platform("run", "hello")[0] == 0
    assert (project / "files" / "a.txt").read_bytes() == b"1"
    assert Path.cwd() == below
