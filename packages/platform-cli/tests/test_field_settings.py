"""Where a run works and with which settings: C3, C14 to C18, A5, and the first line of the log."""

from collections.abc import Callable
from pathlib import Path

import pytest

from platform_cli.settings import is_deployed

Platform = Callable[..., tuple[int, str, str]]
Module = Callable[..., Path]
Install = Callable[..., Path]

BOTH = {"interfaces": ["database", "filesystem", "logging"]}
READS = "async def run(ctx):\n    print(ctx.fs.locate())\n    return 0\n"


@pytest.fixture(autouse=True)
def hello(module: Module) -> None:
    module(READS, dependencies=BOTH)


def errors(err: str) -> list[str]:
    return [line for line in err.splitlines() if line.startswith("error: ")]


@pytest.mark.parametrize("env", ["staging", "production"])
def test_c3_a_deployed_environment_has_no_default_database_and_no_default_root(
    platform: Platform, monkeypatch: pytest.MonkeyPatch, env: str
) -> None:
    monkeypatch.setenv("DB_POSTGRES_URL", "postgresql://user:canary@db/x")
    code, out, err = platform("run", "hello", "--env", env)
    first, second = errors(err)
    assert (code, out) == (2, "")
    assert first.startswith(f"error: 'PLATFORM_DB' is not set: looked in the environment; env {env!r} has no")
    assert second.startswith("error: 'FS_LOCAL_ROOT' is not set: looked in the environment")
    assert not Path(".platform").exists()


