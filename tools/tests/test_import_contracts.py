"""The contracts derive from the root packages: a package that is listed is fenced."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tools.check_workspace import ROOT

MANIFEST = """\
[tool.importlinter]
root_packages = ["base_of_all", "with_driver", "another"]
include_external_packages = true
contract_types = [
    "siblings: tools.import_contracts.SiblingsContract",
    "confined: tools.import_contracts.ConfinedContract",
]

[[tool.importlinter.contracts]]
name = "siblings"
type = "siblings"
base = "base_of_all"

[[tool.importlinter.contracts]]
name = "driver"
type = "confined"
package = "with_driver"
modules = ["sqlite3"]
"""


@pytest.mark.parametrize(
    ("package", "line", "broken"),
    [
        ("another", "import base_of_all", []),
        ("with_driver", "import base_of_all, sqlite3", []),
        ("another", "import with_driver", ["siblings"]),
        ("with_driver", "import another", ["siblings"]),
        ("base_of_all", "import another", ["siblings"]),
        ("another", "import sqlite3", ["driver"]),
        ("base_of_all", "import sqlite3", ["driver"]),
    ],
)
def test_what_a_package_may_not_import_breaks_a_contract(
    tmp_path: Path, package: str, line: str, broken: list[str]
) -> None:
    (tmp_path / "pyproject.toml").write_text(MANIFEST)
    for name in ("base_of_all", "with_driver", "another"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(f"{line}\n" if name == package else "")
    program = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    found = [name for name in ("siblings", "driver") if f"{name} BROKEN" in done.stdout]
    assert (found, done.returncode) == (broken, int(bool(broken))), done.stdout + done.stderr
