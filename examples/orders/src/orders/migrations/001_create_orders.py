"""Create the table of orders."""

from platform_interfaces import DatabaseInterface


async def up(conn: DatabaseInterface) -> None:
    """Apply this migration; ``id``, ``event_date`` and ``created_at`` are what every load needs."""
    await conn.execute("""
        CREATE TABLE orders (
            id BIGSERIAL PRIMARY KEY,
            order_id TEXT NOT NULL UNIQUE,
            amount NUMERIC NOT NULL,
            items INTEGER NOT NULL,
            is_paid BOOLEAN NOT NULL,
            ordered_at TIMESTAMPTZ NOT NULL,
            event_date DATE NOT NULL,
            created_at TIMESTAMPTZ NOT NULL
        )
    """)


async def down(conn: DatabaseInterface) -> None:
    """Reverse this migration."""
    await conn.execute("DROP TABLE orders")
