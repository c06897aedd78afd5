import sys
from pathlib import Path

import pytest

from tools.smoke_wheels import constraints, run


def test_ours_come_from_their_wheels_and_the_others_as_pinned() -> None:
    wheels = [Path("/dist/platform_cli-0.1.0-py3-none-any.whl"), Path("/dist/batch_etl-1.0-py3-none-any.whl")]
    assert constraints(wheels, ["click==8.3.0"]).splitlines() == [
        "platform-cli @ file:///dist/platform_cli-0.1.0-py3-none-any.whl",
        "batch-etl @ file:///dist/batch_etl-1.0-py3-none-any.whl",
        "click==8.3.0",
    ]


def test_a_command_does_not_see_the_settings_of_this_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLATFORM_DB", "postgres")
    program = "import os; print([name for name in os.environ if name.startswith('PLATFORM_')])"
    assert run(sys.executable, "-c", program, cwd=tmp_path) == "[]\n"


def test_a_command_that_fails_shows_what_it_printed(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"exit code 3.*\s+the reason"):
        run(
            sys.executable,
            "-c",
            "import sys; print('the reason', file=sys.stderr); sys.exit(3)",
            cwd=tmp_path,
        )
