"""``platform modules`` and ``platform adapters``: what is installed, and what of it cannot be used."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from platform_cli import registry

Result = tuple[int, str, str]
Platform = Callable[..., Result]
Install = Callable[..., Path]
Module = Callable[..., Path]

ADAPTER = """
    print("imported")
    from platform_memory import MemoryFileSystem

    class Store(MemoryFileSystem):
        pass

    class Half(MemoryFileSystem.__bases__[0]):
        pass

    def make(secrets):
        return Store(secrets)

    NUMBER = 1
"""


@pytest.fixture(autouse=True)
def known_are_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Know of no adapter but the installed ones, however many packages stand beside this one."""
    known = {key: each for key, each in registry._DISTRIBUTIONS.items() if key[1] in registry.names(key[0])}
    monkeypatch.setattr(registry, "_DISTRIBUTIONS", known)


@pytest.fixture
def adapters(platform: Platform) -> Callable[..., dict[tuple[str, str], dict[str, Any]]]:
    """Lists the adapters, by interface and name."""

    def adapters(*args: str) -> dict[tuple[str, str], dict[str, Any]]:
        code, out, _ = platform("adapters", "--json", *args)
        content = json.loads(out)
        assert (code, content["version"]) == (0, 1)
        return {(each["interface"], each["name"]): each for each in content["adapters"]}

    return adapters


@pytest.fixture
def modules(platform: Platform) -> Callable[[], dict[str, dict[str, Any]]]:
    """Lists the modules, by name."""

    def modules() -> dict[str, dict[str, Any]]:
        code, out, _ = platform("modules", "--json")
        content = json.loads(out)
        assert (code, content["version"]) == (0, 1)
        return {each["name"]: each for each in content["modules"]}

    return modules


def install_adapters(install: Install, **targets: str) -> None:
    groups = {"platform.filesystem": {name: f"acme.files:{target}" for name, target in targets.items()}}
    install("acme", groups, files=ADAPTER)


def test_each_interface_has_its_adapters_with_package_and_version(adapters: Any) -> None:
    found = adapters("--fs", "memory")
    assert found["filesystem", "memory"] == {
        "interface": "filesystem",
        "name": "memory",
        "package": "platform-memory",
        "package_version": "0.1.0",
        "is_chosen": True,
        "chosen_by": "--fs",
        "can_be_used": True,
        "problem": None,
        "install": None,
    }
    chosen = {key for key, each in found.items() if each["is_chosen"]}
    assert chosen == {
        ("database", "embedded"),
        ("filesystem", "memory"),
        ("logging", "pretty"),
        ("secrets", "env"),
        ("executor", "inline"),
    }
    assert found["database", "embedded"]["chosen_by"] == "default"


def test_the_table_names_each_interface_once(platform: Platform) -> None:
    code, out, err = platform("adapters")
    assert (code, err) == (0, "")
    assert [line.split("  ")[0] for line in out.splitlines() if line[0] != " "] == [
        "interface",
        "database",
        "file system",
        "logger",
        "secret store",
        "executor",
    ]


def test_an_env_file_that_chooses_is_named(platform: Platform, project: Path) -> None:
    (project / ".env/local.env").write_text("PLATFORM_DB=memory\n")
    [line] = [line for line in platform("adapters")[1].splitlines() if "PLATFORM_DB" in line]
    assert line.endswith("ok     PLATFORM_DB in '.env/local.env'")


