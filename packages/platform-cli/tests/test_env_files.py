from pathlib import Path

import pytest

from platform_cli.env_files import exposure, read_env_file
from platform_interfaces import ConfigurationError


def write(folder: Path, content: str | bytes) -> Path:
    file = folder / "mine.env"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return file


def test_values_are_taken_literally(tmp_path: Path) -> None:
    file = write(
        tmp_path,
        "# note\n\nURL=postgresql://u:p$HOME@h/${DB}#x\nexport EMPTY=\nTEXT=' a # b '\nLINES=\"1\n2\"\n",
    )
    assert read_env_file(file) == {
        "URL": "postgresql://u:p$HOME@h/${DB}#x",
        "EMPTY": "",
        "TEXT": " a # b ",
        "LINES": "1\n2",
    }


def test_a_byte_order_mark_is_not_part_of_the_first_name(tmp_path: Path) -> None:
    assert read_env_file(write(tmp_path, b"\xef\xbb\xbfA=1\r\nB=2\r\n")) == {"A": "1", "B": "2"}


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("canary\n", 1),
        ("A=1\n\n\ncanary\nB=2\n", 4),
        ('A="1\n2"\n=canary\n', 3),
        ("A='canary\n", 1),
        ("A=1\n\n# comment\nexport canary\n", 4),
    ],
)
def test_a_line_that_is_not_an_assignment_is_named_but_not_shown(
    tmp_path: Path, content: str, line: int
) -> None:
    file = write(tmp_path, content)
    with pytest.raises(ConfigurationError) as caught:
        read_env_file(file)
    assert str(caught.value) == f"line {line} of {str(file)!r} is not KEY=value"


def test_bytes_that_are_not_utf8_are_named_but_not_shown(tmp_path: Path) -> None:
    file = write(tmp_path, b"A=1\nB=canary\xff\n")
    with pytest.raises(ConfigurationError) as caught:
        read_env_file(file)
    assert str(caught.value) == f"line 2 of {str(file)!r} is not UTF-8: save it as UTF-8"
    assert caught.value.__suppress_context__


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"env file '.*' cannot be read: Is a directory"):
        read_env_file(tmp_path)


SECRETS = {
    "DB_POSTGRES_URL": "postgresql://user:canary@db.example.com:5432/name",
    "DB_PASSWORD": "canary",
    "password": "canary",
    "API_TOKEN": "canary",
    "AWS_SECRET_ACCESS_KEY": "canary",
    "BROKER": "amqp://user:can@ry/@10.0.0.1",
}
NO_SECRETS = {
    "DB_POSTGRES_URL": "postgresql://platform:platform@localhost:5432/platform",
    "CACHE": "redis://:platform@127.0.0.1",
    "OTHER": "postgresql://platform:platform@[::1]/platform",
    "SOCKET": "postgresql://platform:platform@/platform?host=/tmp",
    "HOMEPAGE": "https://user@example.com:443/a:b",
    "PASSWORD": "",
    "SECRET_KEY_FILE": "/run/secrets/key",
    "MONKEY": "tokens",
}


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_that_other_users_can_read_is_reported_with_what_to_do(tmp_path: Path, name: str) -> None:
    file = write(tmp_path, "")
    for mode in (0o644, 0o640, 0o604):
        file.chmod(mode)
        advice = exposure(file, {"A": "1", name: SECRETS[name]})
        assert advice is not None
        assert (repr(name) in advice, f"chmod 600 {file}" in advice, "canary" in advice) == (
            True,
            True,
            False,
        )
    file.chmod(0o600)
    assert exposure(file, SECRETS) is None


def test_what_is_not_a_secret_may_be_read_by_all(tmp_path: Path) -> None:
    file = write(tmp_path, "")
    file.chmod(0o644)
    assert exposure(file, NO_SECRETS) is None
