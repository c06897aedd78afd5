from collections.abc import Callable
from pathlib import Path

import pytest

from platform_cli.settings import Settings, resolve
from platform_interfaces import ConfigurationError

Resolve = Callable[..., Settings]


@pytest.fixture
def settings(project: Path) -> Resolve:
    """Resolves flags and environment variables in the project; other keyword arguments are its env files."""

    def settings(
        flags: dict[str, str] | None = None, environment: dict[str, str] | None = None, **files: str
    ) -> Settings:
        for name, text in files.items():
            (project / ".env" / f"{name}.env").write_text(text)
        return resolve(flags or {}, environment=environment or {}, start=project)

    return settings


def test_without_anything_set_the_defaults_hold(settings: Resolve) -> None:
    found = settings()
    assert (found.env.value, found.env.origin) == ("local", "default")
    assert {name: each.value for name, each in found.implementations.items()} == {
        "database": "embedded",
        "filesystem": "local",
        "logging": "pretty",
        "secrets": "env",
        "executor": "inline",
    }


@pytest.mark.parametrize(
    ("flags", "chosen"),
    [
        ({}, ("inline", "1")),
        ({"workers": "2"}, ("processes", "2")),
        ({"executor": "dask"}, ("dask", "auto")),
        ({"executor": "dask", "workers": "1"}, ("dask", "1")),
        ({"executor": "inline"}, ("inline", "1")),
    ],
    ids=str,
)
def test_workers_choose_an_executor_and_an_executor_chooses_workers(
    settings: Resolve, flags: dict[str, str], chosen: tuple[str, str]
) -> None:
    found = settings(flags)
    assert (found.implementations["executor"].value, found.workers.value) == chosen


def test_each_layer_wins_over_the_next_and_each_value_knows_its_origin(
    settings: Resolve, project: Path
) -> None:
    files = {"local": "PLATFORM_DB=in_local\nPLATFORM_LOG=in_local", "mine": "PLATFORM_DB=in_mine"}
    environment = {"PLATFORM_ENV": "mine", "PLATFORM_DB": "in_environment"}

    def database(found: Settings) -> tuple[str, str]:
        return found.implementations["database"].value, found.implementations["database"].origin

    assert database(settings({"db": "in_flag"}, environment, **files)) == ("in_flag", "--db")
    found = settings({}, environment, **files)
    assert database(found) == ("in_environment", "PLATFORM_DB in the environment")
    assert found.env.origin == "PLATFORM_ENV in the environment"
    found = settings({"env": "mine"}, {}, **files)
    assert database(found) == ("in_mine", f"PLATFORM_DB in {str(project / '.env/mine.env')!r}")
    assert found.implementations["logging"].value == "in_local"
    assert database(settings({}, {}, **files))[0] == "in_local"


def test_an_empty_name_is_as_good_as_none(settings: Resolve) -> None:
    assert (
        settings({}, {"PLATFORM_DB": "", "PLATFORM_ENV": ""}).implementations["database"].value == "embedded"
    )


@pytest.mark.parametrize("env", ["staging", "production"])
def test_what_is_deployed_takes_nothing_from_local_env(settings: Resolve, env: str) -> None:
    found = settings({"env": env}, {}, local="PLATFORM_DB=memory\nDB_POSTGRES_URL=mine", **{env: "KEY=1"})
    assert found.implementations["database"].value == ""
    assert (found.values.get("DB_POSTGRES_URL"), found.values.get("KEY")) == (None, "1")


@pytest.mark.parametrize("env", ["test", "demo"])
def test_what_is_not_deployed_falls_back_to_local_env(settings: Resolve, env: str) -> None:
    found = settings({"env": env}, {}, local="A=local\nB=local", **{env: "A=own"})
    assert (found.values.get("A"), found.values.get("B")) == ("own", "local")


@pytest.mark.parametrize("env", ["local", "test", "staging", "production"])
def test_the_four_well_known_environments_need_no_file(tmp_path: Path, env: str) -> None:
    assert resolve({"env": env}, environment={}, start=tmp_path).env.value == env


def test_any_other_environment_needs_its_file_and_the_nearest_is_suggested(
    settings: Resolve, project: Path
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        settings({"env": "dmo"}, demo="A=1")
    assert str(caught.value) == (
        f"unknown env 'dmo': there is no {str(project / '.env/dmo.env')!r}; "
        "known are demo, local, production, staging, test (did you mean 'demo'?)"
    )


def test_without_a_folder_of_env_files_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"unknown env 'demo': no folder '\.env' was found"):
        resolve({"env": "demo"}, environment={}, start=tmp_path)


@pytest.mark.parametrize("env", ["../local", "a/b", ".", "a b", "local\n", "ü"])
def test_a_name_that_is_not_a_plain_word_is_refused(settings: Resolve, env: str) -> None:
    with pytest.raises(ConfigurationError, match="letters, digits, '_' and '-' only"):
        settings({"env": env})


def test_the_folder_of_env_files_is_looked_for_upwards(project: Path) -> None:
    below = project / "a" / "b"
    below.mkdir(parents=True)
    found = resolve({}, environment={}, start=below)
    assert found.project == project
    assert found.values.get("FS_LOCAL_ROOT") == "files"


def test_a_virtual_environment_called_dot_env_is_not_such_a_folder(project: Path) -> None:
    (project / "a" / ".env" / "bin").mkdir(parents=True)
    assert resolve({}, environment={}, start=project / "a").project == project


@pytest.mark.parametrize(
    ("env", "expected"),
    [("local", True), ("test", True), ("staging", False), ("production", False), ("demo", False)],
)
def test_migrations_are_applied_by_default_in_local_and_test_only(
    settings: Resolve, env: str, expected: bool
) -> None:
    assert settings({"env": env}, demo="").is_auto_migrate is expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [("true", True), ("YES", True), ("1", True), ("on", True), ("false", False), ("No", False), ("0", False)],
)
def test_auto_migrate_can_be_set_where_everything_else_is(
    settings: Resolve, value: str, expected: bool
) -> None:
    assert settings({}, {"PLATFORM_AUTO_MIGRATE": value}).is_auto_migrate is expected
    assert settings({"env": "demo"}, {}, demo=f"PLATFORM_AUTO_MIGRATE={value}").is_auto_migrate is expected


def test_the_flag_wins_over_the_variable(settings: Resolve) -> None:
    assert not settings({"auto_migrate": "false"}, {"PLATFORM_AUTO_MIGRATE": "true"}).is_auto_migrate


def test_an_auto_migrate_that_is_neither_is_refused_with_its_origin(settings: Resolve) -> None:
    with pytest.raises(ConfigurationError) as caught:
        settings({}, {"PLATFORM_AUTO_MIGRATE": "maybe"})
    assert str(caught.value) == "PLATFORM_AUTO_MIGRATE in the environment is 'maybe': use true or false"


def test_no_value_shows_in_the_repr_of_settings(settings: Resolve) -> None:
    assert "canary" not in repr(settings({}, {"DB_POSTGRES_URL": "canary"}, local="KEY=canary"))
