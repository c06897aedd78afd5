import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from platform_cli import registry
from platform_interfaces import ConfigurationError

Install = Callable[..., Path]


@pytest.fixture
def alone(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have nothing installed but what the test installs."""
    monkeypatch.setattr(sys, "path", [str(site)])


def refusal(kind: str, name: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        registry.load(kind, name)
    return str(caught.value)


@pytest.mark.usefixtures("alone")
def test_names_are_sorted_and_come_from_all_distributions(install: Install) -> None:
    install("b", {"platform.database": {"zeta": "b:Z"}, "platform.logging": {"text": "b:T"}})
    install("a", {"platform.database": {"alpha": "a:A", "beta": "a:B"}})
    assert registry.names("database") == ["alpha", "beta", "zeta"]
    assert registry.names("filesystem") == []


def test_a_name_is_loaded_when_it_is_chosen_and_not_before(install: Install) -> None:
    install(
        "acme_store",
        {"platform.filesystem": {"acme": "acme_store.fs:Acme.Inner"}},
        fs="""
        class Acme:
            class Inner: ...
    """,
    )
    assert "acme" in registry.names("filesystem")
    assert registry.reference("filesystem", "acme") == "acme_store.fs:Acme.Inner"
    assert "acme_store" not in sys.modules
    assert registry.load("filesystem", "acme").__name__ == "Inner"


@pytest.mark.usefixtures("alone")
def test_an_unknown_name_is_answered_with_the_installed_ones_and_the_nearest(install: Install) -> None:
    install("a", {"platform.database": {"sybase": "a:A", "oracle": "a:B"}})
    assert refusal("database", "Orcale") == (
        "unknown database 'Orcale': installed are oracle, sybase (did you mean 'oracle'?)"
    )
    assert refusal("database", "xyz") == "unknown database 'xyz': installed are oracle, sybase"


@pytest.mark.usefixtures("alone")
def test_a_mistyped_name_of_what_could_be_installed_is_recognised() -> None:
    assert refusal("database", "postgress") == (
        "unknown database 'postgress': none is installed (did you mean 'postgres'?)"
    )


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize(
    ("kind", "name", "message"),
    [
        (
            "database",
            "memory",
            "database 'memory' is not installed: install it with: {} 'platform-cli[memory]'",
        ),
        (
            "database",
            "embedded",
            "database 'embedded' is not installed: install it with: {} 'platform-postgres[embedded]'",
        ),
        (
            "filesystem",
            "local",
            "file system 'local' is not installed: install it with: {} 'platform-cli[localfs]'",
        ),
        ("modules", "batch_etl", "module 'batch_etl' is not installed: install it with: {} 'batch-etl'"),
    ],
)
def test_what_is_known_but_missing_is_answered_with_the_command_that_installs_it(
    kind: str, name: str, message: str
) -> None:
    assert refusal(kind, name) == message.format("uv pip install")


@pytest.mark.usefixtures("alone")
def test_a_name_that_two_distributions_claim_is_refused(install: Install) -> None:
    install("a", {"platform.database": {"acme": "a:A"}})
    install("b", {"platform.database": {"acme": "b:B"}})
    assert refusal("database", "acme") == (
        "database 'acme' is installed more than once: as 'a:A' and 'b:B'; uninstall all but one"
    )


def test_an_entry_point_that_names_nothing_says_what_is_missing(install: Install) -> None:
    install("a", {"platform.database": {"one": "a:Nothing", "two": "a.nothing:A", "three": "broken:A"}})
    assert "database 'one' cannot be loaded from 'a:Nothing': module 'a' has no attribute" in refusal(
        "database", "one"
    )
    assert "cannot be loaded from 'a.nothing:A': No module named 'a.nothing'" in refusal("database", "two")


def test_a_missing_driver_is_answered_with_the_command_that_installs_it(
    install: Install, monkeypatch: pytest.MonkeyPatch, site: Path
) -> None:
    monkeypatch.setattr(sys, "path", [str(site), *sys.path[1:]])
    install("acme_pg", {}, database="import driver_that_is_not_there\n")
    with pytest.raises(ConfigurationError) as caught:
        registry.load_object("acme_pg.database:A", "database 'postgres'", "platform-cli[postgres]")
    assert str(caught.value) == (
        "database 'postgres' cannot be loaded from 'acme_pg.database:A': "
        "No module named 'driver_that_is_not_there'; install it with: uv pip install 'platform-cli[postgres]'"
    )


@pytest.mark.usefixtures("alone")
def test_the_first_of_two_copies_of_a_distribution_hides_the_other(
    install: Install, site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("a", {"platform.database": {"acme": "a:New"}})
    older = tmp_path / "older" / "a-0.9.dist-info"
    older.mkdir(parents=True)
    (older / "entry_points.txt").write_text("[platform.database]\nacme = a:Old\n")
    monkeypatch.setattr(sys, "path", [str(site), str(older.parent)])
    assert registry.reference("database", "acme") == "a:New"


@pytest.mark.usefixtures("alone")
def test_comments_extras_and_blank_lines_of_an_entry_point_file_are_understood(site: Path) -> None:
    info = site / "a-1.dist-info"
    info.mkdir()
    (info / "entry_points.txt").write_bytes(
        b"# \xff\n; no\n[console_scripts]\nacme = a:main\n\n[ platform.database ]\nacme=a:A [extra]\n"
    )
    assert registry.reference("database", "acme") == "a:A"


def test_it_finds_what_the_standard_library_finds() -> None:
    by_hand = {
        (kind, name): registry.reference(kind, name)
        for kind in ("database", "logging")
        for name in registry.names(kind)
    }
    program = """
from importlib.metadata import entry_points
for kind in ("database", "logging"):
    for each in entry_points(group=f"platform.{kind}"):
        print(kind, each.name, each.value)
"""
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    lines = [line.split(" ", 2) for line in found.splitlines()]
    assert by_hand == {(kind, name): target for kind, name, target in lines}
