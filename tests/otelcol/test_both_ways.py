"""A stock Collector in front of Driftline and behind it, with the configurations that the docs show."""

from __future__ import annotations

import contextlib
import json
import os
import time
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry._logs import LogRecord
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

import driftline
import kafka_server
from driftline.bus import open_bus
from driftline.otlp.decode import from_json
from driftline.otlp.signals import LOGS, TRACES
from driftline.settings import load
from ingest_support import captured, span_ids
from otelcol_support import GIVEN, collector, documented
from receiver_support import free_port, receiving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from driftline.otlp.signals import Signal
    from driftline.settings import Settings
    from driftline_store.client import Client

pytestmark = [
    pytest.mark.kafka,
    pytest.mark.slow,
    pytest.mark.skipif(GIVEN not in os.environ, reason=f"needs a Collector, built as docs/collector.md says: {GIVEN}"),
]

WAIT_SECONDS = 30
CALLS = 40
POSTED = captured("vercel-ai-7.0.173", "chat_tool_call")
ANSWER = [{"role": "assistant", "parts": [{"type": "text", "content": "Paris."}], "finish_reason": "stop"}]


def call(endpoint: str, *services: str) -> None:
    """An application a service, each with the SDK's own exporters: chat calls, and a user's judgement of each."""
    for service in services:
        resource = Resource({"service.name": service})
        tracing = TracerProvider(resource=resource, shutdown_on_exit=False)
        tracing.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{endpoint}/v1/traces")))
        logging = LoggerProvider(resource=resource, shutdown_on_exit=False)
        logging.add_log_record_processor(SimpleLogRecordProcessor(OTLPLogExporter(f"{endpoint}/v1/logs")))
        for _ in range(CALLS):
            with tracing.get_tracer("test").start_as_current_span("chat gpt-4o-mini") as span:
                span.set_attributes(
                    {
                        "gen_ai.operation.name": "chat",
                        "gen_ai.provider.name": "openai",
                        "gen_ai.request.model": "gpt-4o-mini",
                        "gen_ai.usage.input_tokens": 142,
                        "gen_ai.usage.output_tokens": 48,
                        "gen_ai.output.messages": json.dumps(ANSWER),
                    }
                )
                logging.get_logger("test").emit(
                    LogRecord(
                        event_name="gen_ai.evaluation.result",
                        attributes={"gen_ai.evaluation.name": "user_feedback", "gen_ai.evaluation.score.value": 1.0},
                    )
                )
        tracing.shutdown()
        logging.shutdown()


def stored(client: Client, *services: str) -> tuple[int, int, int]:
    """Spans of the services, those among them with tokens, cost and an answer, and judgements of them."""
    [row] = client.query(
        "WITH ours AS (SELECT * FROM llm_spans WHERE service IN {services:Array(String)}) SELECT count(), "
        "countIf(input_tokens = 142 AND cost > 0 AND position(output, 'Paris.') > 0), "
        "(SELECT count() FROM evaluations WHERE score = 1 AND trace_id IN (SELECT trace_id FROM ours)) FROM ours",
        parameters={"services": list(services)},
    ).result_rows
    return int(row[0]), int(row[1]), int(row[2])


def arrive(client: Client, *services: str) -> None:
    """Wait until all that the services sent is stored, and see that it stays at that."""
    wanted = (CALLS * len(services),) * 3
    deadline = time.monotonic() + WAIT_SECONDS
    while stored(client, *services) != wanted and time.monotonic() < deadline:
        time.sleep(0.2)
    assert stored(client, *services) == wanted


@pytest.mark.parametrize(
    ("encoding", "compression", "by_trace"),
    [
        ("otlp_proto", "zstd", False),
        ("otlp_proto", "snappy", True),
        ("otlp_json", "lz4", False),
        ("otlp_json", "gzip", True),
        ("otlp_proto", "none", False),
    ],
)
def test_what_a_collector_writes_onto_kafka_is_stored(
    broker: str, store: Client, folder: Path, encoding: str, compression: str, *, by_trace: bool
) -> None:
    services = (f"one-{uuid.uuid4().hex}", f"two-{uuid.uuid4().hex}")
    port = free_port()
    config = documented("applications to Driftline's topics")
    config["receivers"]["otlp"]["protocols"]["http"]["endpoint"] = f"127.0.0.1:{port}"
    exporter = config["exporters"]["kafka"]
    exporter |= {"brokers": [broker], "partition_traces_by_id": by_trace, "partition_logs_by_trace_id": by_trace}
    exporter |= {"traces": {"encoding": encoding}, "logs": {"encoding": encoding}}
    exporter["producer"]["compression"] = compression
    with collector(config, folder):
        call(f"http://127.0.0.1:{port}", *services)
        arrive(store, *services)
    assert store.query("SELECT count() FROM dead_letters").result_rows == [(0,)]


