"""Secrets in every form and every place, and the advice that must stay readable (C4, C5, C6)."""

import json
import random
import string
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import pytest

from platform_cli._masking import hide_in, hide_secrets, remember_arguments, remember_settings
from platform_cli.env_files import exposure
from platform_cli.failures import describe
from platform_cli.logger import JsonLogger, PrettyLogger
from platform_interfaces import ConfigurationError
from platform_memory import MemorySecrets

Platform = Callable[..., tuple[int, str, str]]
Module = Callable[..., Path]

# Searched for in pieces: half a password is a leak, too.
CANARY = "Can4ryOne"
FORMS = {
    "c4 a parameter": f"postgresql://db/x?user=u&password={CANARY}",
    "c4 jdbc": f"jdbc:postgresql://db/x?user=u&password={CANARY}&ssl=true",
    "c4 sslpassword": f"postgresql://db/x?sslpassword={CANARY}",
    "c4 upper case": f"postgresql://db/x?PASSWORD={CANARY}",
    "c4 a name that is percent-encoded": f"postgresql://db/x?pass%77ord={CANARY}",
    "c4 semicolons": f"jdbc:sqlserver://db;user=u;pwd={CANARY};x=y",
    "c4 a token": f"https://db/x?access_token={CANARY}#a",
    "c4 a signature": f"https://blob/x?sv=1&sig={CANARY}%3D&se=2",
    "c4 a blank in a parameter": f"postgresql://db/x?password=a {CANARY}&b=c",
    "c4 keywords": f"host=db password={CANARY} user=u",
    "c4 keywords in quotes": f"host=db password='a b\\'c {CANARY}' user=u",
    "c4 keywords with blanks around the sign": f"host=db password = {CANARY}",
    "c4 an assignment": f"PGPASSWORD={CANARY}",
    "c4 Azure": f"AccountName=a;AccountKey={CANARY}==;EndpointSuffix=core",
    "a field": f"password: {CANARY}",
    "a field without a blank": f"pwd:{CANARY}",
    "a header": f"X-Auth-Token: '{CANARY}'",
    "user and password": f"postgresql://u:{CANARY}@db/x",
    "signs in the password": f"postgresql://u:a#{CANARY}@/?:b@db/x",
    "blanks in the password": f"postgresql://u:a b {CANARY}@db/x",
    "percent-encoded": f"postgresql://u:a%23{CANARY}%40@db/x",
    "one slash": f"postgres:/u:{CANARY}@db/x",
    "a driver": f"postgresql+asyncpg://u:{CANARY}@db/x",
    "no scheme": f"u:{CANARY}@db/x",
    "no host": f"postgresql://u:{CANARY}",
    "no host but a name": f"postgresql://u:{CANARY}/x",
    "no user": f"redis://:{CANARY}@db",
    "a user of Azure": f"postgresql://u@server:{CANARY}@server.example.com:5432/x",
    "a slash in the user": f"postgresql://u/v:{CANARY}@db/x",
}
ADVICE = (
    "the connection URL cannot be read: it must look like postgresql://user:password@host:5432/name, with "
    "'#', '/', '?', '@' and '%' inside its parts written as %23, %2F, %3F, %40 and %25"
)


@pytest.fixture(autouse=True)
def forgotten() -> None:
    """Forget values that other tests have set are not known."""
    remember_arguments([])


