"""``FileSystemInterface`` on Google Cloud Storage; no test runs it."""

from typing import TYPE_CHECKING

from obstore.store import GCSStore

from platform_interfaces import SecretsInterface
from platform_objectstore._bucket import make_bucket
from platform_objectstore.filesystem import ObjectStoreFileSystem

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig


class GcsFileSystem(ObjectStoreFileSystem):
    """The objects below ``FS_GCS_PREFIX`` in the bucket ``FS_GCS_BUCKET``; not tested on a server.

    Credentials are Google's application default credentials. Signed URLs need a service account.

    Raises:
        ConfigurationError: when a setting is missing or wrong.
    """

    def __init__(self, secrets: SecretsInterface) -> None:
        """Read the settings; no request is made."""
        bucket = make_bucket(
            secrets,
            "FS_GCS",
            scheme="gs",
            name_setting="BUCKET",
            endpoint="https://storage.googleapis.com",
            credentials="the application default credentials",
            open_store=_open_store,
        )
        super().__init__(bucket)


def _open_store(name: str, prefix: str | None, options: "ClientConfig", retries: "RetryConfig") -> GCSStore:
    return GCSStore(name, prefix=prefix, client_options=options, retry_config=retries)
