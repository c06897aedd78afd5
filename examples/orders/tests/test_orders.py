import json
from pathlib import Path

import orders
import platform_migrate
from orders.main import run
from platform_interfaces import PlatformContext
from platform_memory import MemoryDatabase, MemoryFileSystem, MemoryLogger

ORDER = {"order_id": "A1", "amount": 9.5, "items": 1, "is_paid": True, "ordered_at": "2026-01-15T10:00:00Z"}
MIGRATIONS = platform_migrate.Source(Path(orders.__path__[0], "migrations"), "orders")


async def test_each_order_is_stored_once_and_each_bad_one_is_named() -> None:
    fs, log = MemoryFileSystem(), MemoryLogger()
    lines = [json.dumps(order) for order in (ORDER, ORDER, {**ORDER, "amount": "9", "items": 0})]
    await fs.write("raw/2026-01-15/a.jsonl", "\n".join(lines).encode())
    async with MemoryDatabase() as db:
        await platform_migrate.up(db, sources=(MIGRATIONS,))
        config = {"date": "2026-01-15", "source-path": "raw"}
        assert await run(PlatformContext(log=log, db=db, fs=fs, config=config)) == 0
        assert [row["items"] for row in await db.fetch_all("SELECT items FROM orders")] == [1]
    totals = [log.events[-1].fields[name] for name in ("inserted", "duplicates", "invalid_by_reason")]
    assert totals == [1, 1, {"invalid_amount": 1}]
