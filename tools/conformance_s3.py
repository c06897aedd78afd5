"""Run the tests of the object store on a real S3 server: the gateway of Ceph, in a folder of its own.

Needs Debian's packages ``radosgw ceph-mon ceph-osd``, and root, as they do. All of it listens on the loopback
interface, and the data are in memory.
"""

import os
import shutil
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parent.parent
TESTS = ("test_filesystem.py", "test_objects.py")
PROGRAMS = ("radosgw", "radosgw-admin", "ceph-mon", "ceph-osd", "ceph", "monmaptool")
WAIT_SECONDS = 120
KEY, SECRET = "AKIATESTTESTTESTTEST", "canary/of/the/tests"
# One monitor and one disk in memory; without cephx, "secure" connections, radosgw's default, cannot be made.
CONFIG = """[global]
fsid = {fsid}
mon host = [v2:127.0.0.1:{ports[0]},v1:127.0.0.1:{ports[1]}]
mon initial members = a
public addr = 127.0.0.1
cluster addr = 127.0.0.1
auth cluster required = none
auth service required = none
auth client required = none
ms mon client mode = crc
ms client mode = crc
osd pool default size = 1
osd pool default min size = 1
mon allow pool size one = true
osd crush chooseleaf type = 0
osd pool default pg num = 4
osd pool default pg autoscale mode = off
mon max pg per osd = 1000
osd objectstore = memstore
memstore device bytes = 2147483648
run dir = {folder}
admin socket = {folder}/$name.asok
log file = {folder}/$name.log
pid file = {folder}/$name.pid
mon data = {folder}/mon
osd data = {folder}/osd
"""


class Cluster:
    """The processes of a cluster in ``folder``."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder, self._stack = folder, stack
        self.fsid, self.disk = str(uuid.uuid4()), str(uuid.uuid4())
        *self._ports, self.gateway_port = _find_ports(3)
        config = CONFIG.format(fsid=self.fsid, ports=self._ports, folder=folder)
        (folder / "ceph.conf").write_text(config)
        (folder / "osd").mkdir()

    def run(self, program: str, *args: str) -> str:
        """Run a program to its end and return its output."""
        command = [program, "-c", f"{self._folder}/ceph.conf", *args]
        return subprocess.run(
            command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, timeout=60
        ).stdout

    def start(self, program: str, *args: str) -> None:
        """Start a program that is stopped at the end."""
        command = [program, "-c", f"{self._folder}/ceph.conf", *args]
        process = subprocess.Popen(
            command, cwd=self._folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self._stack.callback(process.wait)
        self._stack.callback(process.kill)

    def start_all(self) -> None:
        """Start the monitor, the disk and the gateway, and make a user."""
        monmap = str(self._folder / "monmap")
        address = f"[v2:127.0.0.1:{self._ports[0]},v1:127.0.0.1:{self._ports[1]}]"
        make_map = (
            "monmaptool",
            "--create",
            "--clobber",
            "--fsid",
            self.fsid,
            "--addv",
            "a",
            address,
            monmap,
        )
        subprocess.run(make_map, check=True, stdout=subprocess.DEVNULL)
        self.run("ceph-mon", "--mkfs", "-i", "a", "--monmap", monmap)
        self.start("ceph-mon", "-i", "a", "-f")
        self.run("ceph", "osd", "new", self.disk)
        self.run("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", self.disk)
        self.start("ceph-osd", "-i", "0", "--osd-uuid", self.disk, "-f")
        _wait_until(lambda: " up " in self.run("ceph", "osd", "tree"), "the disk of Ceph")
        frontend = f"beast endpoint=127.0.0.1:{self.gateway_port}"
        self.start("radosgw", "-n", "client.admin", "-f", "--rgw-frontends", frontend)
        _wait_until(lambda: _listens(self.gateway_port), "the gateway of Ceph")
        user = ("--uid", "tests", "--display-name", "tests", "--access-key", KEY, "--secret-key", SECRET)
        self.run("radosgw-admin", "user", "create", *user)


@contextmanager
def running_gateway() -> Iterator[str]:
    """Run a cluster inside the block; yield the URL of its gateway."""
    with TemporaryDirectory(prefix="platform-ceph-") as folder, ExitStack() as stack:
        cluster = Cluster(Path(folder), stack)
        cluster.start_all()
        yield f"http://127.0.0.1:{cluster.gateway_port}"


def _find_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _wait_until(is_ready: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + WAIT_SECONDS
    while not is_ready():
        if time.monotonic() > end:
            raise SystemExit(f"{what} is not ready after {WAIT_SECONDS} s")
        time.sleep(0.2)


def main() -> int:
    """Run the tests and return their exit code; 1, too, where Ceph is not installed."""
    if missing := [program for program in PROGRAMS if not shutil.which(program)]:
        print(
            f"not installed: {', '.join(missing)}: apt-get install radosgw ceph-mon ceph-osd", file=sys.stderr
        )
        return 1
    started = time.monotonic()
    with running_gateway() as url:
        print(f"{subprocess.check_output(['ceph', '--version'], text=True).strip()}")
        print(f"ready after {time.monotonic() - started:.1f} s")
        settings = {"FS_S3_ENDPOINT": url, "AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET}
        tests = [str(ROOT / "packages/platform-objectstore/tests" / name) for name in TESTS]
        command = [sys.executable, "-m", "pytest", "--quiet", *tests, *sys.argv[1:]]
        return subprocess.run(command, cwd=ROOT, env=os.environ | settings, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