def test_what_a_collector_sends_to_the_receiver_is_stored(settings: Settings, store: Client, folder: Path) -> None:
    service = f"over-receiver-{uuid.uuid4().hex}"
    port, own = free_port(), free_port()
    config = documented("applications to Driftline's receiver")
    config["receivers"]["otlp"]["protocols"]["http"]["endpoint"] = f"127.0.0.1:{port}"
    config["exporters"]["otlp_http"]["endpoint"] = f"http://127.0.0.1:{own}"
    with (
        receiving(type(settings)({**settings.values, "receiver_port": own})),
        collector(config, folder),
    ):
        call(f"http://127.0.0.1:{port}", service)
        arrive(store, service)


def test_a_collector_reads_what_the_application_and_the_receiver_write(folder: Path) -> None:
    # Its own broker: other tests have left JSON on theirs, which this Collector is not told to expect.
    with another_broker(folder) as address:
        write(load({}, bus=f"kafka://{address}", receiver_port=free_port()))
        url = f"kafka://{address}"
        counts = {TRACES: len(span_ids(POSTED)) + 1, LOGS: 1}
        written = {signal.name: on_kafka(url, signal, count) for signal, count in counts.items()}
        config = documented("Driftline's topics to a file")
        config["receivers"]["kafka"]["brokers"] = [address]
        with collector(config, folder):
            deadline = time.monotonic() + WAIT_SECONDS
            while (found := archived(folder)) != written and time.monotonic() < deadline:
                time.sleep(0.2)
    assert found == written


@contextlib.contextmanager
def another_broker(folder: Path) -> Iterator[str]:
    own = kafka_server.OwnBroker(folder)
    try:
        yield own.address
    finally:
        own.stop()


def write(settings: Settings) -> None:
    """A captured request through the receiver; a span and a judgement of it from the decorator."""
    with receiving(settings) as sender:
        sender.post(POSTED)
    provider = TracerProvider(shutdown_on_exit=False)
    driftline.init(bus=settings.bus_url, service_name="read", tracer_provider=provider)
    with driftline.session("s"):
        driftline.observe(lambda: driftline.feedback(str(driftline.current()), thumbs_up=True))()
    assert driftline.flush(30)
    driftline.shutdown(5)


def on_kafka(url: str, signal: Signal, count: int) -> list[str]:
    """The records of a topic, once there are as many."""
    found: list[str] = []
    deadline = time.monotonic() + WAIT_SECONDS
    with open_bus(url) as bus, contextlib.closing(bus.consumer(signal.topic, group="test")) as consumer:
        while len(found) < count and time.monotonic() < deadline:
            if batch := consumer.take(max_bytes=1_000_000, timeout=1):
                requests = [signal.request.FromString(message.value) for message in batch.messages]
                found += [str(record) for request in requests for record in records(signal, request)]
                consumer.done(batch)
    assert len(found) == count
    return sorted(found)


def archived(folder: Path) -> dict[str, list[str]]:
    """Records of each signal in the Collector's file."""
    found: dict[str, list[str]] = {"spans": [], "log records": []}
    with contextlib.suppress(FileNotFoundError):
        for line in (folder / "archive.jsonl").read_bytes().split(b"\n")[:-1]:  # what follows is being written
            signal = TRACES if b'"resourceSpans"' in line else LOGS
            found[signal.name] += [str(record) for record in records(signal, from_json(signal, line))]
    return {name: sorted(texts) for name, texts in found.items()}


def records(signal: Signal, request: Any) -> list[Any]:
    return [
        without_empty(record)
        for group in getattr(request, signal.groups)
        for scope in getattr(group, signal.scopes)
        for record in getattr(scope, signal.records)
    ]


def without_empty(record: Any) -> Any:
    """The Collector writes an empty status or body where there was none."""
    for field in ("status", "body"):
        if field in record.DESCRIPTOR.fields_by_name and not getattr(record, field).ByteSize():
            record.ClearField(field)
    return record
