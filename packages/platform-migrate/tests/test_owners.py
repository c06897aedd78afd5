"""Migrations of the platform and of modules: numbered, recorded and rolled back by owner."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from platform_interfaces import DatabaseInterface
from platform_migrate import (
    MigrationFailedError,
    MigrationRefusedError,
    MigrationRun,
    Source,
    State,
    StatusSummary,
    check_files,
    down,
    mark_applied,
    mark_pending,
    status,
    up,
)
from platform_migrate.files import MigrationFile
from platform_migrate.planner import plan_down, plan_mark_applied, plan_up
from platform_migrate.status import AppliedRow, plan_status
from platform_migrate.testing import check_round_trips

Tables = Callable[[DatabaseInterface], Awaitable[set[str]]]
Make = Callable[..., Source]

NOW = datetime(2026, 1, 15, tzinfo=UTC)
OWNERS = ("platform", "billing", "shop")


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Write migrations that make ``tables``, and return the source they are in."""

    def make(owner: str, *tables: str, first: int = 1) -> Source:
        folder = tmp_path / owner
        folder.mkdir(exist_ok=True)
        for number, table in enumerate(tables, first):
            (folder / f"{number:03}_{table}.py").write_text(
                f"async def up(conn): await conn.execute('CREATE TABLE {table} (id INT)')\n"
                f"async def down(conn): await conn.execute('DROP TABLE {table}')\n"
            )
        return Source(folder, owner)

    return make


@pytest.fixture
def three(make: Make) -> list[Source]:
    """Return the migrations of the platform and of two modules, two of each."""
    return [make(owner, f"{owner}_a", f"{owner}_b") for owner in OWNERS]


def files(owner: str, *numbers: int) -> list[MigrationFile]:
    return [MigrationFile(Path(f"{number:03}_step.py"), f"{owner} {number}", owner) for number in numbers]


def rows(*applied: MigrationFile) -> list[AppliedRow]:
    return [AppliedRow(order, file.name, NOW, file.checksum) for order, file in enumerate(applied, 1)]


async def states(db: DatabaseInterface, sources: list[Source]) -> dict[str, str]:
    return {found.name: found.state.value for found in await status(db, sources=sources)}


def test_each_owner_is_planned_by_its_own_numbers() -> None:
    found = [*files("platform", 1, 2, 3, 4), *files("billing", 1, 2), *files("shop", 1)]
    applied = rows(*found[:4], found[4])
    planned = plan_up(found, applied, owners=OWNERS)
    assert [file.name for file in planned] == ["billing/002_step", "shop/001_step"]


def test_a_target_is_a_number_of_the_last_owner_and_those_before_it_are_applied_whole() -> None:
    found = [*files("platform", 1, 2, 3), *files("billing", 1, 2)]
    planned = plan_up(found, [], 1, owners=("platform", "billing"))
    assert [file.name for file in planned] == ["001_step", "002_step", "003_step", "billing/001_step"]
    with pytest.raises(MigrationRefusedError, match="no migration 3 of module billing: there are 1, 2"):
        plan_up(found, [], 3, owners=("platform", "billing"))
    with pytest.raises(MigrationRefusedError, match="'down --module billing --target 1' goes back"):
        plan_up(found, rows(*found), 1, owners=("platform", "billing"))


def test_rows_of_an_owner_that_is_not_installed_are_shown_and_block_nothing() -> None:
    gone = files("gone", 1, 2)
    found = files("platform", 1, 2)
    applied = rows(found[0], *gone)
    statuses = plan_status(found, applied)
    assert [(each.owner, each.name, each.state) for each in statuses] == [
        ("platform", "001_step", State.APPLIED),
        ("platform", "002_step", State.PENDING),
        ("gone", "gone/001_step", State.NOT_INSTALLED),
        ("gone", "gone/002_step", State.NOT_INSTALLED),
    ]
    assert {each.note for each in statuses[2:]} == {"of module gone, which is not installed"}
    assert StatusSummary.of(statuses) == StatusSummary(applied=3, pending=1, problems=0)
    assert plan_up(found, applied) == found[1:]