@pytest.mark.parametrize("text", FORMS.values(), ids=FORMS.keys())
def test_c4_a_secret_instead_of_a_name_is_hidden(
    module: Module, platform: Platform, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    module(args=[{"name": "n", "type": "integer"}])
    monkeypatch.setenv("LOG_LEVEL", "DEBUG")
    for words in (["--db", text], [f"--fs={text}"], ["--env", text], ["--n", text], [text]):
        code, out, err = platform("run", "hello", *words)
        assert (code, CANARY in out + err) == (2, False), err
    for name in ("PLATFORM_DB", "PLATFORM_ENV", "PLATFORM_AUTO_MIGRATE", "LOG_LEVEL"):
        with monkeypatch.context() as changed:
            changed.setenv(name, text)
            code, out, err = platform("run", "hello")
            assert CANARY not in out + err


@pytest.mark.parametrize("text", FORMS.values(), ids=FORMS.keys())
@pytest.mark.parametrize("log", ["json", "pretty"])
def test_c4_a_secret_of_a_setting_is_hidden_wherever_a_module_puts_it(
    module: Module, platform: Platform, monkeypatch: pytest.MonkeyPatch, text: str, log: str
) -> None:
    module(
        """
        import logging


        async def run(ctx):
            url = ctx.secrets.require("DB_POSTGRES_URL")
            ctx.log.info(f"Given {url}", url=url, all=[{"a": (url,)}], error=ValueError(url))
            logging.getLogger("library").warning("from %s", url)
            raise RuntimeError(f"{url!r} is refused")
        """,
        dependencies={"interfaces": ["logging", "secrets"]},
    )
    monkeypatch.setenv("DB_POSTGRES_URL", text)
    monkeypatch.setenv("LOG_LEVEL", "DEBUG")
    code, out, err = platform("run", "hello", "--log", log)
    assert (code, "Traceback" in err, "is refused" in err) == (1, True, True)
    assert CANARY not in out + err


def test_c4_the_value_of_an_option_that_is_named_so_is_hidden(module: Module, platform: Platform) -> None:
    module(args=[{"name": "api-token", "type": "integer"}])
    for words in (["--api-token", CANARY], [f"--api-token={CANARY}"]):
        code, _, err = platform("run", "hello", *words)
        assert (code, CANARY in err) == (2, False)


def test_a_known_secret_is_hidden_in_every_form() -> None:
    remember_settings({"DB_URL": "postgresql://u:a%23long@db/x", "ACME_TOKEN": 'q"uoted\\one'})
    for text in ("a%23long", "a#long", repr('q"uoted\\one'), json.dumps({"x": 'q"uoted\\one'})):
        assert "long" not in hide_secrets(text)
        assert "uoted" not in hide_secrets(text)


def test_c6_our_own_advice_is_never_hidden() -> None:
    remember_settings({"DB_POSTGRES_URL": "postgresql://postgres:password@db.example.com/x"})
    assert describe(ConfigurationError(ADVICE)) == ADVICE
    for text in ("set PGPASSWORD=... or ?password=...", "secrets=env (default)", "'a@b' is not on host:5432"):
        assert hide_secrets(text) == text


@pytest.mark.parametrize(
    "url", ["postgres:/u:{}@db/x", "u:{}@db/x", "POSTGRESQL://u:{}@db/x", "mysql://u:{}@db/x"]
)
def test_c6_the_form_of_a_url_is_shown_whole_by_the_adapter(
    platform: Platform, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("DB_POSTGRES_URL", url.format(CANARY))
    code, _, err = platform("migrate", "status", "--db", "postgres")
    assert (code, CANARY in err) == (2, False)
    assert "'postgresql://' (the form is postgresql://user:password@host:5432/name)" in err


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://platform@localhost:5432/platform",
        "postgresql://db:5432/name",
        "postgresql://[::1]:5432/name",
        "https://example.com/a:b@c?max_tokens=5&page=2",
        "2026-01-15T10:00:00Z file:///data/lake/a.jsonl",
        "duplicate key=3 passfile=/etc/pass",
    ],
)
def test_what_is_not_a_secret_stays(text: str) -> None:
    assert hide_secrets(text) == text


def test_the_password_of_development_does_not_hide_every_other_word() -> None:
    remember_settings({"DB_POSTGRES_URL": "postgresql://acme:acme-dev@localhost/acme-dev"})
    assert hide_secrets("acme-dev") == "acme-dev"


def test_the_working_directory_is_not_a_secret_although_the_shell_calls_it_pwd() -> None:
    remember_settings({"PWD": "/data/project", "OLDPWD": "/data/other"})
    assert hide_secrets("/data/project/.env") == "/data/project/.env"


class Text(str):
    """Text of a library's own kind."""


class Position(NamedTuple):
    url: str


URL = FORMS["user and password"]


