"""What an application with nothing but OpenTelemetry's own packages sends arrives byte for byte."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Any, cast

import pytest
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from driftline.bus import LOGS_TOPIC, open_bus
from driftline_processors import prices
from driftline_processors.install import install
from driftline_store.migrate import migrate
from ingest_support import Pipeline
from receiver_support import on_bus, receiving, serving

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.sdk.trace import ReadableSpan

    from driftline.settings import Settings
    from driftline_store.client import Client
    from receiver_support import MemoryProducer, Sender


def some_spans() -> Sequence[ReadableSpan]:
    memory = InMemorySpanExporter()
    provider = TracerProvider(resource=Resource({"service.name": "shop"}), shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(memory))
    with provider.get_tracer("test").start_as_current_span("chat gpt-4o-mini") as span:
        span.set_attributes(
            {
                "gen_ai.operation.name": "chat",
                "gen_ai.provider.name": "openai",
                "gen_ai.request.model": "gpt-4o-mini",
                "gen_ai.usage.input_tokens": 142,
                "gen_ai.usage.output_tokens": 48,
            }
        )
    return memory.get_finished_spans()


def send(exporter: Any, records: Sequence[Any]) -> Any:
    """Export once, as the SDK's processors do, and give the result."""
    try:
        return exporter.export(records)
    finally:
        exporter.shutdown()


def come_back(producer: MemoryProducer) -> None:
    """Be there again after the first attempt, which waits 2 s for the next."""
    assert producer.waiting.acquire(timeout=30)
    time.sleep(0.5)
    producer.away = False


@pytest.mark.parametrize("compression", list(Compression))
def test_spans_arrive_byte_for_byte(sender: Sender, settings: Settings, compression: Compression) -> None:
    spans = some_spans()
    assert send(OTLPSpanExporter(f"{sender.url}/v1/traces", compression=compression), spans) is SpanExportResult.SUCCESS
    assert on_bus(settings.bus_url) == [encode_spans(spans).SerializeToString()]


def test_log_records_arrive_byte_for_byte(sender: Sender, settings: Settings) -> None:
    memory: Any = cast(Any, InMemoryLogRecordExporter)()
    provider = LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(memory))
    provider.get_logger("test").emit(
        LogRecord(
            event_name="gen_ai.evaluation.result",
            severity_number=SeverityNumber.INFO,
            attributes={"gen_ai.evaluation.score.value": 1.0},
        )
    )
    records = memory.get_finished_logs()
    send(OTLPLogExporter(f"{sender.url}/v1/logs"), records)
    assert on_bus(settings.bus_url, LOGS_TOPIC) == [encode_logs(records).SerializeToString()]


def test_the_environment_variables_of_the_docs_are_all_it_takes(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    guarded = type(settings)({**settings.values, "receiver_token": "s3cret"})
    with receiving(guarded) as sender:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", sender.url)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20s3cret")
        assert send(OTLPSpanExporter(), some_spans()) is SpanExportResult.SUCCESS
    assert len(on_bus(settings.bus_url)) == 1


def test_the_sdk_sends_again_what_the_bus_did_not_take(caplog: pytest.LogCaptureFixture) -> None:
    with serving() as served, caplog.at_level(logging.CRITICAL):
        served.producer.away = True
        threading.Thread(target=come_back, args=(served.producer,)).start()
        assert send(OTLPSpanExporter(f"{served.sender.url}/v1/traces"), some_spans()) is SpanExportResult.SUCCESS
        assert len(served.producer.messages) == 1
        assert served.sender.health()["responses"] == {"200": 1, "503": 1}


def test_what_was_sent_is_a_row_in_the_store(sender: Sender, settings: Settings, store_client: Client) -> None:
    migrate(store_client)
    install(store_client)
    prices.preload(store_client)
    spans = some_spans()
    send(OTLPSpanExporter(f"{sender.url}/v1/traces"), spans)
    with open_bus(settings.bus_url) as bus, Pipeline.open(bus, store_client) as pipeline:
        pipeline.drain()
        context = spans[0].context
        assert context is not None
        row = pipeline.span(f"{context.trace_id:032x}", f"{context.span_id:016x}")
    assert (row["service"], row["model"], row["input_tokens"], row["output_tokens"]) == ("shop", "gpt-4o-mini", 142, 48)
    assert row["cost"] is not None
