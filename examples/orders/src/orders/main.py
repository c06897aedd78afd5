"""A day of orders into the table of orders."""

from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar

from batch_etl import ingest
from platform_interfaces import PlatformContext, Undo


class OrderCode(ingest.RejectCode):
    """Why a record is not a valid order."""

    INVALID_ORDER_ID = "invalid_order_id", "order_id is not a string of 1 to 100 characters"
    INVALID_AMOUNT = "invalid_amount", "amount is not a number"
    INVALID_ITEMS = "invalid_items", "items is not a whole number above 0"
    INVALID_IS_PAID = "invalid_is_paid", "is_paid is not true or false"
    INVALID_ORDERED_AT = "invalid_ordered_at", "ordered_at is not a timestamp with an offset from UTC"


class OrderCleaner:
    """Checks the fields of an order, and reads its timestamp."""

    columns: ClassVar = {
        "order_id": ingest.TEXT,
        "amount": ingest.NUMERIC,
        "items": ingest.INTEGER,
        "is_paid": ingest.BOOLEAN,
        "ordered_at": ingest.TIMESTAMP,
    }
    key, fields = "order_id", tuple(columns)
    table, migration = "orders", "orders/001_create_orders"

    def clean(self, record: Any, /) -> ingest.CleanRow | ingest.PartlyStored | ingest.Rejected:
        """Return the order, or all codes of why the record is not a valid one."""
        if not isinstance(record, dict):
            return ingest.Rejected((ingest.LineCode.NOT_AN_OBJECT,))
        order_id, amount, items, is_paid, text = map(record.get, self.fields)
        try:
            ordered_at: datetime | None = datetime.fromisoformat(str(text))
        except ValueError:
            ordered_at = None
        checks = {
            OrderCode.INVALID_ORDER_ID: isinstance(order_id, str) and 0 < len(order_id) <= 100,
            OrderCode.INVALID_AMOUNT: type(amount) in (int, Decimal),
            OrderCode.INVALID_ITEMS: type(items) is int and items > 0,
            OrderCode.INVALID_IS_PAID: isinstance(is_paid, bool),
            OrderCode.INVALID_ORDERED_AT: ordered_at is not None and ordered_at.tzinfo is not None,
        }
        if codes := [code for code, is_valid in checks.items() if not is_valid]:
            return ingest.Rejected(codes)
        row = order_id, amount, items, is_paid, ordered_at
        unstored = tuple(name for name in record if name not in self.fields)
        return ingest.PartlyStored(row, unstored) if unstored else row


def read_config(ctx: PlatformContext, *, is_retry: bool = False) -> ingest.LoadConfig:
    """Return what is loaded."""
    return ingest.LoadConfig.from_arguments(ctx.config, default_table="orders", is_retry=is_retry)


async def run(ctx: PlatformContext) -> int:
    """Load the orders of a date."""
    return await ingest.load(ctx, read_config(ctx), OrderCleaner(), title="Orders")


async def retry(ctx: PlatformContext) -> int:
    """Load what now passes of the orders that were rejected."""
    return await ingest.load(ctx, read_config(ctx, is_retry=True), OrderCleaner(), title="Orders")


async def undo(ctx: PlatformContext) -> Undo:
    """Return how the orders of a run are removed."""
    return await ingest.find_undo(ctx, read_config(ctx), OrderCleaner())
