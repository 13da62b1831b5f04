"""What each broker of the tests begins with, made once on a machine: Kafka's jars, its classes, a formatted storage."""

from __future__ import annotations

import base64
import contextlib
import fcntl
import functools
import re
import shutil
import socket
import subprocess
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

from components import missing

if TYPE_CHECKING:
    from collections.abc import Callable

GIVEN = "DRIFTLINE_TEST_KAFKA"
START_SECONDS = 60.0
_POM = Path(__file__).parent / "kafka_jars" / "pom.xml"
_CACHE = Path.home() / ".cache" / "driftline-tests"
_CLASSES = "classes.jsa"
_BOOTSTRAP = "bootstrap.checkpoint"
_NEEDS = (
    f"Apache Kafka needs Java 17+ and Maven: apt-get install openjdk-17-jre-headless maven, or set {GIVEN}=host:port"
)
_OPTIONS = (
    # Brokers that live for a minute: what compiles and collects more cleverly costs them more than it saves.
    *("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx512m"),
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
)
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


def java() -> list[str]:
    """The command that runs a class of Kafka's, to be named after it.

    The JVM takes the classes from an archive: to load them from the jars is half of the CPU time of a start.
    """
    return ["java", *_OPTIONS, f"-XX:SharedArchiveFile={_begun() / _CLASSES}", "-cp", f"{_jars()}/*"]


def properties(folder: Path, *, port: int, controller: int) -> str:
    """Of a broker that is alone, with its data in the folder."""
    return _PROPERTIES.format(port=port, controller=controller, folder=folder)


def form(folder: Path, *, cluster: str, node: int = 1) -> None:
    """Format a broker's storage; Kafka's own tool writes the same, in two seconds."""
    data = folder / "data"
    data.mkdir()
    shutil.copy(_begun() / _BOOTSTRAP, data)
    identity = f"cluster.id={cluster}\nnode.id={node}\ndirectory.id={new_id()}\n"
    (data / "meta.properties").write_text(f"version=1\n{identity}")


def new_id() -> str:
    """An id as Kafka makes them; the first byte keeps it from beginning with "-", which it takes for an option."""
    return base64.urlsafe_b64encode(b"k" + uuid.uuid4().bytes[1:]).decode().rstrip("=")


def free_ports(count: int) -> list[int]:
    """Ports that nothing uses now."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]


def listens(process: subprocess.Popen[bytes], port: int) -> bool:
    """Wait for it; False: it has ended, or takes too long."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return True
        time.sleep(0.1)
    return False


@functools.cache
def _jars() -> Path:
    if shutil.which("java") is None:
        missing(_NEEDS)
    (version,) = re.findall(r"kafka_2\.13</artifactId>\s*<version>(.*?)<", _POM.read_text())
    return _once(_CACHE / f"kafka-{version}", _download)


@functools.cache
def _begun() -> Path:
    """A folder with what a broker's first start has made: an archive of its classes for this Java, and more."""
    jars, program = _jars(), Path(shutil.which("java") or "").resolve()
    return _once(_CACHE / f"{jars.name}-begun-{int(program.stat().st_mtime)}", _begin)


def _once(folder: Path, make: Callable[[Path], None]) -> Path:
    """The folder, made if there is none, under another name first: one that breaks off is not taken for whole."""
    if folder.is_dir():
        return folder
    _CACHE.mkdir(parents=True, exist_ok=True)
    with (_CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.is_dir():
            part = folder.with_name(f"{folder.name}.part")
            shutil.rmtree(part, ignore_errors=True)
            make(part)
            part.rename(folder)
    return folder


def _download(to: Path) -> None:
    if shutil.which("mvn") is None:
        missing(_NEEDS)
    command = ["mvn", "-q", "-B", "-f", str(_POM), "dependency:copy-dependencies", f"-DoutputDirectory={to}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    if done.returncode:
        missing(f"Maven cannot fetch Apache Kafka ({done.stdout[-300:].strip()}); or set {GIVEN}=host:port")


def _begin(to: Path) -> None:
    to.mkdir()
    port, controller = free_ports(2)
    settings, command = to / "server.properties", ["java", *_OPTIONS, "-cp", f"{_jars()}/*"]
    settings.write_text(properties(to, port=port, controller=controller))
    with (to / "log").open("wb") as log:
        tool = ["kafka.tools.StorageTool", "format", "-t", new_id(), "-c", str(settings)]
        subprocess.run([*command, *tool], stdout=log, stderr=log, check=True, timeout=START_SECONDS)
        shutil.copy(to / "data" / _BOOTSTRAP, to)
        # It writes the archive when it ends in order.
        command.insert(1, f"-XX:ArchiveClassesAtExit={to / _CLASSES}")
        process = subprocess.Popen([*command, "kafka.Kafka", str(settings)], stdout=log, stderr=log)
        started = listens(process, port)
        process.terminate()
        process.wait(timeout=START_SECONDS)
    if not started:
        raise RuntimeError(f"Kafka did not start:\n{(to / 'log').read_text()[-3000:]}")
