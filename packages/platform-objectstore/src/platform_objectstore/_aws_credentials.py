"""The credentials of S3: from the secret store, a profile, or whatever role the machine has."""

import configparser
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from platform_interfaces import ConfigurationError, SecretsInterface

if TYPE_CHECKING:
    from obstore.store import S3Credential

ROLE = "the role of this machine"
"""The source of credentials that nothing names: the client asks the metadata service of the machine."""

_NAMED_ROLES = {
    "AWS_WEB_IDENTITY_TOKEN_FILE": "the web identity of AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "the role of this container",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI": "the role of this container",
}
_NOT_READ = ("sso_session", "sso_start_url", "role_arn", "credential_process", "login_session")


@dataclass(frozen=True)
class AwsCredentials:
    """A key with its secret, or, without them, a role that the client asks for by itself.

    Attributes:
        source: where they come from, in words.
        region: that of the profile, if they are a profile's and it has one.
    """

    source: str
    key: str = field(default="", repr=False)
    secret: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    region: str = ""

    def __call__(self) -> "S3Credential":
        """Return them as the client asks for them."""
        return {
            "access_key_id": self.key,
            "secret_access_key": self.secret,
            "token": self.token or None,
            "expires_at": None,
        }


def find_credentials(secrets: SecretsInterface, setting: str) -> AwsCredentials:
    """Return the credentials: those of our settings, of AWS's variables, of the profile, or a role's.

    Raises:
        ConfigurationError: when half of them is set, or the profile cannot be used.
    """
    for prefix in (setting, "AWS"):
        names = (f"{prefix}_ACCESS_KEY_ID", f"{prefix}_SECRET_ACCESS_KEY")
        key, secret = (secrets.get(name) or "" for name in names)
        if key and secret:
            token = secrets.get(f"{prefix}_SESSION_TOKEN") or ""
            return AwsCredentials(names[0], key, secret, token)
        if key or secret:
            given, missing = names if key else reversed(names)
            raise ConfigurationError(f"{given} is set and {missing} is not: set both, or neither")
    if not secrets.get("AWS_PROFILE"):
        for variable, role in _NAMED_ROLES.items():
            if secrets.get(variable):
                return AwsCredentials(role)
    return _read_profile(secrets) or AwsCredentials(ROLE)


def _read_profile(secrets: SecretsInterface) -> AwsCredentials | None:
    """Return the credentials of the profile; None where there is none and none is asked for."""
    asked = secrets.get("AWS_PROFILE")
    name = asked or "default"
    folder = Path.home() / ".aws"
    keys_file = secrets.get_or_default("AWS_SHARED_CREDENTIALS_FILE", str(folder / "credentials"))
    config_file = secrets.get_or_default("AWS_CONFIG_FILE", str(folder / "config"))
    section = "default" if name == "default" else f"profile {name}"
    profile = {**_read_section(config_file, section), **_read_section(keys_file, name)}
    key, secret = profile.get("aws_access_key_id", ""), profile.get("aws_secret_access_key", "")
    source = f"the profile {name!r}"
    if key and secret:
        return AwsCredentials(
            source, key, secret, profile.get("aws_session_token", ""), profile.get("region", "")
        )
    if unread := next((option for option in _NOT_READ if option in profile), ""):
        raise ConfigurationError(
            f"{source} has {unread!r}, which is not followed here: "
            f'run eval "$(aws configure export-credentials --profile {name} --format env)" first'
        )
    if asked:
        raise ConfigurationError(
            f"AWS_PROFILE is {name!r}: there is no such profile with keys in {keys_file!r} or {config_file!r}"
        )
    return None


def _read_section(file: str, section: str) -> Mapping[str, str]:
    parser = configparser.RawConfigParser()
    try:
        parser.read(Path(file).expanduser(), encoding="utf-8")
    except (configparser.Error, OSError, UnicodeDecodeError) as error:
        # Not its text: it has the line, and that may have the secret.
        raise ConfigurationError(f"the profiles in {file!r} cannot be read: {type(error).__name__}") from None
    return parser[section] if parser.has_section(section) else {}
