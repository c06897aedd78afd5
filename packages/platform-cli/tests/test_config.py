"""``platform config``: every setting with its value and origin, and no secret."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from platform_cli import registry
from platform_cli.flags import FLAGS

Result = tuple[int, str, str]
Platform = Callable[..., Result]
Config = Callable[..., dict[str, dict[str, Any]]]
Install = Callable[..., Path]

SECRET = "sesame-99-open"  # in no other value


@pytest.fixture
def config(platform: Platform) -> Config:
    """Lists the settings, by name."""

    def config(*args: str) -> dict[str, dict[str, Any]]:
        code, out, _ = platform("config", "--json", *args)
        content = json.loads(out)
        assert (code, content["version"]) == (0, 1)
        return {each["name"]: each for each in content["settings"]}

    return config


def test_all_flags_and_known_settings_are_listed(config: Config) -> None:
    found = config()
    assert set(found) == {*(flag.variable for flag in FLAGS), *registry.KNOWN_SETTINGS}
    assert list(found)[: len(FLAGS)] == [flag.variable for flag in FLAGS]


def test_each_origin_is_named(config: Config, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLATFORM_FS", "memory")
    (project / ".env/local.env").write_text("PLATFORM_SECRETS=env\nMIGRATIONS_DIR=here\n")
    found = config("--db", "memory")
    file = repr(str(project / ".env/local.env"))
    origins = {name: (each["value"], each["origin"]) for name, each in found.items()}
    assert (
        origins.items()
        >= {
            "PLATFORM_DB": ("memory", "--db"),
            "PLATFORM_FS": ("memory", "the environment"),
            "PLATFORM_SECRETS": ("env", file),
            "MIGRATIONS_DIR": ("here", file),
            "PLATFORM_LOG": ("pretty", "default"),
            "LOG_LEVEL": ("INFO", "default"),
            "DB_POSTGRES_URL": ("", "not set"),
        }.items()
    )


def test_defaults_are_those_of_the_chosen_adapters(config: Config) -> None:
    assert config()["DB_POSTGRES_POOL_MAX"]["value"] == "10"
    assert config("--db", "memory")["DB_POSTGRES_POOL_MAX"]["origin"] == "not set"


def test_a_deployed_environment_has_no_default_locations(config: Config) -> None:
    local, deployed = config("--env", "test"), config("--env", "staging")
    assert local["FS_LOCAL_ROOT"]["origin"] != "not set"
    assert deployed["FS_LOCAL_ROOT"] == {
        "name": "FS_LOCAL_ROOT",
        "value": "",
        "origin": "not set",
        "is_known": True,
        "hint": "",
        "overridden": [],
    }


def test_values_that_are_overridden_are_shown_below(
    platform: Platform, config: Config, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / ".env/demo.env").write_text("FS_LOCAL_ROOT=two\nPLATFORM_DB=memory\n")
    (project / ".env/local.env").write_text("FS_LOCAL_ROOT=three\nPLATFORM_DB=embedded\n")
    monkeypatch.setenv("FS_LOCAL_ROOT", "one")
    found = config("--env", "demo", "--db", "postgres")
    assert [each["value"] for each in found["FS_LOCAL_ROOT"]["overridden"]] == ["two", "three"]
    assert [each["value"] for each in found["PLATFORM_DB"]["overridden"]] == ["memory", "embedded"]
    lines = [line.split() for line in platform("config", "--env", "demo")[1].splitlines()]
    index = lines.index(["FS_LOCAL_ROOT", "one", "the", "environment"])
    assert lines[index + 1 : index + 3] == [
        ["two", "'.env/demo.env',", "overridden"],
        ["three", "'.env/local.env',", "overridden"],
    ]


@pytest.mark.parametrize(
    "line",
    [
        f"DB_POSTGRES_URL=postgresql://me:{SECRET}@host/db",
        f"DB_POSTGRES_URL=host=h password='{SECRET}'",
        f"PGPASSWORD={SECRET}",
        f"ACME_TOKEN={SECRET}",
        f"ACME_ANYTHING={SECRET}",
        f"DB_POSTGRES_URI={SECRET}",
        f"FS_LOCAL_ROOT=s3://key:{SECRET}@bucket",
    ],
)
@pytest.mark.parametrize("form", ["", "--json"])
def test_no_secret_is_shown(platform: Platform, project: Path, line: str, form: str) -> None:
    (project / ".env/demo.env").write_text("FS_LOCAL_ROOT=x\n")
    (project / ".env/local.env").write_text(f"{line}\n")
    for args in (["--db", "postgres"], ["--env", "demo", "--db", "postgres"]):
        code, out, err = platform("config", *form.split(), *args)
        assert code == 0
        assert line.partition("=")[0] in out
        assert SECRET not in out + err


def test_what_nothing_reads_has_the_nearest_name(
    platform: Platform, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FS_LOCALROOT", "/data")
    monkeypatch.setenv("ACME_ROOT", "/data")  # of whatever else the machine has
    found = config()
    assert (found["FS_LOCALROOT"]["is_known"], found["FS_LOCALROOT"]["value"]) == (False, "***")
    assert found["FS_LOCALROOT"]["hint"] == " (did you mean 'FS_LOCAL_ROOT'?)"
    assert "ACME_ROOT" not in found
    assert platform("config")[1].endswith(
        "\nFS_LOCALROOT: neither the platform nor a chosen adapter reads it (did you mean 'FS_LOCAL_ROOT'?)\n"
    )


def test_a_setting_of_a_chosen_adapter_is_known_though_it_is_not_ours(
    config: Config, install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = """
        from platform_memory import MemoryFileSystem

        class Store(MemoryFileSystem):
            def __init__(self, secrets):
                super().__init__(secrets)
                secrets.get_location("ACME_ROOT", "/nowhere")
                secrets.get_or_default("ACME_SPEED", "high")
                secrets.get("ACME_THING")
                secrets.get("ACME_UNSET")
    """
    install("acme", {"platform.filesystem": {"acme": "acme.files:Store"}}, files=text)
    monkeypatch.setenv("ACME_ROOT", "/data")
    monkeypatch.setenv("ACME_THING", "perhaps a secret")
    found = {name: each for name, each in config("--fs", "acme").items() if name.startswith("ACME")}
    assert {name: (each["value"], each["origin"], each["is_known"]) for name, each in found.items()} == {
        "ACME_ROOT": ("/data", "the environment", True),
        "ACME_SPEED": ("high", "default", True),
        "ACME_THING": ("***", "the environment", True),
    }


@pytest.mark.parametrize("code", ["import no_such_driver", "def Store(secrets): raise RuntimeError('oh')"])
def test_an_adapter_that_cannot_be_built_hides_no_setting_of_the_others(
    platform: Platform, install: Install, code: str
) -> None:
    install("acme", {"platform.database": {"acme": "acme.files:Store"}}, files=code)
    code_, out, _ = platform("config", "--db", "acme")
    assert code_ == 0
    assert "FS_LOCAL_ROOT" in out
    assert "database 'acme'" in out.splitlines()[-1]


def test_another_secret_store_is_not_asked(platform: Platform, install: Install) -> None:
    text = """
        from platform_memory import MemorySecrets

        class Vault(MemorySecrets):
            def __init__(self, secrets):
                super().__init__({})

            def get(self, key):
                raise AssertionError("asked")
    """
    install("acme", {"platform.secrets": {"vault": "acme.vault:Vault"}}, vault=text)
    code, out, err = platform("config", "--secrets", "vault")
    assert (code, err) == (0, "")
    assert out.splitlines()[-1] == (
        "secret store 'vault': it is not asked here: what it has is used instead of the values above"
    )


def test_what_is_to_be_mended_is_below(platform: Platform, project: Path) -> None:
    file = project / ".env/local.env"
    file.write_text("DB_POSTGRES_URL=postgresql://me:sesame-99@host/db\n")
    file.chmod(0o644)
    last = platform("config")[1].splitlines()[-1]
    assert last.startswith("Secrets are exposed: other users can read")
    assert "chmod 600" in last
