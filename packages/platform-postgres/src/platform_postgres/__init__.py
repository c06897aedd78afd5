"""PostgreSQL over asyncpg, and a PostgreSQL server that needs no installation."""
