"""Root spans to send through the views as OTLP bytes."""

from __future__ import annotations

import secrets
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from driftline_processors.judge.plan import Sampled, put_plan
from driftline_processors.otlp import LOG_SCHEMA, TRACE_SCHEMA, frame, insert_settings

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from driftline_store.client import Client


def send_bytes(client: Client, request: bytes) -> None:
    """Insert the bytes of one ``ExportTraceServiceRequest``."""
    settings = insert_settings(TRACE_SCHEMA, secrets.token_hex(8))
    client.raw_insert("otlp_traces", insert_block=frame(request), fmt="Protobuf", settings=settings)


def send_log_bytes(client: Client, request: bytes) -> None:
    """Insert the bytes of one ``ExportLogsServiceRequest``."""
    settings = insert_settings(LOG_SCHEMA, secrets.token_hex(8))
    client.raw_insert("otlp_logs", insert_block=frame(request), fmt="Protobuf", settings=settings)


def send(client: Client, attributes: Mapping[str, str | int], start: datetime | None = None) -> str:
    """Insert one root span that starts now or at ``start``; gives its trace id."""
    trace_id = secrets.token_bytes(16)
    send_many(client, [trace_id], attributes, start)
    return trace_id.hex()


def send_each(client: Client, spans: Iterable[tuple[Mapping[str, str | int], datetime]]) -> list[str]:
    """Insert a root span of each attributes and start, all at once; gives their trace ids."""
    request = ExportTraceServiceRequest()
    for attributes, start in spans:
        _add(request, secrets.token_bytes(16), attributes, start)
    send_bytes(client, request.SerializeToString())
    return [found.scope_spans[0].spans[0].trace_id.hex() for found in request.resource_spans]


def send_many(
    client: Client, trace_ids: Iterable[bytes], attributes: Mapping[str, str | int], start: datetime | None = None
) -> None:
    """Insert one root span for each trace id, all at the same time if ``start`` is given.

    In texts, ``{trace}`` becomes the trace id: identical answers are judged once.
    """
    request = ExportTraceServiceRequest()
    for trace_id in trace_ids:
        _add(request, trace_id, attributes, start)
    send_bytes(client, request.SerializeToString())


def _add(
    request: ExportTraceServiceRequest, trace_id: bytes, attributes: Mapping[str, str | int], start: datetime | None
) -> None:
    span = request.resource_spans.add().scope_spans.add().spans.add(name="chat", trace_id=trace_id)
    span.span_id = secrets.token_bytes(8)
    span.start_time_unix_nano = round(start.timestamp() * 1e6) * 1000 if start else time.time_ns()
    span.end_time_unix_nano = span.start_time_unix_nano + 1_000_000
    for key, value in {"gen_ai.operation.name": "chat", **attributes}.items():
        if isinstance(value, str):
            boxed = AnyValue(string_value=value.replace("{trace}", trace_id.hex()))
        else:
            boxed = AnyValue(int_value=value)
        span.attributes.append(KeyValue(key=key, value=boxed))


def set_rate(client: Client, rate: float, **plan: Any) -> None:
    """Let one evaluator judge this share of what is stored from now on."""
    put_plan(client, [Sampled("quality", rate=rate, **plan)])


def enqueue(client: Client, *, age: float = 10.0, output: str = "An answer.", **values: Any) -> tuple[str, str]:
    """Insert one row of the judge's queue, ``age`` seconds old; gives its key."""
    key = (secrets.token_hex(16), secrets.token_hex(8))
    row = {
        **dict(zip(("trace_id", "span_id"), key, strict=True)),
        "queued_at": datetime.now(UTC) - timedelta(seconds=age),
        "request_start": datetime.now(UTC),
        "feature": "chat",
        "inclusion_probability": 0.01,
        "input": "A question?",
        "output": output,
        **values,
    }
    client.insert("judge_queue", [list(row.values())], column_names=list(row))
    return row["trace_id"], row["span_id"]
