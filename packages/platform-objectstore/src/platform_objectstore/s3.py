"""``FileSystemInterface`` on S3, and on servers that speak its protocol."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import urlsplit

from obstore.store import S3Store

from platform_interfaces import Check, CheckStatus, ConfigurationError, Finding, SecretsInterface
from platform_objectstore._aws_credentials import ROLE, AwsCredentials, find_credentials
from platform_objectstore._bucket import make_bucket
from platform_objectstore.filesystem import ObjectStoreFileSystem

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig, S3Config

_METADATA_SERVICE = "http://169.254.169.254"
_METADATA_SECONDS = 2


class S3FileSystem(ObjectStoreFileSystem):
    """The objects below ``FS_S3_PREFIX`` in the bucket ``FS_S3_BUCKET``.

    ``FS_S3_ENDPOINT`` names another server than AWS; the bucket is a part of the path then, not of the host.
    Credentials are those of the settings, of AWS's variables, of a profile with keys, or of the role of the
    container or machine.

    Raises:
        ConfigurationError: when a setting is missing or wrong, or the profile cannot be used.
    """

    setting: ClassVar[str] = "FS_S3"
    needs_endpoint: ClassVar[bool] = False

    def __init__(self, secrets: SecretsInterface) -> None:
        """Read the settings; no request is made."""
        endpoint = self._read_endpoint(secrets)
        credentials = find_credentials(secrets, self.setting)
        region = (
            secrets.get(f"{self.setting}_REGION")
            or secrets.get("AWS_REGION")
            or secrets.get("AWS_DEFAULT_REGION")
            or credentials.region
            or "us-east-1"
        )
        self._metadata_service = secrets.get_or_default("AWS_METADATA_ENDPOINT", _METADATA_SERVICE)
        bucket = make_bucket(
            secrets,
            self.setting,
            scheme="s3",
            name_setting="BUCKET",
            endpoint=endpoint or f"https://s3.{region}.amazonaws.com",
            credentials=credentials.source,
            open_store=partial(_open_store, endpoint, region, credentials),
        )
        super().__init__(bucket)

    async def connect(self) -> None:
        """See that the role which is to have the credentials can be asked for; nothing else is opened.

        Raises:
            ConfigurationError: when there are no credentials, and no role either.
        """
        if self._bucket.credentials == ROLE and not await self._has_metadata_service():
            raise ConfigurationError(
                f"there are no credentials for {self.locate()!r}: looked in {self.setting}_ACCESS_KEY_ID, "
                "AWS_ACCESS_KEY_ID, the profile, and for a role of this container or machine"
            )

    def list_checks(self) -> Sequence[Check]:
        return [Check("credentials", self._check_credentials)]

    async def _check_credentials(self) -> Finding:
        bucket = self._bucket
        return Finding(CheckStatus.OK, f"from {bucket.credentials}, for {bucket.endpoint!r}")

    def _read_endpoint(self, secrets: SecretsInterface) -> str:
        """Return the URL of the server; empty for AWS itself."""
        name = f"{self.setting}_ENDPOINT"
        if not (value := secrets.get(name) or ""):
            if self.needs_endpoint:
                return secrets.require(name)
            return secrets.get("AWS_ENDPOINT_URL_S3") or secrets.get("AWS_ENDPOINT_URL") or ""
        with suppress(ValueError):
            parts = urlsplit(value.rstrip("/"))
            is_plain = not (parts.username or parts.path or parts.query or parts.fragment)
            if parts.scheme in ("http", "https") and parts.hostname and is_plain:
                return value.rstrip("/")
        shown = "it" if "@" in value else f"{name} is {value!r}: it"
        raise ConfigurationError(
            f"{name}: {shown} must be a URL without user and path, such as http://localhost:9000"
        )

    async def _has_metadata_service(self) -> bool:
        """Return whether something answers there; the client itself would try for the whole time limit."""
        parts = urlsplit(self._metadata_service)
        try:
            async with asyncio.timeout(_METADATA_SECONDS):
                _, writer = await asyncio.open_connection(parts.hostname, parts.port or 80)
        except (OSError, TimeoutError):
            return False
        writer.close()
        return True


class MinioFileSystem(S3FileSystem):
    """The objects below ``FS_MINIO_PREFIX`` in the bucket ``FS_MINIO_BUCKET`` of ``FS_MINIO_ENDPOINT``.

    It is S3 with settings of its own, and an endpoint that must be set.
    """

    setting = "FS_MINIO"
    needs_endpoint = True


def _open_store(
    endpoint: str,
    region: str,
    credentials: AwsCredentials,
    name: str,
    prefix: str | None,
    options: "ClientConfig",
    retries: "RetryConfig",
) -> S3Store:
    config: S3Config = {"region": region, "disable_bulk_delete": True}  # one key at a time; not all have it
    if endpoint:
        config["aws_endpoint_url_s3"] = endpoint  # it wins over the client's own variables
    return S3Store(
        name,
        prefix=prefix,
        config=config,
        client_options=options,
        retry_config=retries,
        credential_provider=credentials if credentials.key else None,
    )
