from platform_postgres.testing import postgres_server, postgres_url

__all__ = ["postgres_server", "postgres_url"]
