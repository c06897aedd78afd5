"""PostgreSQL over asyncpg; a server that needs no installation is in ``platform_postgres.embedded``."""

from platform_postgres.database import PostgresDatabase

__all__ = ["PostgresDatabase"]
