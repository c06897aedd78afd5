from platform_objectstore.testing import s3_client, s3_server, s3_settings

__all__ = ["s3_client", "s3_server", "s3_settings"]
