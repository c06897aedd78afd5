"""A server of S3 for tests: MiniStack, or the one that the environment names."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import botocore.session
import pytest
from botocore.config import Config

_START_SECONDS = 60
_REGION = "us-east-1"
_KEY, _SECRET = "AKIATESTTESTTESTTEST", "canary/of/the/tests"


@contextmanager
def running_s3_server() -> Iterator[str]:
    """Run a new server inside the block; yield its URL. What was stored goes with it."""
    with TemporaryDirectory(prefix="platform-s3-") as folder:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        with (
            Path(folder, "log").open("wb") as log,
            subprocess.Popen(
                [sys.executable, "-m", "ministack"],
                env=_environment(port, folder),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            ) as server,
        ):
            try:
                _wait(server, port, Path(folder, "log"))
                yield f"http://127.0.0.1:{port}"
            finally:
                server.kill()


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """Yield the URL of a server for the whole session."""
    if url := os.environ.get("FS_S3_ENDPOINT"):
        yield url
        return
    with running_s3_server() as url:
        yield url


@pytest.fixture(scope="session")
def s3_client(s3_server: str) -> Any:
    """Return a client of botocore, to look at the server past the adapter."""
    key, secret = _credentials()
    return botocore.session.Session().create_client(
        "s3",
        region_name=_REGION,
        endpoint_url=s3_server,
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1}),
    )


@pytest.fixture
def s3_settings(s3_server: str, s3_client: Any) -> Mapping[str, str]:
    """Return the settings of ``--fs s3`` for an empty bucket of its own."""
    bucket = f"test-{uuid4().hex}"
    s3_client.create_bucket(Bucket=bucket)
    key, secret = _credentials()
    return {
        "FS_S3_BUCKET": bucket,
        "FS_S3_ENDPOINT": s3_server,
        "FS_S3_REGION": _REGION,
        "FS_S3_ACCESS_KEY_ID": key,
        "FS_S3_SECRET_ACCESS_KEY": secret,
    }


def _credentials() -> tuple[str, str]:
    if "FS_S3_ENDPOINT" in os.environ:
        return os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"]
    return _KEY, _SECRET


def _environment(port: int, folder: str) -> dict[str, str]:
    """Return that of a server of S3 alone, on the loopback interface, which writes to ``folder`` only."""
    ours = ("AWS_", "DB_", "FS_", "PLATFORM_", "MINISTACK_", "S3_", "LOCALSTACK_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return kept | {
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "SERVICES": "s3",
        "AUTH": "true",  # signatures are checked
        "AWS_ACCESS_KEY_ID": _KEY,
        "AWS_SECRET_ACCESS_KEY": _SECRET,
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
        "LOG_LEVEL": "ERROR",
        "TMPDIR": folder,
        "DOCKER_HOST": f"unix://{folder}/none",
    }


def _wait(server: subprocess.Popen[bytes], port: int, log: Path) -> None:
    end = time.monotonic() + _START_SECONDS
    while server.poll() is None and time.monotonic() < end:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.02)
    raise RuntimeError(f"the S3 server did not start: {log.read_text(errors='replace')[-2000:]}")
