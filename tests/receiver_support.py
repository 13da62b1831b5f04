"""Runs the real receiver in a thread, on a real port, and talks HTTP to it."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import socket
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from driftline.bus import SPANS_TOPIC, open_bus
from driftline.errors import BusError
from driftline.receiver.app import make_app
from driftline.receiver.counts import Counts
from driftline.receiver.intake import Intake
from driftline.receiver.serve import _config, _Server, listening, run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from driftline.settings import Settings

PROTOBUF = "application/x-protobuf"
JSON = "application/json"
_IDS = frozenset({"traceId", "spanId", "parentSpanId"})


@dataclass(frozen=True)
class Answer:
    """What the receiver said."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Sender:
    """Posts to one receiver."""

    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def post(self, body: bytes, content_type: str = PROTOBUF, *, path: str = "/v1/traces", **headers: str) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.ask("POST", path, body, {"Content-Type": content_type} | named)

    def health(self) -> Any:
        return self.ask("GET", "/health").json()

    def ask(self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> Answer:
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)) as connection:
            connection.request(method, path, body, headers or {})
            # An answer that is cut off, by a killed receiver for one, holds the socket until it is closed itself.
            with contextlib.closing(connection.getresponse()) as answer:
                found = {name.lower(): value for name, value in answer.getheaders()}
                return Answer(answer.status, found, answer.read())


@dataclass
class MemoryProducer:
    """A bus that can be away, or so slow that it waits for the test."""

    messages: list[tuple[str, bytes, bytes | None]] = field(default_factory=list)
    away: bool = False
    gate: threading.Event = field(default_factory=threading.Event)
    waiting: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    def __post_init__(self) -> None:
        self.gate.set()

    def send(self, topic: str, value: bytes, *, key: bytes | None = None) -> None:
        self.waiting.release()
        assert self.gate.wait(30)
        if self.away:
            raise BusError("the bus is away")
        self.messages.append((topic, value, key))

    def close(self) -> None:
        pass


@dataclass
class Serving:
    """A receiver over a bus in memory."""

    sender: Sender
    producer: MemoryProducer
    stop: threading.Event
    thread: threading.Thread


@contextlib.contextmanager
def serving(*, max_message_bytes: int = 1_000_000, **options: Any) -> Iterator[Serving]:
    """Run the application with limits of the test's choice."""
    producer, counts, stop = MemoryProducer(), Counts(), threading.Event()
    intake = Intake(producer, max_message_bytes=max_message_bytes, counts=counts)
    limits: dict[str, Any] = {"token": "", "max_bytes": 1_000_000, "guard": Path("there-is-none.json")} | options
    app = make_app(intake, counts, **limits)
    with listening("127.0.0.1", 0) as listener:
        server = _Server(_config(app), stop)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        sender = Sender(listener.getsockname()[1])
        with _running(thread, stop, sender):
            yield Serving(sender, producer, stop, thread)


@contextlib.contextmanager
def receiving(settings: Settings) -> Iterator[Sender]:
    """Run the part itself, on the bus that the settings name."""
    stop = threading.Event()
    sender = Sender(settings.receiver_port)
    with _running(threading.Thread(target=run, args=(settings, stop)), stop, sender):
        yield sender


@contextlib.contextmanager
def _running(thread: threading.Thread, stop: threading.Event, sender: Sender) -> Iterator[None]:
    thread.start()
    try:
        wait_until_up(sender)
        yield
    finally:
        stop.set()
        thread.join(30)
    assert not thread.is_alive()


def wait_until_up(sender: Sender) -> None:
    deadline = time.monotonic() + 30
    while True:
        with contextlib.suppress(OSError):
            if sender.ask("GET", "/health").status == 200:
                return
        assert time.monotonic() < deadline
        time.sleep(0.05)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def on_bus(url: str, topic: str = SPANS_TOPIC, *, group: str = "test") -> list[bytes]:
    """What the group has not read of the bus, in its order."""
    found: list[bytes] = []
    with open_bus(url) as bus, contextlib.closing(bus.consumer(topic, group=group)) as consumer:
        while batch := consumer.take(max_bytes=10_000_000, timeout=0.05):
            found += [message.value for message in batch.messages]
            consumer.done(batch)
    return found


def spans_request(*sizes: int, trace_id: bytes = b"t" * 16) -> ExportTraceServiceRequest:
    """A request with one span a size, whose attribute has that many characters."""
    request = ExportTraceServiceRequest()
    spans = request.resource_spans.add().scope_spans.add().spans
    for number, size in enumerate(sizes):
        span = spans.add(trace_id=trace_id, span_id=number.to_bytes(8, "big"), name="chat")
        span.attributes.add(key="text").value.string_value = "x" * size
    return request


def as_json(message: Any) -> bytes:
    """The OTLP/JSON that an exporter would have sent: protobuf's, but with hexadecimal ids."""
    return json.dumps(_with_hex_ids(json_format.MessageToDict(message, use_integers_for_enums=True))).encode()


def _with_hex_ids(value: Any) -> Any:
    if isinstance(value, list):
        return [_with_hex_ids(item) for item in value]
    if isinstance(value, dict):
        return {
            name: base64.b64decode(item).hex() if name in _IDS else _with_hex_ids(item) for name, item in value.items()
        }
    return value