def test_what_is_known_and_not_installed_has_its_install_line(
    platform: Platform, adapters: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = {("filesystem", "ftp"): "platform-cli[ftp]"}
    monkeypatch.setattr(registry, "_DISTRIBUTIONS", known)
    found = adapters()["filesystem", "ftp"]
    assert (found["problem"], found["install"]) == ("not installed", "uv pip install 'platform-cli[ftp]'")
    assert found["package"] is None
    out = platform("adapters")[1]
    assert out.endswith(
        "file system 'ftp': not installed; install it with: uv pip install 'platform-cli[ftp]'\n"
    )


def test_an_unknown_adapter_that_is_chosen_is_listed(adapters: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLATFORM_FS", "lokal")
    found = adapters()["filesystem", "lokal"]
    assert found["chosen_by"] == "PLATFORM_FS in the environment"
    assert found["problem"].startswith("unknown file system 'lokal': installed are ")


@pytest.mark.parametrize(
    ("target", "problem"),
    [
        ("Store", None),
        ("make", None),
        ("Nothing", "has no attribute 'Nothing'"),
        ("NUMBER", "it is of the type 'int', not a class"),
        ("Path", "has no attribute 'Path'"),
        ("Half", "it does not implement"),
    ],
)
def test_an_adapter_that_cannot_be_used_says_why(
    install: Install, adapters: Any, target: str, problem: str | None
) -> None:
    install_adapters(install, acme=target)
    found = adapters()["filesystem", "acme"]
    assert (found["package"], found["can_be_used"]) == ("acme", problem is None)
    assert (problem or "None") in str(found["problem"])


@pytest.mark.parametrize("code", ["import no_such_driver", "1 / 0", "import sys; sys.exit('no')", "def :"])
def test_an_adapter_whose_code_fails_breaks_no_list(
    platform: Platform, install: Install, adapters: Any, code: str
) -> None:
    install("acme", {"platform.database": {"acme": "acme.files:Store"}}, files=code)
    found = adapters()
    assert "cannot be loaded from 'acme.files:Store'" in found["database", "acme"]["problem"]
    assert found["database", "memory"]["can_be_used"]
    lines = platform("adapters")[1].splitlines()
    assert lines[-1].startswith("database 'acme' cannot be loaded from 'acme.files:Store': ")


def test_what_code_prints_when_it_is_imported_is_not_in_the_list(
    install: Install, platform: Platform
) -> None:
    install_adapters(install, acme="Store")
    code, out, err = platform("adapters", "--json")
    json.loads(out)
    assert (code, err) == (0, "imported\n")


def test_a_class_of_another_interface_is_not_an_adapter(install: Install, adapters: Any) -> None:
    install("acme", {"platform.database": {"acme": "acme.files:Store"}}, files=ADAPTER)
    assert adapters()["database", "acme"]["problem"] == "it is not a DatabaseInterface"


def test_two_packages_with_one_name_are_both_named(install: Install, adapters: Any) -> None:
    install_adapters(install, same="Store")
    install("other", {"platform.filesystem": {"same": "other.files:Store"}}, files=ADAPTER)
    found = adapters()["filesystem", "same"]
    assert (found["package"], found["package_version"]) == ("acme and other", "1.0 and 1.0")
    assert "is installed more than once" in found["problem"]


def test_a_module_is_listed_with_all_that_it_declares(
    module: Module, modules: Any, platform: Platform
) -> None:
    whom = {"name": "whom", "type": "string", "required": True, "description": "A person."}
    loud = {"name": "loud", "type": "boolean", "default": True, "description": "Aloud."}
    module(args=[whom, loud])
    assert modules()["hello"] == {
        "name": "hello",
        "version": "1.0.0",
        "display_name": "Hello",
        "description": "Greets a person.",
        "package": "hello-job",
        "package_version": "1.0",
        "interfaces": ["logging"],
        "modules": [],
        "migrations": None,
        "arguments": [
            {
                "name": "whom",
                "type": "string",
                "is_required": True,
                "default": None,
                "default_in": {},
                "choices": [],
                "example": None,
                "is_part_of_load": True,
                "description": "A person.",
            },
            {
                "name": "loud",
                "type": "boolean",
                "is_required": False,
                "default": True,
                "default_in": {},
                "choices": [],
                "example": None,
                "is_part_of_load": True,
                "description": "Aloud.",
            },
        ],
        "can_be_run": True,
        "problem": None,
    }
    [line] = [line for line in platform("modules")[1].splitlines() if line.startswith("hello")]
    assert re.split(" {2,}", line) == [
        "hello",
        "1.0.0",
        "hello-job 1.0",
        "--whom [1 more]",
        "Greets a person.",
    ]


@pytest.mark.parametrize(
    ("main", "changes", "problem"),
    [
        ("import no_such_package", {}, "No module named 'no_such_package'"),
        ("def run(ctx): yield 1", {}, "has a 'yield' in it"),
        ("run = 1", {}, "is not a function"),
        ("", {}, "has no attribute 'run'"),
        ("async def run(ctx): return 0", {"dependencies": {"modules": ["gone"]}}, "needs 'gone'"),
        ("async def run(ctx): return 0", {"colour": "red"}, "colour"),
        ("async def run(ctx): return 0\ncheck_run = 1", {}, "'check_run' of module 'hello'"),
    ],
)
def test_a_module_that_cannot_be_run_says_why(
    module: Module, modules: Any, platform: Platform, main: str, changes: Any, problem: str
) -> None:
    module(main, **changes)
    found = modules()["hello"]
    assert found["can_be_run"] is False
    assert problem in found["problem"]
    code, out, _ = platform("modules")
    assert code == 0
    assert "cannot be run: see below" in out
    assert problem in out.splitlines()[-1]


def test_a_secret_in_a_default_is_hidden(module: Module, platform: Platform) -> None:
    url = "postgresql://me:sesame99@host/db"
    module(args=[{"name": "url", "type": "string", "default": url, "description": "Where."}])
    assert "sesame99" not in platform("modules", "--json")[1]


def test_a_hostile_description_stays_on_its_line(module: Module, platform: Platform) -> None:
    module(description="\x1b[2J\nhello  other\r")
    [line] = [line for line in platform("modules")[1].splitlines() if line.startswith("hello")]
    assert line.endswith("\\x1b[2J\\nhello  other\\r")


def test_without_modules_the_way_to_one_is_named(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "names", lambda kind: [])
    assert platform("modules")[1] == "no module is installed: 'platform new module NAME' makes one\n"
