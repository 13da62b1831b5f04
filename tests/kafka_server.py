"""One real Apache Kafka broker for the tests: fetched by Maven, run by Java, on loopback only."""

from __future__ import annotations

import base64
import contextlib
import fcntl
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

from components import missing

if TYPE_CHECKING:
    from collections.abc import Iterator

GIVEN = "DRIFTLINE_TEST_KAFKA"
POM = Path(__file__).parent / "kafka_jars" / "pom.xml"
_START_SECONDS = 60.0

_PROPERTIES = """
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={folder}/data
offsets.topic.num.partitions=3
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=3
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
broker.session.timeout.ms=2000
broker.heartbeat.interval.ms=500
auto.create.topics.enable=false
log.cleaner.enable=false
num.network.threads=2
num.io.threads=4
"""


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
    classpath = _classpath()
    folder = Path(tempfile.gettempdir()) / f"driftline-kafka-{os.getuid()}-{run}"
    folder.mkdir(mode=0o700, exist_ok=True)
    try:
        with _users(folder) as users:
            if not users:
                (folder / "address").write_text(_start(classpath, folder))
            users.append(os.getpid())
        yield (folder / "address").read_text()
    finally:
        with _users(folder) as users:
            if os.getpid() in users:
                users.remove(os.getpid())
            last = not users
            if last:
                _stop(folder)
        if last:
            shutil.rmtree(folder, ignore_errors=True)


class OwnBroker:
    """A broker for one test alone, which may stop it and start it again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.address = _start(_classpath(), folder)

    def stop(self) -> None:
        """Kill it; what it acknowledged is on its disk."""
        _stop(self._folder)

    def start(self) -> None:
        """Start it again with the same address and data."""
        _launch(self._folder, int(self.address.rpartition(":")[2]))


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


def _classpath() -> str:
    """Kafka's jars, downloaded once into the user's cache."""
    needs = (
        "Apache Kafka needs Java 17+ and Maven: apt-get install openjdk-17-jre-headless maven, "
        f"or set {GIVEN}=host:port"
    )
    if shutil.which("java") is None:
        missing(needs)
    (version,) = re.findall(r"kafka_2\.13</artifactId>\s*<version>(.*?)<", POM.read_text())
    cache = Path.home() / ".cache" / "driftline-tests"
    jars = cache / f"kafka-{version}"
    if not jars.is_dir():
        if shutil.which("mvn") is None:
            missing(needs)
        cache.mkdir(parents=True, exist_ok=True)
        with (cache / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not jars.is_dir():
                _download(jars)
    return f"{jars}/*"


def _download(jars: Path) -> None:
    # Into a folder of another name first, so that a download that breaks off is not taken for whole.
    part = jars.with_name(f"{jars.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    command = ["mvn", "-q", "-B", "-f", str(POM), "dependency:copy-dependencies", f"-DoutputDirectory={part}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    if done.returncode:
        missing(f"Maven cannot fetch Apache Kafka ({done.stdout[-300:].strip()}); or set {GIVEN}=host:port")
    part.rename(jars)


def _start(classpath: str, folder: Path) -> str:
    port, controller = _free_ports(2)
    properties = folder / "server.properties"
    properties.write_text(_PROPERTIES.format(port=port, controller=controller, folder=folder))
    (folder / "classpath").write_text(classpath)
    # The first byte keeps it from beginning with "-", which the tool would take for an option.
    cluster = base64.urlsafe_b64encode(b"k" + uuid.uuid4().bytes[1:]).decode().rstrip("=")
    form = ["kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(properties)]
    with (folder / "log").open("ab") as log:
        command = [*_java(classpath), *form]
        subprocess.run(command, stdout=log, stderr=log, check=True, timeout=_START_SECONDS)
    _launch(folder, port)
    return f"127.0.0.1:{port}"


def _java(classpath: str) -> list[str]:
    # Brokers that live for a minute: what compiles and collects more cleverly costs them more than it saves.
    quick = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]
    return ["java", *quick, "-Xmx512m", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", classpath]


def _launch(folder: Path, port: int) -> None:
    classpath = (folder / "classpath").read_text()
    command = [*_java(classpath), "kafka.Kafka", str(folder / "server.properties")]
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
    (folder / "pid").write_text(str(process.pid))
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            # The broker outlives this worker when another one still needs it: nobody waits for it here.
            process.returncode = 0
            return
        time.sleep(0.1)
    process.kill()
    process.wait()
    raise RuntimeError(f"Kafka did not start:\n{(folder / 'log').read_text()[-3000:]}")


def _stop(folder: Path) -> None:
    pid_file = folder / "pid"
    if not pid_file.exists():
        return
    pid = int(pid_file.read_text())
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)  # no need for an orderly end: its log is made for that
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, 0)  # not ours to wait for when another worker started it


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]
