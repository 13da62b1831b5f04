"""Sends captured requests through bus and ingest and reads the rows that they became."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from driftline.bus import LOGS_TOPIC, SPANS_TOPIC
from driftline_processors.ingest import GROUP, Ingest
from driftline_processors.targets import TARGETS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from driftline.bus import Bus, Producer
    from driftline_store.client import Client

FIXTURES = Path(__file__).parent / "fixtures"
SUMS = (
    "sum(requests) AS requests, sum(request_errors) AS request_errors, "
    "sumMap(request_error_classes)['timeout'] AS timeouts, "
    "sumMap(request_error_classes)['rate_limit'] AS rate_limits, "
    "sum(calls) AS calls, sum(fallbacks) AS fallbacks, sum(cost) AS cost, "
    "sum(unpriced_calls) AS unpriced_calls, sum(input_tokens) AS input_tokens, "
    "sum(output_tokens) AS output_tokens, sum(thumbs_up) AS thumbs_up, sum(thumbs_down) AS thumbs_down, "
    "sum(reports) AS reports, uniqCombinedMerge(13)(sessions) AS sessions, "
    "uniqCombinedMerge(13)(users) AS users, sum(mapValues(request_seconds)[1]) > 0 AS has_latency"
)


def captured(directory: str, case: str) -> bytes:
    """The body of a captured ``POST /v1/traces``."""
    return (FIXTURES / directory / f"{case}.otlp.pb").read_bytes()


def captured_logs(directory: str, case: str) -> bytes:
    """The body of a captured ``POST /v1/logs``."""
    return (FIXTURES / directory / f"{case}.logs.pb").read_bytes()


def span_ids(message: bytes) -> list[tuple[str, str]]:
    """Trace and span ids in a trace request, in its order."""
    request = ExportTraceServiceRequest.FromString(message)
    return [
        (span.trace_id.hex(), span.span_id.hex())
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


@dataclass
class Pipeline:
    """A bus, its ingest and the store."""

    producer: Producer
    ingests: dict[str, Ingest]
    client: Client

    @classmethod
    @contextlib.contextmanager
    def open(cls, bus: Bus, client: Client) -> Iterator[Pipeline]:
        producer = bus.producer()
        ingests = {
            target.topic: Ingest(target, bus.consumer(target.topic, group=GROUP), client, max_bytes=4_000_000)
            for target in TARGETS
        }
        try:
            yield cls(producer, ingests, client)
        finally:
            for ingest in ingests.values():
                ingest.consumer.close()
            producer.close()

    def send(self, *messages: bytes, topic: str = SPANS_TOPIC) -> None:
        """Put messages on the bus and store them all."""
        for message in messages:
            self.producer.send(topic, message)
        self.drain(topic)

    def send_logs(self, *messages: bytes) -> None:
        self.send(*messages, topic=LOGS_TOPIC)

    def drain(self, topic: str = SPANS_TOPIC) -> None:
        while self.ingests[topic].step(timeout=0.05):
            pass

    def rows(self, query: str, **parameters: Any) -> list[dict[str, Any]]:
        return list(self.client.query(query, parameters=parameters).named_results())

    def span(self, trace_id: str, span_id: str) -> dict[str, Any]:
        """The one row of a span; an error if there is none or more."""
        [row] = self.rows(
            "SELECT * FROM llm_spans WHERE trace_id = {trace:String} AND span_id = {span:String}",
            trace=trace_id,
            span=span_id,
        )
        return row

    def sums(self) -> dict[str, Any]:
        """All times and segments together."""
        [row] = self.rows(f"SELECT {SUMS} FROM llm_rollups WHERE resolution = 'day'")
        return row

    def sums_by_service(self) -> dict[str, dict[str, Any]]:
        """All times and the other parts of a segment together."""
        rows = self.rows(f"SELECT service, {SUMS} FROM llm_rollups WHERE resolution = 'day' GROUP BY service")
        return {row["service"]: row for row in rows}
