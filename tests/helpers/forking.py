"""The command ``platform`` in processes that are forked from one that has imported all: they start at once.

Starting Python and its imports take most of the time of a short command. Each has a process of its own all
the same, with the directory, environment and standard streams that it is given.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import select
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from pkgutil import walk_packages
from tempfile import TemporaryDirectory
from threading import Lock
from typing import IO, Any

PACKAGES = ("batch_etl", "platform_cli", "platform_localfs", "platform_migrate", "platform_postgres")
"""What is imported, with all its modules; not duckdb, which complains at the end of a process."""

LIBRARIES = ("dotenv", "structlog")
"""What these import only when it is used."""


class ForkServer:
    """The process that commands are forked from, one at a time: ``is_free`` is held while one runs."""

    def __init__(self, requests: IO[str], answers: IO[str]) -> None:
        self._requests, self._answers = requests, answers
        self.is_free = Lock()

    def run(
        self, words: Sequence[str], cwd: Path, env: Mapping[str, str], timeout: float
    ) -> tuple[int, str, str]:
        """Run a command, and return its exit code, standard output and standard error.

        Raises:
            TimeoutError: when it takes longer than ``timeout`` seconds; it is killed.
        """
        with TemporaryDirectory() as folder:
            out, err = Path(folder, "out"), Path(folder, "err")
            code = self._run(
                {"words": words, "cwd": str(cwd), "env": dict(env), "out": str(out), "err": str(err)}, timeout
            )
            return code, out.read_text(), err.read_text()

    def _run(self, request: Mapping[str, Any], timeout: float) -> int:
        self._requests.write(f"{json.dumps(request)}\n")
        self._requests.flush()
        process_id = int(self._answers.readline())
        is_late = not select.select([self._answers], [], [], timeout)[0]
        if is_late:
            os.kill(process_id, 9)
        code = int(self._answers.readline())
        if is_late:
            raise TimeoutError(f"platform {' '.join(request['words'])} took longer than {timeout:g} s")
        return code


@contextmanager
def fork_server() -> Iterator[ForkServer]:
    """Run the process inside the block."""
    with subprocess.Popen(
        [sys.executable, "-P", __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin
        assert process.stdout
        yield ForkServer(process.stdin, process.stdout)
        process.stdin.close()


def _serve() -> None:
    for name in (*LIBRARIES, *_list_modules()):
        importlib.import_module(name)
    gc.freeze()
    requests, answers = os.fdopen(os.dup(0)), os.fdopen(os.dup(1), "w")
    for line in requests:
        process_id = os.fork()
        if not process_id:
            requests.close()
            answers.close()
            _become(json.loads(line))
            return
        answers.write(f"{process_id}\n")
        answers.flush()
        _, status = os.waitpid(process_id, 0)
        answers.write(f"{os.waitstatus_to_exitcode(status)}\n")
        answers.flush()


def _list_modules() -> Iterator[str]:
    for name in PACKAGES:
        for found in walk_packages(importlib.import_module(name).__path__, f"{name}."):
            if not found.ispkg and not {"templates", "testing", "versions"} & {*found.name.split(".")}:
                yield found.name


def _become(request: dict[str, Any]) -> None:
    from platform_cli.__main__ import main

    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    for number, (path, mode) in enumerate(
        [(os.devnull, os.O_RDONLY), (request["out"], flags), (request["err"], flags)]
    ):
        opened = os.open(path, mode, 0o600)
        os.dup2(opened, number)
        os.close(opened)
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    sys.path[:0] = filter(None, request["env"].get("PYTHONPATH", "").split(os.pathsep))
    sys.modules.pop("sitecustomize", None)
    with suppress(ModuleNotFoundError):
        importlib.import_module("sitecustomize")  # as Python itself does
    sys.argv = ["platform", *request["words"]]
    sys.exit(main())


if __name__ == "__main__":
    _serve()