def test_sources_that_cannot_be_read_are_all_named(make: Make, tmp_path: Path) -> None:
    sources = [make("platform", "fine"), make("billing", "Odd"), Source(tmp_path / "gone", "shop")]
    with pytest.raises(MigrationRefusedError, match=r"not named like .*Odd\.py; there is no folder .*gone'"):
        check_files(sources)


async def test_a_name_that_cannot_be_recorded_is_refused_before_anything_runs(
    db: DatabaseInterface, make: Make, tables: Tables
) -> None:
    owner = "x" * 250
    with pytest.raises(MigrationRefusedError, match=r"longer than the 255 characters .*: x+/001_long"):
        await up(db, sources=[make("platform", "one"), make(owner, "long")])
    assert await tables(db) == set()


def test_a_missing_file_is_a_problem_of_its_owner_alone() -> None:
    found = [*files("platform", 1, 2), *files("billing", 1, 3), *files("shop", 1, 2)]
    applied = rows(*files("billing", 1, 2))
    with pytest.raises(MigrationRefusedError, match="billing/002_step is missing") as caught:
        plan_up(found, applied, owners=OWNERS)
    assert "shop" not in str(caught.value)
    of_shop = [file for file in found if file.owner != "billing"]
    assert plan_up(of_shop, applied, owners=("platform", "shop")) == of_shop


def test_an_owner_without_files_is_installed_all_the_same() -> None:
    [status] = plan_status([], rows(*files("billing", 1)), ["platform", "billing"])
    assert (status.state, status.note) == (State.AHEAD, "applied by a newer version of module billing")


def test_the_platform_is_not_rolled_back_below_what_a_module_was_applied_on() -> None:
    found = files("platform", 1, 2, 3)
    applied = rows(*found[:2], *files("billing", 1), found[2])
    assert plan_down(found, applied) == [found[2]]
    with pytest.raises(MigrationRefusedError, match=r"002_step.*billing/001_step.*'down --module billing'"):
        plan_down(found, applied, 2)
    with pytest.raises(MigrationRefusedError, match="billing/001_step was applied after it"):
        plan_down(found, applied, target=0)


def test_counts_and_targets_of_down_are_those_of_its_owner() -> None:
    found = files("billing", 1, 2)
    applied = rows(*files("platform", 1, 2, 3), *found)
    assert plan_down(found, applied, 2, owner="billing") == found[::-1]
    with pytest.raises(MigrationRefusedError, match="cannot roll back 3 migrations of module billing: 2 are"):
        plan_down(found, applied, 3, owner="billing")
    with pytest.raises(MigrationRefusedError, match="migration 3 of module billing: applied are 1, 2"):
        plan_down(found, applied, target=3, owner="billing")


def test_marking_through_a_number_is_for_one_owner() -> None:
    found = [*files("platform", 1, 2), *files("billing", 1, 2)]
    assert plan_mark_applied(found, [], [], 1, owner="billing") == found[2:3]
    assert plan_mark_applied(found, [], ["001_step", "billing/002_step"]) == [found[0], found[3]]
    with pytest.raises(MigrationRefusedError, match="no migration 3 of module billing"):
        plan_mark_applied(found, [], [], 3, owner="billing")


@pytest.mark.parametrize("owner", ["", "a/b", "/"])
def test_an_owner_that_could_not_be_read_back_is_refused(tmp_path: Path, owner: str) -> None:
    with pytest.raises(ValueError, match="cannot own migrations"):
        Source(tmp_path, owner)


async def test_all_owners_go_up_in_turn_and_are_recorded_with_their_names(
    db: DatabaseInterface, three: list[Source], tables: Tables
) -> None:
    expected = (
        "001_platform_a",
        "002_platform_b",
        "billing/001_billing_a",
        "billing/002_billing_b",
        "shop/001_shop_a",
        "shop/002_shop_b",
    )
    assert await up(db, sources=three, dry_run=True) == MigrationRun(planned=expected)
    assert await tables(db) == set()
    assert (await up(db, sources=three)).applied == expected
    assert tuple(row["name"] for row in await db.fetch_all("SELECT name FROM _migrations ORDER BY id")) == (
        expected
    )
    assert await up(db, sources=three) == MigrationRun()


