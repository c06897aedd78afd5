"""Modules that own migrations: found, ordered, applied before a run, and managed by owner."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from platform_cli.manifest import read_in_order
from platform_interfaces import ConfigurationError

Platform = Callable[..., tuple[int, str, str]]
Install = Callable[..., Path]

MAIN = """
    async def run(ctx):
        rows = await ctx.db.fetch_all(
            "SELECT table_name FROM information_schema.tables "
            "WHERE table_schema = current_schema() ORDER BY table_name"
        )
        print(*[row["table_name"] for row in rows])
        return 0
"""
DATABASES = """
    from platform_memory import MemoryDatabase

    database = MemoryDatabase()


    def make(secrets):
        return database
"""


def table(name: str) -> str:
    return (
        f"async def up(conn): await conn.execute('CREATE TABLE {name} (id INT)')\n"
        f"async def down(conn): await conn.execute('DROP TABLE {name}')\n"
    )


@pytest.fixture(autouse=True)
def own(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write the platform's migrations: a single one, which makes the table ``base``."""
    folder = project / "own"
    folder.mkdir()
    (folder / "001_base.py").write_text(table("base"))
    monkeypatch.setenv("MIGRATIONS_DIR", str(folder))
    return folder


@pytest.fixture
def add(install: Install) -> Callable[..., Path]:
    """Install a module with a table for each of ``tables``; return its folder of migrations."""

    def add(name: str, *tables: str, needs: tuple[str, ...] = (), **changes: Any) -> Path:
        manifest = {
            "name": name,
            "version": "1.0.0",
            "dependencies": {"interfaces": ["database", "logging"], "modules": list(needs)},
            "args": [{"name": "dry-run", "type": "boolean", "default": False}],
            "migrations": "migrations",
        } | changes
        package = install(f"{name}_job", {"platform.modules": {name: f"{name}_job"}}, main=MAIN)
        folder = package / "migrations"
        folder.mkdir()
        for number, each in enumerate(tables, 1):
            (folder / f"{number:03}_{each}.py").write_text(table(each))
        (package / "module.json").write_text(json.dumps(manifest))
        return folder

    return add


Add = Callable[..., Path]


@pytest.fixture
def migrate(platform: Platform, install: Install) -> Callable[..., tuple[int, str, str]]:
    """Run ``platform migrate`` on one database in memory, which lasts for the test."""
    install("kept", {"platform.database": {"kept": "kept.adapters:make"}}, adapters=DATABASES)

    def migrate(*args: str) -> tuple[int, str, str]:
        return platform("migrate", *args, "--db", "kept")

    return migrate


Migrate = Callable[..., tuple[int, str, str]]


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("../other", "'../other' must name a folder in the package, such as 'migrations'"),
        ("/etc", "'/etc' must name a folder in the package, such as 'migrations'"),
        (".", "'.' must name a folder in the package, such as 'migrations'"),
        ("a/../../b", "'a/../../b' must name a folder in the package, such as 'migrations'"),
        ("C:\\x", "'C:\\\\x' must name a folder in the package, such as 'migrations'"),
        ("gone", "there is no folder '{package}/gone': make it"),
        ("main.py", "'main.py' must name a folder in the package, such as 'migrations'"),
        (7, "it must be a string, not 7"),
    ],
)
def test_a_folder_that_is_not_in_the_package_is_refused(
    platform: Platform, add: Add, value: object, problem: str
) -> None:
    package = add("shop", migrations=value).parent
    code, _, err = platform("run", "shop", "--db", "memory")
    expected = f"error: {package / 'module.json'}: migrations: {problem.replace('{package}', str(package))}\n"
    assert (code, err) == (2, expected)


def test_migrations_need_a_database_and_a_name_that_is_not_the_platforms(
    platform: Platform, add: Add
) -> None:
    add("shop", dependencies={"interfaces": ["logging"]})
    add("platform")
    _, _, err = platform("run", "shop")
    assert "migrations: they need 'database' in dependencies.interfaces" in err
    _, _, err = platform("run", "platform")
    assert "migrations: a module named 'platform' cannot own migrations: rename it" in err


def test_modules_come_after_those_they_need_and_else_by_name(add: Add) -> None:
    add("bill", needs=("shop", "mail"))
    add("shop", needs=("user",))
    add("mail")
    add("user")
    assert [each.name for each in read_in_order(["shop", "bill"])] == ["mail", "user", "shop", "bill"]


def test_modules_that_need_each_other_are_refused(platform: Platform, add: Add) -> None:
    add("shop", needs=("bill",))
    add("bill", needs=("shop",))
    with pytest.raises(ConfigurationError, match="modules need each other: bill → shop → bill"):
        read_in_order(["bill"])
    assert platform("run", "shop", "--db", "memory")[0] == 2