VALUES: dict[str, object] = {
    "text of another kind": Text(URL),
    "bytes": URL.encode(),
    "a path": Path(URL),
    "an error": ValueError(URL),
    "a set": {URL},
    "a key": {URL: 1},
    "another mapping": OrderedDict(url=URL),
    "a mapping that is not a dict": MappingProxyType({"password": CANARY}),
    "a named tuple": Position(URL),
    "a named tuple in a list": [Position(URL)],
    "text of another kind under a name": {"password": Text(CANARY)},
    "a name of another kind": {Text("password"): CANARY},
    "bytes in a list under a name": {"password": [CANARY.encode()]},
}


@pytest.mark.parametrize("make", [JsonLogger, PrettyLogger])
@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
def test_a_value_of_the_log_has_no_secret_of_whatever_type_it_is(
    make: type[JsonLogger], value: object, capsys: pytest.CaptureFixture[str]
) -> None:
    make(MemorySecrets()).info("m", value=value)
    err = capsys.readouterr().err
    assert ("***" in err, CANARY in err) == (True, False)


def test_a_field_of_the_log_that_is_named_so_is_hidden() -> None:
    assert hide_in({"password": "x", "rows": 2, "dedup_key": "k"}) == {
        "password": "***",
        "rows": 2,
        "dedup_key": "k",
    }


@pytest.mark.parametrize(
    "value",
    [text for name, text in FORMS.items() if name.startswith(("c4", "user", "signs", "one", "a driver"))],
)
def test_c5_an_env_file_with_a_secret_in_any_form_is_warned_of(tmp_path: Path, value: str) -> None:
    file = tmp_path / "mine.env"
    file.touch(mode=0o644)
    advice = exposure(file, {"A": "1", "SOME_SETTING": value})
    assert advice is not None
    assert ("'SOME_SETTING'" in advice, CANARY in advice) == (True, False)


@pytest.mark.parametrize("value", ["postgresql://localhost/x?password=p", "postgresql:///x?password=p"])
def test_c5_a_password_for_this_machine_alone_is_not_warned_of(tmp_path: Path, value: str) -> None:
    file = tmp_path / "mine.env"
    file.touch(mode=0o644)
    assert exposure(file, {"URL": value}) is None


@pytest.mark.parametrize(
    "form",
    [
        "postgresql://user1:{}@db.example.com:5432/name",
        "postgres://user1@server:{}@db/x",
        "jdbc:postgresql://db/x?user=u&password={}",
        "host=db password={} user=u",
        "u:{}@db/x",
        "PGPASSWORD={}",
    ],
)
def test_no_piece_of_a_password_of_any_characters_is_shown(form: str) -> None:
    generator = random.Random(form)
    for _ in range(200):
        words = ["".join(generator.choices(string.ascii_letters, k=8)) for _ in range(3)]
        password = words[0]
        for word in words[1:]:
            password += "".join(generator.choices("#@/?:%[],'\"\\ +$!*()<>|~`^{}\t", k=2)) + word
        value = form.format(password)
        for text in (f"unknown database {value!r}: installed are memory", f"{value} is refused"):
            remember_arguments(["--db", value])
            hidden = hide_secrets(text)
            assert not [word for word in words if word in hidden], value


def test_many_addresses_on_one_line_do_not_stop_the_log() -> None:
    # Compared pair by pair, they would take some minutes.
    text = "a@b " + "http://h:8080/ " * 50_000
    assert hide_secrets(text) == text
    assert hide_secrets(f"{text}postgresql://u:{CANARY}@db/x").endswith("@db/x")


@pytest.mark.parametrize(
    "value", ["p\udce9ssword", "postgresql://u:p\udce9ssword@db/x", "a=1&token=\ud800ssword"]
)
def test_c4_a_secret_that_is_not_utf_8_is_hidden_and_stops_no_command(
    platform: Platform, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    remember_settings({"ACME_TOKEN": value})
    assert "ssword" not in hide_secrets(f"{value} is refused")
    monkeypatch.setenv("ACME_TOKEN", value.replace("\ud800", "\udce9"))
    code, _, _ = platform("migrate", "status", "--db", "memory")
    assert code == 0
