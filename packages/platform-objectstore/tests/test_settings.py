"""The settings: what is missing or wrong is reported before any request, with what to do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from platform_interfaces import ConfigurationError, FileSystemInterface, MissingSecretError
from platform_memory import MemorySecrets
from platform_objectstore import AzureFileSystem, GcsFileSystem, MinioFileSystem, S3FileSystem
from platform_objectstore._aws_credentials import find_credentials

SECRET = "wJalrXUtnFEMI"
KEYS = {"FS_S3_ACCESS_KEY_ID": "AKIA1", "FS_S3_SECRET_ACCESS_KEY": SECRET}
SETTINGS = {"FS_S3_BUCKET": "lake", **KEYS}


@pytest.fixture(autouse=True)
def _nothing_of_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1")


def make(settings: Mapping[str, str]) -> S3FileSystem:
    return S3FileSystem(MemorySecrets(settings))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"FS_S3_BUCKET": ""}, "'FS_S3_BUCKET' is not set"),
        ({"FS_S3_BUCKET": "s3://lake/raw/"}, "set it to 'lake', and FS_S3_PREFIX to 'raw'"),
        ({"FS_S3_BUCKET": "s3://lake"}, "a name alone: set it to 'lake'$"),
        ({"FS_S3_PREFIX": "/raw"}, r"FS_S3_PREFIX is '/raw': it must be relative to the root, as in"),
        ({"FS_S3_PREFIX": "raw//a"}, "no part may be empty"),
        ({"FS_S3_PREFIX": "../raw"}, "no part may be empty, '.' or '..'"),
        ({"FS_S3_TIMEOUT": "1m"}, "FS_S3_TIMEOUT is '1m': it must be a number of seconds, such as 60"),
        ({"FS_S3_TIMEOUT": "0"}, "must be a number of seconds"),
        ({"FS_S3_ENDPOINT": "localhost:9000"}, "must be a URL without user and path, such as http://"),
        ({"FS_S3_ENDPOINT": "ftp://localhost"}, "must be a URL"),
        ({"FS_S3_ENDPOINT": "http://[::1"}, "must be a URL"),
        ({"FS_S3_ENDPOINT": "http://host/bucket"}, "without user and path"),
        ({"FS_S3_SECRET_ACCESS_KEY": ""}, "KEY_ID is set and FS_S3_SECRET_ACCESS_KEY is not: set both"),
        ({"FS_S3_ACCESS_KEY_ID": ""}, "FS_S3_SECRET_ACCESS_KEY is set and FS_S3_ACCESS_KEY_ID is not"),
    ],
)
def test_a_setting_that_is_wrong_is_named(changes: Mapping[str, str], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message) as caught:
        make({**SETTINGS, **changes})
    assert SECRET not in str(caught.value)


def test_an_endpoint_with_a_password_is_not_shown() -> None:
    with pytest.raises(ConfigurationError, match="FS_S3_ENDPOINT: it must be a URL without user") as caught:
        make({**SETTINGS, "FS_S3_ENDPOINT": "http://me:password1@host"})
    assert "password1" not in str(caught.value)


@pytest.mark.parametrize("prefix", ["raw/events", "raw/events/"])
def test_a_prefix_may_end_with_a_slash(prefix: str) -> None:
    assert make({**SETTINGS, "FS_S3_PREFIX": prefix}).locate("a") == "s3://lake/raw/events/a"


def test_minio_has_settings_of_its_own_and_needs_an_endpoint() -> None:
    settings = {
        "FS_MINIO_BUCKET": "lake",
        "FS_MINIO_ACCESS_KEY_ID": "minioadmin",
        "FS_MINIO_SECRET_ACCESS_KEY": "minioadmin",
    }
    with pytest.raises(MissingSecretError, match="FS_MINIO_ENDPOINT"):
        MinioFileSystem(MemorySecrets(settings))
    fs = MinioFileSystem(MemorySecrets({**settings, "FS_MINIO_ENDPOINT": "http://localhost:9000/"}))
    assert fs.locate() == "s3://lake"


@pytest.mark.parametrize(
    ("adapter", "settings", "location"),
    [
        (GcsFileSystem, {"FS_GCS_BUCKET": "lake", "FS_GCS_PREFIX": "raw"}, "gs://lake/raw/a"),
        (AzureFileSystem, {"FS_AZURE_ACCOUNT": "me", "FS_AZURE_CONTAINER": "lake"}, "az://lake/a"),
    ],
)
def test_other_stores_can_be_made_from_their_settings(
    adapter: Any, settings: Mapping[str, str], location: str
) -> None:
    fs: FileSystemInterface = adapter(MemorySecrets(settings))
    assert fs.locate("a") == location
    for name in settings:
        if not name.endswith("PREFIX"):
            with pytest.raises(MissingSecretError, match=name):
                adapter(MemorySecrets({**settings, name: ""}))


class TestCredentials:
    """In the order of the page on object stores."""

    @pytest.fixture
    def _profiles(self, tmp_path: Path) -> None:
        (tmp_path / ".aws").mkdir()
        (tmp_path / ".aws/credentials").write_text(
            "[default]\naws_access_key_id = AKIA3\naws_secret_access_key = s3\n"
            "[etl]\naws_access_key_id = AKIA4\naws_secret_access_key = s4\naws_session_token = t4\n"
        )
        (tmp_path / ".aws/config").write_text(
            "[default]\nregion = eu-west-1\n[profile etl]\nregion = eu-west-2\n"
            "[profile single]\nsso_session = us\n[profile role]\nrole_arn = arn:aws:iam::1:role/r\n"
        )

    @pytest.mark.usefixtures("_profiles")
    @pytest.mark.parametrize(
        ("settings", "expected"),
        [
            (
                {**KEYS, "FS_S3_SESSION_TOKEN": "t1", "AWS_ACCESS_KEY_ID": "AKIA2"},
                ("FS_S3_ACCESS_KEY_ID", "AKIA1", SECRET, "t1", ""),
            ),
            (
                {"AWS_ACCESS_KEY_ID": "AKIA2", "AWS_SECRET_ACCESS_KEY": "s2", "AWS_PROFILE": "etl"},
                ("AWS_ACCESS_KEY_ID", "AKIA2", "s2", "", ""),
            ),
            (
                {"AWS_WEB_IDENTITY_TOKEN_FILE": "/token"},
                ("the web identity of AWS_WEB_IDENTITY_TOKEN_FILE", "", "", "", ""),
            ),
            (
                {"AWS_WEB_IDENTITY_TOKEN_FILE": "/token", "AWS_PROFILE": "etl"},
                ("the profile 'etl'", "AKIA4", "s4", "t4", "eu-west-2"),
            ),
            ({}, ("the profile 'default'", "AKIA3", "s3", "", "eu-west-1")),
        ],
    )
    def test_the_first_source_that_has_any_is_used(
        self, settings: Mapping[str, str], expected: tuple[str, ...]
    ) -> None:
        found = find_credentials(MemorySecrets(settings), "FS_S3")
        assert (found.source, found.key, found.secret, found.token, found.region) == expected
        assert repr(found) == f"AwsCredentials(source={found.source!r}, region={found.region!r})"

    @pytest.mark.usefixtures("_profiles")
    @pytest.mark.parametrize(
        ("profile", "message"),
        [
            (
                "single",
                r"'sso_session', which is not followed.*export-credentials --profile single",
            ),
            ("role", "'role_arn', which is not followed here"),
            ("other", "AWS_PROFILE is 'other': there is no such profile with keys in"),
        ],
    )
    def test_a_profile_that_cannot_be_used_is_named_with_what_to_do(self, profile: str, message: str) -> None:
        with pytest.raises(ConfigurationError, match=message):
            make({"FS_S3_BUCKET": "lake", "AWS_PROFILE": profile})

    def test_a_file_of_profiles_that_cannot_be_read_shows_nothing_of_it(self, tmp_path: Path) -> None:
        file = tmp_path / "credentials"
        file.write_text(f"[default\naws_secret_access_key = {SECRET}\n")
        with pytest.raises(ConfigurationError, match="cannot be read: MissingSectionHeaderError") as caught:
            make({"FS_S3_BUCKET": "lake", "AWS_SHARED_CREDENTIALS_FILE": str(file)})
        assert SECRET not in str(caught.value)

    async def test_without_any_and_without_a_role_the_places_are_named(self) -> None:
        fs = make({"FS_S3_BUCKET": "lake", "AWS_METADATA_ENDPOINT": "http://127.0.0.1:1"})
        with pytest.raises(ConfigurationError, match="no credentials for 's3://lake': looked in"):
            await fs.connect()

    async def test_the_role_of_the_machine_is_left_to_the_client(self, metadata_service: str) -> None:
        async with make({"FS_S3_BUCKET": "lake", "AWS_METADATA_ENDPOINT": metadata_service}) as fs:
            [check] = fs.list_checks()
            assert "from the role of this machine" in (await check.find()).text


@pytest.fixture
async def metadata_service() -> AsyncIterator[str]:
    def accept(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with await asyncio.start_server(accept, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_the_endpoint_of_the_settings_wins_over_that_of_the_client(
    s3_settings: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "of-other-credentials")
    fs = make(s3_settings)
    await fs.write("a", b"x")
    assert await fs.read("a") == b"x"
    assert "security-token" not in (await fs.get_signed_url("a")).lower()
