"""A second module on the same ingestion: its own table, rejects and figures, as the command shows them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.command import Outcome, Platform

DAY = ("--date", "2026-01-15", "--source-path", "raw/orders", "--log", "json")
FILE = "raw/orders/2026-01-15/a.jsonl"
MIGRATION = "orders/001_create_orders"


@pytest.fixture
def run(platform: Platform, orders_site: Path, postgres_url: str) -> Platform:
    """Run a command on an empty PostgreSQL."""

    def run(*args: str, **variables: str) -> Outcome:
        settings = {"DB_POSTGRES_URL": postgres_url, "PLATFORM_DB": "postgres", **variables}
        return platform(*args, PYTHONPATH=str(orders_site), **settings)

    return run


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "files" / FILE
    path.parent.mkdir(parents=True)
    return path


def make_order(order_id: str, **changes: Any) -> str:
    order = {"order_id": order_id, "amount": 9.5, "items": 2, "is_paid": True}
    return json.dumps({**order, "ordered_at": "2026-01-15T10:00:00Z", **changes}) + "\n"


def figures(done: Outcome) -> dict[str, Any]:
    """Return the figures in the end line of a run that has succeeded."""
    end = done.events()[-1]
    assert (done.code, end["event"], end["module"]) == (0, "Run complete", "orders"), done.log
    names = ("inserted", "skipped", "duplicates", "invalid_by_reason")
    return {name: end["figures"][name] for name in names if end["figures"][name]}


def test_its_table_comes_with_a_run_and_goes_when_it_is_rolled_back(run: Platform, source: Path) -> None:
    source.write_text(make_order("a"))
    first = run("run", "orders", *DAY)
    [applied] = [event for event in first.events() if event["event"] == "Applied migrations"]
    assert applied["migrations"][-1] == MIGRATION
    assert figures(first) == {"inserted": 1}
    assert run("migrate", "down", "--module", "orders").out == f"rolled back {MIGRATION}\n"
    assert figures(run("run", "orders", *DAY)) == {"inserted": 1}


def test_an_order_is_stored_once_and_an_id_that_is_known_is_skipped(run: Platform, source: Path) -> None:
    source.write_text(make_order("a") + make_order("b") + make_order("a", amount=7))
    assert figures(run("run", "orders", *DAY, "--dry-run")) == {"duplicates": 1}
    assert figures(run("run", "orders", *DAY)) == {"inserted": 2, "duplicates": 1}
    source.write_text(make_order("a", amount=7) + make_order("c"))
    assert figures(run("run", "orders", *DAY)) == {"inserted": 1, "skipped": 1}


def test_bad_orders_are_named_by_its_own_codes_and_loaded_once_mended(run: Platform, source: Path) -> None:
    bad = make_order("b", amount="9.50", items=0) + make_order("c", items=2**31)
    source.write_text(make_order("a") + bad)
    rejected = {"invalid_amount": 1, "refused_by_database": 1}
    assert figures(run("run", "orders", *DAY)) == {"inserted": 1, "invalid_by_reason": rejected}
    listed = run("rejects", "list").out
    assert re.search(f"{FILE} +2 +invalid_amount 1, refused_by_database 1", listed)
    shown = run("rejects", "show", FILE).out
    assert "invalid_items: items is not a whole number above 0" in shown
    kept = source.parents[3] / "rejected" / "raw/orders/2026-01-15/rejects.jsonl"
    first, *others = kept.read_text().splitlines()
    kept.write_text("\n".join([json.dumps({**json.loads(first), "raw": make_order("b")}), *others]) + "\n")
    left = {"refused_by_database": 1}
    assert figures(run("rejects", "retry", "orders", *DAY)) == {"inserted": 1, "invalid_by_reason": left}
    assert figures(run("rejects", "retry", "orders", *DAY)) == {"invalid_by_reason": left}


def test_fields_without_a_column_are_reported_without_an_option_that_it_lacks(
    run: Platform, source: Path
) -> None:
    source.write_text(make_order("a", coupon="X"))
    done = run("run", "orders", *DAY)
    [event] = [event for event in done.events() if event["event"].startswith("Some fields are not stored")]
    assert event["fields"] == {"coupon": 1}
    assert "--unknown-fields" not in done.log
