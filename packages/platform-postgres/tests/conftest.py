from platform_postgres.testing import embedded_dir, postgres_server, postgres_url

__all__ = ["embedded_dir", "postgres_server", "postgres_url"]