def test_c3_only_what_a_module_declares_must_be_set(
    module: Module, platform: Platform, site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = site / "hello_job" / "module.json"
    manifest.write_text(manifest.read_text().replace('"database", ', ""))
    monkeypatch.setenv("FS_LOCAL_ROOT", "/data/lake")
    assert platform("run", "hello", "--env", "production")[:2] == (0, "/data/lake\n")


def test_c3_the_embedded_server_needs_a_directory_where_it_is_deployed(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FS_LOCAL_ROOT", "/data/lake")
    code, _, err = platform("run", "hello", "--env", "staging", "--db", "embedded")
    assert code == 2
    assert errors(err)[0].startswith("error: 'DB_EMBEDDED_DIR' is not set: looked in ")


def test_c3_an_adapter_built_from_a_secret_store_of_ones_own_has_no_default_either(
    platform: Platform, install: Install
) -> None:
    store = "from platform_memory import MemorySecrets\n\n\nclass Store(MemorySecrets):\n"
    store += "    def __init__(self, secrets):\n        super().__init__({})\n"
    install("vault", {"platform.secrets": {"vault": "vault.store:Store"}}, store=store)
    code, _, err = platform("run", "hello", "--env", "production", "--db", "memory", "--secrets", "vault")
    assert (code, "'FS_LOCAL_ROOT' is not set: looked in the values given to" in err) == (2, True)


@pytest.mark.parametrize("env", ["local", "test", "demo", "ci", "dev", "products", "alive"])
def test_other_environments_are_not_deployed(env: str) -> None:
    assert not is_deployed(env)


@pytest.mark.parametrize(
    "env", ["prod", "PROD", "production-eu", "eu_prod2", "stage", "stg", "preprod", "live"]
)
def test_an_environment_that_is_called_a_little_differently_is_deployed(
    platform: Platform, project: Path, env: str
) -> None:
    (project / ".env" / f"{env}.env").write_text("PLATFORM_DB=memory\n")
    code, _, err = platform("run", "hello", "--env", env)  # the root of local.env is not taken
    assert (code, "'FS_LOCAL_ROOT' is not set" in err) == (2, True)


@pytest.mark.parametrize("log", ["pretty", "json"])
def test_the_first_line_of_the_log_says_where_the_run_works(
    raw_platform: Platform, monkeypatch: pytest.MonkeyPatch, log: str
) -> None:
    monkeypatch.setenv("FS_LOCAL_ROOT", "/data/lake")
    for level in ("INFO", "DEBUG"):
        monkeypatch.setenv("LOG_LEVEL", level)
        _, _, err = raw_platform("run", "hello", "--db", "memory", "--log", log)
        line = err.splitlines()[0]
        for part in ("Run", "hello", "local", "memory", "/data/lake"):
            assert part in line
    _, _, err = raw_platform("rejects", "list")
    assert " debug Run env=local fs=local root=/data/lake" in err
    monkeypatch.setenv("LOG_LEVEL", "INFO")
    assert "Run env" not in raw_platform("rejects", "list")[2]
    _, _, err = raw_platform("migrate", "status", "--db", "memory")
    assert " info  Run env=local db=memory database=" in err.splitlines()[0]


def test_the_first_line_is_there_also_where_connecting_fails(
    raw_platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DB_POSTGRES_URL", "postgresql://user:canary@127.0.0.1:1/x")
    code, _, err = raw_platform("run", "hello", "--db", "postgres")
    assert (code, "Run module=hello env=local db=postgres" in err.splitlines()[0]) == (1, True)
    assert "canary" not in err


def test_c14_a_file_instead_of_the_folder_is_reported_with_what_to_do(
    platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "docker habit"
    folder.mkdir()
    (folder / ".env").write_text("DB_POSTGRES_URL=x\n")
    monkeypatch.chdir(folder)
    hint = f"'{folder}/.env' is a file and is not read: settings belong in the folder '.env/'"
    code, _, err = platform("run", "hello", "--db", "postgres")
    assert code == 2
    assert hint in errors(err)[0]
    code, _, err = platform("run", "hello", "--db", "memory", "--fs", "memory")
    assert (code, err.count(hint)) == (0, 1)


def test_c15_an_empty_variable_takes_its_value_from_the_file(
    platform: Platform, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / ".env" / "local.env").write_text("FS_LOCAL_ROOT=/from/file\n")
    monkeypatch.setenv("FS_LOCAL_ROOT", "")
    assert platform("run", "hello", "--db", "memory")[:2] == (0, "/from/file\n")


def test_c15_where_it_is_set_nowhere_else_it_is_said_to_be_empty(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DB_POSTGRES_URL", "")
    code, _, err = platform("run", "hello", "--db", "postgres")
    assert code == 2
    assert "; it is empty in the environment" in errors(err)[0]


@pytest.mark.parametrize(
    "name",
    ["LOG_LEVEL", "PLATFORM_DB", "PLATFORM_ENV", "PLATFORM_AUTO_MIGRATE", "MIGRATIONS_DIR", "FS_LOCAL_ROOT"],
)
@pytest.mark.parametrize("value", ["", " ", "\r", "''", "\u00a0"])
def test_c16_an_empty_variable_counts_as_not_set(
    platform: Platform, monkeypatch: pytest.MonkeyPatch, project: Path, name: str, value: str
) -> None:
    (project / ".env" / "local.env").write_text("PLATFORM_DB=memory\n")
    monkeypatch.setenv(name, value)
    assert platform("run", "hello")[:2] == (0, "/tmp/data-platform\n")


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("PLATFORM_DBB", "(did you mean 'PLATFORM_DB'?)"),
        ("PLATFORM_AUTOMIGRATE", "(did you mean 'PLATFORM_AUTO_MIGRATE'?)"),
        ("DB_POSTGRES_ULR", "(did you mean 'DB_POSTGRES_URL'?)"),
        ("DB_POSTGRES_MAX_POOL", "(did you mean 'DB_POSTGRES_POOL_M"),
        ("FS_ROOT", "(did you mean 'FS_LOCAL_ROOT'?)"),
        ("fs_local_root", "(did you mean 'FS_LOCAL_ROOT'?)"),
        ("LOG_LEVL", "(did you mean 'LOG_LEVEL'?)"),
        ("PLATFROM_DB", "(did you mean 'PLATFORM_DB'?)"),
        ("DB_X", ""),
    ],
)
@pytest.mark.parametrize("location", ["environment", "file"])
def test_c17_a_setting_that_nothing_reads_is_warned_of_with_the_nearest_name(
    platform: Platform, project: Path, monkeypatch: pytest.MonkeyPatch, name: str, hint: str, location: str
) -> None:
    if location == "file":
        (project / ".env" / "local.env").write_text(f"{name}=canary\n")
    else:
        monkeypatch.setenv(name, "canary")
    code, _, err = platform("run", "hello", "--db", "memory")
    [line] = [line for line in err.splitlines() if "Settings that nothing reads" in line]
    assert (code, f"{name} in " in line, hint in line, "canary" in err) == (0, True, True, False)


def test_c17_a_mistyped_name_is_warned_of_where_the_setting_is_missing_for_it(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FS_ROOT", "/data/lake")
    code, _, err = platform("run", "hello", "--env", "production", "--db", "memory")
    assert (code, "(did you mean 'FS_LOCAL_ROOT'?)" in err.splitlines()[0]) == (2, True)
    assert "'FS_LOCAL_ROOT' is not set" in err.splitlines()[-1]


def test_c17_what_is_known_or_asked_for_is_not_warned_of(
    platform: Platform, install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    adapter = """
        from platform_memory import MemoryFileSystem


        class Fs(MemoryFileSystem):
            def __init__(self, secrets):
                super().__init__(secrets)
                secrets.get("FS_ACME")
    """
    install("acme", {"platform.filesystem": {"acme": "acme.fs:Fs"}}, fs=adapter)
    for name in (
        "FS_ACME",
        "FS_ACME_LATER",
        "DB_POSTGRES_URL",
        "FS_LOCAL_REJECTS_ROOT",
        "HOME",
        "LOG_FORMAT",
    ):
        monkeypatch.setenv(name, "x")
    code, _, err = platform("run", "hello", "--db", "memory", "--fs", "acme")
    assert (code, "Settings that nothing reads" in err) == (0, False)


def test_c17_an_adapter_that_is_chosen_but_neither_used_nor_installed_is_not_missed(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLATFORM_FS", "elsewhere")
    monkeypatch.setenv("PLATFORM_DBB", "canary")
    code, _, err = platform("migrate", "status", "--db", "memory")
    assert (code, "PLATFORM_DBB in " in err) == (0, True)


@pytest.mark.parametrize(
    "value", ["'{}'", '"{}"', " {}", "{}\r", "\ufeff{}", "{}\u00a0", "\u201c{}\u201d", "' {} '"]
)
def test_a5_what_stands_around_the_root_is_removed_with_a_warning(
    platform: Platform, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, value: str
) -> None:
    monkeypatch.setenv("FS_LOCAL_ROOT", value.format(tmp_path))
    code, out, err = platform("run", "hello", "--db", "memory")
    assert (code, out) == (0, f"{tmp_path}\n")
    assert "Settings were cleaned" in err
    assert "FS_LOCAL_ROOT in the environment" in err


@pytest.mark.parametrize(
    "value", ["~/lake", "$HOME/lake", "${HOME}/lake", "%HOME%/lake", "file:///lake", "s3://lake"]
)
def test_a5_a_root_that_the_shell_was_to_complete_is_refused(
    platform: Platform, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("FS_LOCAL_ROOT", value)
    code, out, err = platform("run", "hello", "--db", "memory")
    assert (code, out) == (2, "")
    assert errors(err)[0].startswith(f"error: FS_LOCAL_ROOT is {value!r}: ")


def test_a5_a_password_keeps_what_it_begins_and_ends_with(
    platform: Platform, site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (site / "hello_job" / "main.py").write_text(
        "async def run(ctx):\n    print(len(ctx.secrets.require('DB_ACME_PASSWORD')))\n    return 0\n"
    )
    manifest = site / "hello_job" / "module.json"
    manifest.write_text(manifest.read_text().replace('"database", "filesystem"', '"secrets"'))
    monkeypatch.setenv("DB_ACME_PASSWORD", "' x'")
    assert platform("run", "hello")[1] == "4\n"


def test_c17_an_environment_that_is_named_in_a_file_is_not_passed_over(
    platform: Platform, project: Path
) -> None:
    file = project / ".env" / "local.env"
    file.write_text("PLATFORM_ENV=production\n")
    code, _, err = platform("run", "hello", "--db", "memory", "--fs", "memory")
    assert (code, err.startswith(f"error: PLATFORM_ENV is 'production' in '{file}', but")) == (2, True)
    assert "give --env production, or set PLATFORM_ENV in the environment" in err


@pytest.mark.parametrize("chosen", [["--env", "local"], []])
def test_c17_an_environment_that_is_named_as_it_was_chosen_is_not_an_error(
    platform: Platform, project: Path, chosen: list[str]
) -> None:
    (project / ".env" / "local.env").write_text(f"PLATFORM_ENV={'test' if chosen else 'local'}\n")
    assert platform("run", "hello", *chosen, "--db", "memory", "--fs", "memory")[0] == 0


@pytest.mark.parametrize("name", ["PLATFORM_AUTO_MIGRATE", "LOG_LEVEL", "PLATFORM_DB"])
def test_c18_a_name_at_the_beginning_of_a_message_keeps_its_case(
    platform: Platform, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "maybe")
    code, _, err = platform("run", "hello")
    assert (code, name in err, name[0].lower() + name[1:] in err) == (2, True, False)