async def test_rolling_back_one_owner_leaves_the_others(
    db: DatabaseInterface, three: list[Source], tables: Tables
) -> None:
    await up(db, sources=three)
    assert (await down(db, 2, source=three[1])).reverted == ("billing/002_billing_b", "billing/001_billing_a")
    assert await tables(db) == {"_migrations", "platform_a", "platform_b", "shop_a", "shop_b"}
    assert [state for name, state in (await states(db, three)).items() if "billing" in name] == [
        "pending"
    ] * 2
    with pytest.raises(MigrationRefusedError, match="shop/002_shop_b was applied after it"):
        await down(db, source=three[0])
    assert (await down(db, target=0, source=three[2])).reverted == ("shop/002_shop_b", "shop/001_shop_a")
    assert (await down(db, source=three[0])).reverted == ("002_platform_b",)


async def test_a_database_of_the_platform_alone_goes_on_with_modules(
    db: DatabaseInterface, make: Make
) -> None:
    shipped = (await up(db)).applied
    billing = make("billing", "invoices")
    assert (await up(db, sources=[Source(), billing])).applied == ("billing/001_invoices",)
    assert await up(db) == MigrationRun()
    assert [found.state for found in await status(db)] == ["applied"] * len(shipped) + ["not installed"]


async def test_a_failing_migration_of_one_owner_keeps_those_before_it(
    db: DatabaseInterface, three: list[Source], tables: Tables
) -> None:
    (three[1].directory / "002_billing_b.py").write_text("async def up(conn): raise RuntimeError('boom')")
    with pytest.raises(
        MigrationFailedError, match="'billing/002_billing_b' failed: RuntimeError: boom"
    ) as caught:
        await up(db, sources=three)
    assert caught.value.done == ("001_platform_a", "002_platform_b", "billing/001_billing_a")
    assert caught.value.remaining == ("shop/001_shop_a", "shop/002_shop_b")
    assert await tables(db) == {"_migrations", "platform_a", "platform_b", "billing_a"}


async def test_files_of_the_same_name_of_two_owners_are_two_migrations(
    db: DatabaseInterface, make: Make
) -> None:
    sources = [make("platform"), make("billing", "x"), make("shop", "y")]
    (sources[2].directory / "001_y.py").rename(sources[2].directory / "001_x.py")
    assert (await up(db, sources=sources)).applied == ("billing/001_x", "shop/001_x")
    assert await mark_pending(db, ["shop/001_x"]) == ("shop/001_x",)
    assert await states(db, sources) == {"billing/001_x": "applied", "shop/001_x": "pending"}
    assert await mark_applied(db, ["shop/001_x"], sources=sources) == ("shop/001_x",)
    assert await states(db, sources) == {"billing/001_x": "applied", "shop/001_x": "applied"}


async def test_a_module_on_an_empty_database_of_its_own_makes_the_table_of_migrations(
    db: DatabaseInterface, make: Make, tables: Tables
) -> None:
    assert await mark_applied(db, through=1, sources=[make("billing", "a", "b")]) == ("billing/001_a",)
    assert await tables(db) == {"_migrations"}


async def test_runs_for_different_owners_at_once_apply_everything_once(
    db: DatabaseInterface, three: list[Source]
) -> None:
    platform, billing, shop = three
    runs = await asyncio.gather(
        *(up(db, sources=sources) for sources in ([platform], [platform, billing], [platform, shop], three))
    )
    applied = [name for run in runs for name in run.applied]
    assert len(applied) == len(set(applied)) == 6


async def test_the_migrations_of_a_module_are_walked_on_those_before_them(
    db: DatabaseInterface, make: Make
) -> None:
    billing, seen = make("billing", "invoices", "payments"), []

    async def fill(db: DatabaseInterface, name: str) -> None:
        seen.append(name)

    await check_round_trips(db, sources=[Source(), billing], fill=fill)
    assert seen == ["billing/001_invoices"] * 2 + ["billing/002_payments"] * 2
