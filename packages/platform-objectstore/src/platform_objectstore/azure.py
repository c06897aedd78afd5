"""``FileSystemInterface`` on Azure Blob Storage; no test runs it."""

from functools import partial
from typing import TYPE_CHECKING

from obstore.store import AzureStore

from platform_interfaces import SecretsInterface
from platform_objectstore._bucket import make_bucket
from platform_objectstore.filesystem import ObjectStoreFileSystem

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig


class AzureFileSystem(ObjectStoreFileSystem):
    """The blobs below ``FS_AZURE_PREFIX`` in ``FS_AZURE_CONTAINER`` of ``FS_AZURE_ACCOUNT``; not tested.

    Credentials are those of Azure's variables, or of the managed identity.

    Raises:
        ConfigurationError: when a setting is missing or wrong.
    """

    def __init__(self, secrets: SecretsInterface) -> None:
        """Read the settings; no request is made."""
        account = secrets.require("FS_AZURE_ACCOUNT")
        bucket = make_bucket(
            secrets,
            "FS_AZURE",
            scheme="az",
            name_setting="CONTAINER",
            endpoint=f"https://{account}.blob.core.windows.net",
            credentials="Azure's variables or the managed identity",
            open_store=partial(_open_store, account),
        )
        super().__init__(bucket)


def _open_store(
    account: str, name: str, prefix: str | None, options: "ClientConfig", retries: "RetryConfig"
) -> AzureStore:
    return AzureStore(name, prefix=prefix, account_name=account, client_options=options, retry_config=retries)
