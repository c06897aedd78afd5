"""What the README shows is what a new package has."""

import re
import shutil
from pathlib import Path

from tests.helpers.command import Platform

REPOSITORY = Path(__file__).parents[2]
README = (REPOSITORY / "README.md").read_text()
SHOWN = re.findall(r"<!-- in (\S+) -->\n```\w+\n(.*?)```", README, re.DOTALL)
COMMANDS = re.findall(r"^uv run platform (new .*)$", README, re.MULTILINE)


def test_the_parts_of_files_that_it_shows_are_in_them(platform: Platform, project: Path) -> None:
    assert (len(SHOWN), len(COMMANDS)) == (3, 2)
    for name in ("LICENSE", "pyproject.toml"):
        shutil.copy(REPOSITORY / name, project)
    for command in COMMANDS:
        assert platform(*command.split()).code == 0
    for file, part in SHOWN:
        assert part in (project / file).read_text()
