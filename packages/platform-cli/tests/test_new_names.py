import sys
from pathlib import Path

import pytest

from platform_cli.scaffold import MODULES, NewPackage, parse_name
from platform_cli.scaffold.clashes import check_clashes
from platform_cli.scaffold.names import MAX_LENGTH
from platform_cli.scaffold.workspace import Workspace
from platform_interfaces import ConfigurationError


def module(name: str) -> NewPackage:
    return NewPackage(MODULES, parse_name(name), frozenset({"logging"}))


def adapter(kind: str, name: str) -> NewPackage:
    return NewPackage(kind, parse_name(name), frozenset({kind}))


@pytest.mark.parametrize("text", ["odd_views", "odd-views"])
def test_a_name_is_given_in_kebab_or_snake_case_and_has_all_spellings(text: str) -> None:
    assert parse_name(text).spellings == ("odd_views", "odd-views", "ODD_VIEWS", "OddViews")


@pytest.mark.parametrize("text", ["a", "s3", "a1_2b", "n" * MAX_LENGTH])
def test_short_and_long_names_and_digits_are_names(text: str) -> None:
    assert parse_name(text).snake == text


@pytest.mark.parametrize(
    ("text", "near"),
    [
        ("OddViews", "odd_views"),
        ("odd views", "odd_views"),
        ("odd.views", "odd_views"),
        ("odd__views", "odd_views"),
        ("_page", "page"),
        ("page-", "page"),
        ("2fast", "fast"),
        ("naïve", "naive"),
        ("../up", "up"),
        ("n" * 31, "n" * 30),
        ("a\nb", "a_b"),
    ],
)
def test_what_is_not_a_name_is_refused_with_one_that_is(text: str, near: str) -> None:
    with pytest.raises(ConfigurationError, match=f"such as '{near}'$") as caught:
        parse_name(text)
    assert str(caught.value).startswith(f"{text!r} cannot name a package")


@pytest.mark.parametrize("text", ["", "-", "日本", "42", "\u0661"])
def test_where_no_name_is_near_none_is_suggested(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"characters$"):
        parse_name(text)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("class", "'class' is a keyword of Python"),
        ("match", "'match' is a keyword of Python"),
        ("json", "'json' is a module of Python's standard library"),
        ("test", "'test' is a name that tools use"),
        ("list", "'list' is a name that Python itself defines"),
        ("tests", "'tests' is a name that tools use"),
        ("new-module", "'new_module' is a name that tools use"),
        ("con", "on Windows, 'con' is a device"),
        ("platform-x", "names that begin with 'platform' are the platform's own"),
        ("click", "a distribution 'click' is installed"),
        ("python-dotenv", "a distribution 'python-dotenv' is installed"),
        ("dotenv", "a package 'dotenv' is installed"),
    ],
)
def test_a_module_is_not_called_what_something_else_is_called(name: str, reason: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        check_clashes(module(name), tmp_path, None)
    snake = name.replace("-", "_")
    assert str(caught.value) == (
        f"a module cannot be called {snake!r}: {reason}; choose another name, such as '{snake}_job'"
    )


def test_no_module_of_the_standard_library_is_hidden(tmp_path: Path) -> None:
    for name in sys.stdlib_module_names:
        with pytest.raises(ConfigurationError, match="cannot"):
            check_clashes(module(name), tmp_path, None)


def test_an_adapter_may_be_called_as_a_library_that_it_uses(tmp_path: Path) -> None:
    for name in ("click", "json", "class"):
        check_clashes(adapter("secrets", name), tmp_path, None)


@pytest.mark.parametrize(
    ("kind", "name", "reason"),
    [
        ("secrets", "env", "a secret store of this name is installed"),
        ("database", "memory", "a database of this name is installed"),
        ("database", "cli", "a distribution 'platform-cli' is installed"),
        ("database", "new_adapter", "'platform_new_adapter' is a name that tools use"),
    ],
)
def test_an_adapter_is_not_called_what_another_is_called(
    kind: str, name: str, reason: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigurationError, match=reason):
        check_clashes(adapter(kind, name), tmp_path, None)


def test_a_name_of_an_installed_module_is_refused_in_either_spelling(install: object, tmp_path: Path) -> None:
    assert callable(install)
    install("other", {"platform.modules": {"Odd-Views": "other"}})
    with pytest.raises(ConfigurationError, match="a module of this name is installed"):
        check_clashes(module("odd_views"), tmp_path, None)


def test_a_folder_that_exists_is_refused_whatever_its_case(tmp_path: Path) -> None:
    (tmp_path / "Sales").mkdir()
    with pytest.raises(ConfigurationError, match="Sales' exists"):
        check_clashes(module("sales"), tmp_path, None)


def test_a_name_in_the_workspace_is_refused(tmp_path: Path) -> None:
    for folder in ("warehouse", "examples/invoices", "packages/platform-odd-acme"):
        (tmp_path / folder).mkdir(parents=True)
    members = {"members": ["packages/*", "modules/*", "examples/*"]}
    workspace = Workspace(tmp_path, {"tool": {"uv": {"workspace": members}}})
    for new in (module("warehouse"), module("invoices"), adapter("filesystem", "odd_acme")):
        with pytest.raises(ConfigurationError, match="has a package, a folder or a file of this name"):
            check_clashes(new, tmp_path / "modules", workspace)