def test_a_run_applies_the_platforms_then_those_it_needs_then_its_own(platform: Platform, add: Add) -> None:
    add("alone", "alone")
    add("shop", "orders", needs=("user",))
    add("user", "users")
    code, out, err = platform("run", "shop", "--db", "memory")
    assert (code, out) == (0, "_migrations base orders users\n")
    assert "Applied migrations migrations=['001_base', 'user/001_users', 'shop/001_orders'] " in err


def test_where_they_are_not_applied_a_run_is_refused_and_all_are_listed(platform: Platform, add: Add) -> None:
    add("shop", "orders", needs=("user",))
    add("user", "users")
    code, out, err = platform("run", "shop", "--db", "memory", "--env", "staging")
    assert (code, out) == (2, "")
    assert "001_base, user/001_users, shop/001_orders are pending; apply pending migrations with" in err


def test_a_dry_run_applies_none_and_reports_them(platform: Platform, add: Add) -> None:
    add("shop", "orders")
    code, out, err = platform("run", "shop", "--db", "memory", "--dry-run")
    assert (code, out) == (0, "\n")
    assert "not applied in a dry run migrations='001_base, shop/001_orders are pending'" in err


def test_up_applies_everything_installed_and_with_a_module_what_that_needs(
    migrate: Migrate, add: Add
) -> None:
    add("bill", "bills", needs=("user",))
    add("shop", "orders", "lines")
    add("user", "users")
    assert migrate("up", "--module", "bill", "--dry-run")[1] == (
        "would apply 001_base\nwould apply user/001_users\nwould apply bill/001_bills\n"
    )
    assert (
        migrate("up", "--module", "shop", "--target", "1")[1] == "applied 001_base\napplied shop/001_orders\n"
    )
    assert migrate("up")[1] == "applied user/001_users\napplied bill/001_bills\napplied shop/002_lines\n"
    assert migrate("up") == (0, "no migrations to apply\n", "")


def test_a_target_without_a_module_is_the_platforms(migrate: Migrate, add: Add, own: Path) -> None:
    (own / "002_more.py").write_text(table("more"))
    add("shop", "orders")
    assert migrate("up", "--target", "1")[1] == "applied 001_base\n"
    assert migrate("up", "--module", "platform")[1] == "applied 002_more\n"


def test_down_is_for_one_owner(migrate: Migrate, add: Add) -> None:
    add("shop", "orders", "lines")
    add("user", "users")
    migrate("up")
    assert migrate("down", "--module", "shop")[1] == "rolled back shop/002_lines\n"
    assert migrate("down", "--module", "shop", "--target", "0")[1] == "rolled back shop/001_orders\n"
    code, out, err = migrate("down")
    assert (code, out) == (4, "")
    assert "user/001_users was applied after it and may rest on it" in err
    assert "first roll that back with 'down --module user'" in err
    assert migrate("down", "--module", "user")[1] == "rolled back user/001_users\n"
    assert migrate("down")[1] == "rolled back 001_base\n"


def test_a_module_is_not_rolled_back_below_what_another_that_needs_it_was_applied_on(
    migrate: Migrate, add: Add
) -> None:
    add("user", "users")
    add("shop", "orders", needs=("user",))
    add("bill", "bills", needs=("shop",))
    add("mail", "letters")
    migrate("up")
    for module, resting in (("user", "bill"), ("shop", "bill")):
        code, out, err = migrate("down", "--module", module)
        assert (code, out) == (4, "")
        assert f"first roll that back with 'down --module {resting}'" in err
    for module in ("bill", "shop", "user"):
        assert migrate("down", "--module", module)[0] == 0


def test_a_module_that_cannot_be_read_stops_nothing_but_what_is_for_all(
    platform: Platform, migrate: Migrate, add: Add
) -> None:
    add("shop", "orders")
    manifest = add("worse", "things", oops=1).parent / "module.json"
    add("wants", "others", needs=("gone",))
    problems = [f"{manifest}: oops: unknown key", "module 'wants' needs 'gone': unknown module 'gone': "]
    for args in (["up"], ["status", "--offline"]):
        code, out, err = migrate(*args)
        assert (code, out, [each in err for each in problems]) == (2, "", [True, True])
        assert "'--module NAME' is for one module and what it needs" in err
    assert migrate("up", "--module", "shop")[1] == "applied 001_base\napplied shop/001_orders\n"
    assert platform("run", "shop", "--db", "kept")[0] == 0
    assert [migrate("status", *args)[0] for args in ([], ["--check"])] == [0, 4]
    code, out, err = migrate("status")
    assert (code, out.splitlines()[-1]) == (0, "2 applied, 0 pending, 0 problems")
    assert err.count("a module is skipped: ") == 2
    assert migrate("down", "--module", "shop")[0] == 0


