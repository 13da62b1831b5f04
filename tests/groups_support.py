"""Several ingest processes on one bus and one store, which tests start, pause, kill and count after."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from driftline.bus import LOGS_TOPIC, SPANS_TOPIC, open_bus
from driftline.settings import load
from driftline_processors.prepare import prepare
from ingest_support import captured
from store_fixtures import running_store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from driftline_store.client import Client

MEMBER = Path(__file__).parent / "groups" / "member.py"
SPANS_A_MESSAGE = 5
LOAD_SECONDS = 1.0
"""Between two lots of messages: each lot is an insert or more, and the store's inserts are what these tests cost."""

WAIT_SECONDS = 120


def totals(client: Client) -> dict[str, int]:
    """Each the number of spans that were sent, if none was lost and none counted twice."""
    [row] = client.query(
        "SELECT (SELECT count() FROM llm_spans), (SELECT uniqExact(span_id) FROM llm_spans), "
        "(SELECT sum(requests) FROM llm_rollups WHERE resolution = 'day'), "
        "(SELECT sum(calls) FROM llm_rollups WHERE resolution = 'day'), "
        "(SELECT sum(arraySum(mapValues(call_seconds))) FROM llm_rollups WHERE resolution = 'day')"
    ).result_rows
    return dict(zip(("spans", "distinct", "requests", "calls", "histogram"), map(int, row), strict=True))


def message(chance: random.Random) -> bytes:
    """A request with some root spans made of a captured one, with ids of their own."""
    request = ExportTraceServiceRequest.FromString(captured("otel-genai-openai-1.3b0", "chat"))
    spans = request.resource_spans[0].scope_spans[0].spans
    for _ in range(SPANS_A_MESSAGE - 1):
        spans.add().CopyFrom(spans[0])
    for span in spans:
        span.trace_id, span.span_id = chance.randbytes(16), chance.randbytes(8)
        span.start_time_unix_nano = time.time_ns()
        span.end_time_unix_nano = span.start_time_unix_nano + chance.randrange(10**6, 10**10)
    return request.SerializeToString()


@dataclass
class Member:
    """An ingest process.

    Attributes:
        log: what it wrote to standard error.
    """

    process: subprocess.Popen[bytes]
    log: Path

    def wait_until_paused(self) -> None:
        """Until it has stopped itself at its point."""
        wait_for(lambda: psutil.Process(self.process.pid).status() == psutil.STATUS_STOPPED, self.log.read_text)

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def leave(self) -> None:
        """End in order."""
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(timeout=WAIT_SECONDS) == 0, self.log.read_text()[-4000:]


@dataclass
class Group:
    """A bus, a store and the ingest processes between them.

    Attributes:
        client: of the store, one for all looks at it, as opening one costs five times as much as a look.
    """

    path: Path
    bus_url: str
    client: Client
    members: list[Member] = field(default_factory=list)
    sent: int = 0

    def join(self, pause_at: str = "") -> Member:
        """Start a process; it stops itself once it comes to ``pause_at``, see ``groups/member.py``."""
        environ = os.environ | {
            "DRIFTLINE_DATA_DIR": str(self.path),
            "DRIFTLINE_BUS": self.bus_url,
            "DRIFTLINE_BATCH_SECONDS": "0.5",
            "DRIFTLINE_BATCH_BYTES": "400000",
        }
        log = self.path / f"ingest-{len(self.members)}.log"
        with log.open("wb") as file:
            process = subprocess.Popen([sys.executable, str(MEMBER), pause_at], env=environ, stderr=file)
        self.members.append(Member(process, log))
        return self.members[-1]

    def send(self, messages: int) -> None:
        with open_bus(self.bus_url) as bus:
            producer = bus.producer()
            chance = random.Random(self.sent)
            for _ in range(messages):
                producer.send(SPANS_TOPIC, message(chance))
                self.sent += SPANS_A_MESSAGE
            producer.close()

    @contextlib.contextmanager
    def load(self, messages: int) -> Iterator[None]:
        """Keep sending while the block runs, so many messages every ``LOAD_SECONDS``."""
        stop = threading.Event()

        def run() -> None:
            while not stop.wait(LOAD_SECONDS):
                self.send(messages)

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    def stored(self) -> int:
        return int(self.client.query("SELECT count() FROM llm_spans").result_rows[0][0])

    def wait_until_stored(self) -> None:
        """Until all that was sent so far is there."""
        while (stored := self.stored()) < self.sent:
            wait_for(lambda before=stored: self.stored() > before, self.logs)  # type: ignore[misc]

    def wait_for_more(self, spans: int = 1) -> None:
        """Until spans arrive that were not there at the time of the call."""
        wanted = self.stored() + spans
        wait_for(lambda: self.stored() >= wanted, self.logs)

    def end(self) -> None:
        """End all members in order; then everything sent has to be there once."""
        self.wait_until_stored()
        for member in self.members:
            if member.process.poll() is None:
                member.leave()
        names = ("spans", "distinct", "requests", "calls", "histogram")
        assert totals(self.client) == dict.fromkeys(names, self.sent)

    def logs(self) -> str:
        return "\n".join(f"{member.log.name}:\n{member.log.read_text()[-3000:]}" for member in self.members)


@contextlib.contextmanager
def group(path: Path, bus_url: str) -> Iterator[Group]:
    """A store on the folder, and whatever processes join, all gone at the end."""
    with running_store(path, prepared=True), contextlib.closing(prepare(load(data_dir=str(path)))) as client:
        opened = Group(path, bus_url, client)
        try:
            yield opened
        finally:
            for member in opened.members:
                if member.process.poll() is None:
                    member.kill()


def recreate_topics(bus_url: str) -> None:
    """Delete both topics, if they exist, and create them anew: offsets start at 0 again."""
    address = bus_url.removeprefix("kafka://").partition("?")[0]
    with open_bus(bus_url) as bus:
        import kafka  # noqa: PLC0415  only once driftline.bus has imported it

        with kafka.KafkaAdminClient(bootstrap_servers=address) as admin:
            for topic in {SPANS_TOPIC, LOGS_TOPIC} & set(admin.list_topics()):
                admin.delete_topics([topic])
                while any(not found["error_code"] for found in admin.describe_topics([topic])):
                    time.sleep(0.05)
        producer = bus.producer()
        for topic in (SPANS_TOPIC, LOGS_TOPIC):
            producer.send(topic, b"")  # creates it
        producer.close()


def wait_for(holds: Callable[[], bool], explain: Callable[[], str]) -> None:
    """Wait until it holds, or fail with the explanation."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not holds():
        assert time.monotonic() < deadline, explain()
        time.sleep(0.1)
