import re

import click
import pytest

import platform_interfaces
from platform_cli.commands import platform
from platform_cli.flags import FLAGS, Flag
from platform_cli.registry import KNOWN_SETTINGS
from tools.check_language import ROOT
from tools.reference_pages import commands_page, interfaces_page

SETTINGS = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")


def test_the_commands_page_has_the_help_of_each_command_and_module() -> None:
    page = commands_page()
    group = click.Context(platform)
    for path in (*platform.list_commands(group), "run batch_etl", "migrate up", "rejects retry batch_etl"):
        assert f"## platform {path}\n" in page
        assert f"Usage: platform {path} " in page
    assert max(map(len, page.splitlines())) <= 80


def test_the_interfaces_page_has_each_public_name_once() -> None:
    names = re.findall(r"^\.\. [a-z:]+:: (\w+)$", interfaces_page(), re.MULTILINE)
    named = [name for name in names if name != platform_interfaces.__name__]
    assert sorted(named) == sorted(platform_interfaces.__all__)


@pytest.mark.parametrize("flag", FLAGS, ids=lambda flag: flag.name)
def test_the_settings_page_lists_each_global_flag_with_its_default(flag: Flag) -> None:
    [row] = [line for line in SETTINGS.splitlines() if line.startswith(f"| `{flag.variable}` |")]
    assert flag.name in row
    assert flag.default in row.replace("`, `", " and ").replace("`", "")


def test_the_pages_on_settings_name_every_one_that_is_known() -> None:
    pages = SETTINGS + (ROOT / "docs" / "object-store.md").read_text(encoding="utf-8")
    for name in ("S3", "MINIO"):  # which have the same ones
        pages += pages.replace("FS_<NAME>_", f"FS_{name}_")
    assert [name for name in KNOWN_SETTINGS if f"`{name}`" not in pages] == []