def test_status_shows_owners_and_those_that_are_not_installed(
    migrate: Migrate, add: Add, site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add("shop", "orders")
    gone = add("gone", "old")
    migrate("up")
    for each in [*site.glob("gone_job*")]:
        shutil.rmtree(each)
    monkeypatch.syspath_prepend(site.parent)  # what is installed is looked up once for a search path
    code, out, _ = migrate("status", "--check")
    assert code == 0
    assert [line.split()[:4] for line in out.splitlines()] == [
        ["number", "owner", "name", "state"],
        ["001", "platform", "001_base", "applied"],
        ["001", "shop", "shop/001_orders", "applied"],
        ["001", "gone", "gone/001_old", "not"],
        ["3", "applied,", "0", "pending,"],
    ]
    assert "of module gone, which is not installed" in out.splitlines()[3]
    found = json.loads(migrate("status", "--json")[1])
    assert [(each["owner"], each["name"]) for each in found["migrations"]] == [
        ("platform", "001_base"),
        ("shop", "shop/001_orders"),
        ("gone", "gone/001_old"),
    ]
    assert "--pending" not in out
    assert migrate("up") == (0, "no migrations to apply\n", "")
    assert not gone.exists()


def test_status_of_one_module_is_of_its_migrations_alone(migrate: Migrate, add: Add) -> None:
    orders = add("shop", "orders", "lines")
    add("user", "users")
    migrate("up")
    (orders / "001_orders.py").unlink()
    assert migrate("status", "--module", "user", "--check")[0] == 0
    code, out, _ = migrate("status", "--module", "shop", "--check")
    assert (code, out.splitlines()[-1]) == (4, "1 applied, 0 pending, 1 problems")
    assert "restore its file, or forget it with 'mark shop/001_orders --pending'" in out
    assert migrate("up", "--module", "user") == (0, "no migrations to apply\n", "")
    assert migrate("up")[0] == 4
    assert migrate("status", "--offline")[1] == (
        "fine: 001_base\nfine: shop/002_lines\nfine: user/001_users\n3 files, 0 problems\n"
    )


def test_mark_takes_names_as_they_are_recorded(migrate: Migrate, add: Add) -> None:
    add("shop", "orders", "lines")
    add("user", "users")
    assert migrate("mark", "user/001_users", "001_base", "--applied")[1] == (
        "marked as applied user/001_users\nmarked as applied 001_base\n"
    )
    assert migrate("mark", "--applied", "--through", "2", "--module", "shop")[1] == (
        "marked as applied shop/001_orders\nmarked as applied shop/002_lines\n"
    )
    assert migrate("mark", "shop/002_lines", "--pending")[1] == "marked as pending shop/002_lines\n"
    code, _, err = migrate("mark", "shop/002_line", "--applied")
    assert (code, "did you mean 'shop/002_lines'?" in err) == (4, True)
    code, _, err = migrate("mark", "shpo/002_lines", "--applied")
    assert (code, "did you mean 'shop'?" in err) == (2, True)


def test_a_module_without_migrations_is_named(migrate: Migrate, add: Add) -> None:
    add("shop", migrations="")
    code, _, err = migrate("up", "--module", "shop")
    assert (code, "module 'shop' has no migrations: make a folder" in err) == (2, True)
    code, _, err = migrate("down", "--module", "shpo")
    assert (code, "unknown module 'shpo'" in err) == (2, True)


def test_nothing_is_written_into_an_installed_module(platform: Platform, add: Add) -> None:
    folder = add("shop", "orders")
    code, out, err = platform("migrate", "create", "add lines", "--module", "shop")
    assert (code, out, "part of an installed package" in err) == (4, "", True)
    assert [path.name for path in folder.iterdir()] == ["001_orders.py"]
    assert platform("migrate", "create", "x", "--module", "shop", "--dir", "own")[0] == 2


def test_a_module_in_development_gets_its_next_file(
    platform: Platform, add: Add, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = add("shop", "orders")
    sources = tmp_path / "src"
    sources.mkdir()
    folder.parent.rename(sources / "shop_job")
    monkeypatch.syspath_prepend(sources)  # as an editable installation does
    created = sources / "shop_job" / "migrations" / "002_add_lines.py"
    assert platform("migrate", "create", "add lines", "--module", "shop") == (0, f"created {created}\n", "")
    assert created.is_file()


def test_the_platforms_own_are_made_in_its_folder(platform: Platform, own: Path) -> None:
    created = own / "002_more.py"
    assert platform("migrate", "create", "more") == (0, f"created {created}\n", "")
