"""One real Apache Kafka broker for the tests: fetched by Maven, run by Java, on loopback only."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from kafka_files import GIVEN, form, free_ports, java, listens, new_id, properties

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def shared_broker(run: str) -> Iterator[str]:
    """The address of a broker that all workers of one test run use together.

    The first worker starts it and the last one to finish stops it; they agree through a locked file.

    Args:
        run: what the workers of one run have in common.
    """
    if os.environ.get(GIVEN):
        yield os.environ[GIVEN]
        return
    folder = Path(tempfile.gettempdir()) / f"driftline-kafka-{os.getuid()}-{run}"
    folder.mkdir(mode=0o700, exist_ok=True)
    try:
        with _users(folder) as users:
            if not users:
                (folder / "address").write_text(_start(folder))
            users.append(os.getpid())
        yield (folder / "address").read_text()
    finally:
        with _users(folder) as users:
            if os.getpid() in users:
                users.remove(os.getpid())
            last = not users
            if last:
                stop(folder)
        if last:
            shutil.rmtree(folder, ignore_errors=True)


class OwnBroker:
    """A broker for one test alone, which may stop it and start it again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.address = _start(folder)

    def stop(self) -> None:
        """Kill it; what it acknowledged is on its disk."""
        stop(self._folder)

    def start(self) -> None:
        """Start it again with the same address and data."""
        launch(self._folder, int(self.address.rpartition(":")[2]))


@contextlib.contextmanager
def _users(folder: Path) -> Iterator[list[int]]:
    """The processes that use the broker, to be changed while nobody else looks."""
    with (folder / "users").open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        users = [int(word) for word in file.read().split() if _alive(int(word))]
        yield users
        file.truncate(0)
        file.write(" ".join(map(str, users)))


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


def _start(folder: Path) -> str:
    port, controller = free_ports(2)
    (folder / "server.properties").write_text(properties(folder, port=port, controller=controller))
    form(folder, cluster=new_id())
    launch(folder, port)
    return f"127.0.0.1:{port}"


def launch(folder: Path, port: int) -> None:
    """Start the broker of the folder and wait until it listens."""
    command = [*java(), "kafka.Kafka", str(folder / "server.properties")]
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
    (folder / "pid").write_text(str(process.pid))
    if listens(process, port):
        # The broker outlives this worker when another one still needs it: nobody waits for it here.
        process.returncode = 0
        return
    process.kill()
    process.wait()
    raise RuntimeError(f"Kafka did not start:\n{(folder / 'log').read_text()[-3000:]}")


def stop(folder: Path) -> None:
    """Kill the broker of the folder, if there is one."""
    pid_file = folder / "pid"
    if not pid_file.exists():
        return
    pid = int(pid_file.read_text())
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)  # no need for an orderly end: its log is made for that
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, 0)  # not ours to wait for when another worker started it
