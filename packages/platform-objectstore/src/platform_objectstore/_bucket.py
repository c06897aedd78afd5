"""A bucket and the prefix in it, as the settings name them, and how long a call to it may take."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, TypeAlias

from obstore.store import AzureStore, GCSStore, S3Store

from platform_interfaces import ConfigurationError, InvalidPathError, SecretsInterface, check_prefix

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig

Store: TypeAlias = S3Store | GCSStore | AzureStore

DEFAULT_TIMEOUT_SECONDS = 60
_MAX_RETRIES = 6


@dataclass(frozen=True)
class Bucket:
    """Where the files are, and the client that reaches them.

    Attributes:
        setting: what the names of its settings begin with, such as ``FS_S3``.
        name: of the bucket.
        url: of the bucket and the prefix in it, such as ``s3://lake/raw``; without a slash at its end.
        endpoint: where requests go, for messages.
        timeout_seconds: the limit of a request, its retries included, and of each block of a transfer.
        credentials: where they come from, for messages.
        store: the client; its paths are below the prefix.
    """

    setting: str
    name: str
    url: str
    endpoint: str
    timeout_seconds: int
    credentials: str
    store: Store = field(repr=False)

    def locate(self, path: str = "") -> str:
        """Return the URL of a path."""
        return f"{self.url}/{path}" if path else self.url


def read_bucket_name(secrets: SecretsInterface, setting: str) -> str:
    """Return the name of the bucket, which the setting must name and nothing else.

    Raises:
        ConfigurationError: when it is not set, or is a URL or a path.
    """
    value = secrets.require(setting)
    if "/" in value:
        name, _, prefix = value.rpartition("://")[2].partition("/")
        advice = f"set it to {name!r}"
        if prefix := prefix.strip("/"):
            advice += f", and {setting.rpartition('_')[0]}_PREFIX to {prefix!r}"
        raise ConfigurationError(f"{setting} is {value!r}: it must be a name alone: {advice}")
    return value


def read_prefix(secrets: SecretsInterface, setting: str) -> str:
    """Return what all keys begin with, without slashes at its ends; empty for the whole bucket.

    Raises:
        ConfigurationError: when no path can have it.
    """
    value = secrets.get(setting) or ""
    try:
        return check_prefix(value)
    except InvalidPathError as error:
        reason = str(error).rpartition(" is refused: ")[2]
        raise ConfigurationError(f"{setting} is {value!r}: {reason}, as in 'raw/events'") from error


def read_timeout(secrets: SecretsInterface, setting: str) -> int:
    """Return the limit of a request, in seconds.

    Raises:
        ConfigurationError: when it is not a whole number above 0.
    """
    value = secrets.get_or_default(setting, str(DEFAULT_TIMEOUT_SECONDS))
    if not (value.isascii() and value.isdigit() and int(value)):
        raise ConfigurationError(f"{setting} is {value!r}: it must be a number of seconds, such as 60")
    return int(value)


def client_options(timeout_seconds: int, *, allows_http: bool) -> "ClientConfig":
    """Return the limits of one attempt at a request.

    There is none on the length of a transfer, but on the time without any progress.
    """
    attempt = timedelta(seconds=timeout_seconds / 3)
    return {
        "allow_http": allows_http,
        "connect_timeout": min(timedelta(seconds=5), attempt),
        "read_timeout": attempt,
        "timeout": timedelta(days=30),  # a slow reader of a large file is not an error
    }


def retry_config(timeout_seconds: int) -> "RetryConfig":
    """Return how often, and until when, a request is tried again; the last attempt ends with the limit."""
    return {
        "max_retries": _MAX_RETRIES,
        "retry_timeout": timedelta(seconds=timeout_seconds * 2 / 3),
        "backoff": {
            "init_backoff": timedelta(milliseconds=100),
            "max_backoff": timedelta(seconds=min(5, timeout_seconds / 6)),
            "base": 2,
        },
    }


def make_bucket(
    secrets: SecretsInterface,
    setting: str,
    *,
    scheme: str,
    name_setting: str,
    endpoint: str,
    credentials: str,
    open_store: "Callable[[str, str | None, ClientConfig, RetryConfig], Store]",
) -> Bucket:
    """Return the bucket that the settings name.

    Args:
        secrets: where the settings are.
        setting: what their names begin with.
        scheme: that of the URL.
        name_setting: the end of the name of the setting that names the bucket.
        endpoint: where requests go.
        credentials: where they come from, in words.
        open_store: makes the client from the name, the prefix, the limits and the retries.

    Raises:
        ConfigurationError: when a setting is missing or wrong.
    """
    name = read_bucket_name(secrets, f"{setting}_{name_setting}")
    prefix = read_prefix(secrets, f"{setting}_PREFIX")
    timeout = read_timeout(secrets, f"{setting}_TIMEOUT")
    options = client_options(timeout, allows_http=endpoint.startswith("http://"))
    try:
        store = open_store(name, prefix or None, options, retry_config(timeout))
    except Exception as error:  # the client has no common class for what it refuses
        raise ConfigurationError(f"{setting}_{name_setting} {name!r} cannot be used: {error}") from error
    url = f"{scheme}://{name}/{prefix}" if prefix else f"{scheme}://{name}"
    return Bucket(setting, name, url, endpoint, timeout, credentials, store)
