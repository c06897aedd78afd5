"""A package of a few lines adds an adapter or a module; nothing here is changed for it."""

import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from tests.helpers.command import Platform

ADAPTER = {
    "pyproject.toml": """
        [project]
        name = "acme-store"
        version = "1.0"
        dependencies = ["platform-memory"]

        [project.entry-points."platform.filesystem"]
        acme = "acme_store:AcmeFileSystem"

        [build-system]
        requires = ["uv_build"]
        build-backend = "uv_build"
    """,
    "src/acme_store/__init__.py": """
        from platform_memory import MemoryFileSystem


        class AcmeFileSystem(MemoryFileSystem):
            def __init__(self, secrets):
                super().__init__(secrets)
                self.token = secrets.require("ACME_TOKEN")
    """,
}
MODULE = {
    "pyproject.toml": """
        [project]
        name = "hello-job"
        version = "1.0"
        dependencies = ["platform-interfaces"]

        [project.entry-points."platform.modules"]
        hello = "hello_job"

        [build-system]
        requires = ["uv_build"]
        build-backend = "uv_build"
    """,
    "src/hello_job/__init__.py": "",
    "src/hello_job/module.json": """
        {
          "name": "hello",
          "display_name": "Hello",
          "description": "Writes a greeting to a file.",
          "type": "job",
          "version": "1.0.0",
          "dependencies": {"interfaces": ["filesystem", "logging"], "modules": []},
          "args": [
            {"name": "whom", "description": "Who is greeted.", "required": true, "type": "string"},
            {"name": "times", "description": "How often.", "required": false, "type": "integer", "default": 2}
          ]
        }
    """,
    "src/hello_job/main.py": """
        async def run(ctx):
            await ctx.fs.write("hello.txt", ("hello " + ctx.config["whom"]).encode() * ctx.config["times"])
            text = (await ctx.fs.read("hello.txt")).decode()
            ctx.log.info("Greeted", text=text, store=type(ctx.fs).__name__)
            return 0
    """,
}


@pytest.fixture
def installed(tmp_path: Path) -> str:
    """Return the folder with both packages installed; on PYTHONPATH it is as good as the environment."""
    target = tmp_path / "site"
    for name, files in (("acme", ADAPTER), ("hello", MODULE)):
        for path, text in files.items():
            file = tmp_path / name / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(dedent(text).lstrip())
        command = ["uv", "pip", "install", "--quiet", "--no-deps", "--python", sys.executable]
        subprocess.run([*command, "--target", target, tmp_path / name], check=True)
    return str(target)


def test_an_adapter_and_a_module_are_found_by_name_once_installed(platform: Platform, installed: str) -> None:
    run = ("run", "hello", "--fs", "acme", "--log", "json", "--whom", "Ada")
    done = platform(*run, PYTHONPATH=installed, ACME_TOKEN="t")
    assert done.code == 0
    [greeted] = [event for event in done.events() if event["event"] == "Greeted"]
    assert (greeted["text"], greeted["store"]) == ("hello Adahello Ada", "AcmeFileSystem")
    unset = platform(*run, PYTHONPATH=installed)
    assert (unset.code, "'ACME_TOKEN' is not set" in unset.log) == (2, True)


def test_help_and_suggestions_know_them(platform: Platform, installed: str) -> None:
    assert "hello" in platform("run", "--help", PYTHONPATH=installed).out
    assert "Who is greeted." in platform("run", "hello", "--help", PYTHONPATH=installed).out
    wrong = platform("run", "helo", "--whom", "Ada", PYTHONPATH=installed)
    assert (wrong.code, "did you mean 'hello'?" in wrong.log) == (2, True)
    wrong = platform("run", "hello", "--fs", "acne", "--whom", "Ada", PYTHONPATH=installed)
    assert (wrong.code, "did you mean 'acme'?" in wrong.log) == (2, True)
