"""Trace requests made by hand, for values that no captured request has."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList
from opentelemetry.proto.trace.v1.trace_pb2 import Status

if TYPE_CHECKING:
    from collections.abc import Mapping

TRACE, SPAN = bytes(range(1, 17)), bytes(range(1, 9))
NOW = time.time_ns()


def any_value(value: Any) -> AnyValue:  # noqa: PLR0911 - one type a line
    match value:
        case None:
            return AnyValue()
        case bool():
            return AnyValue(bool_value=value)
        case int():
            return AnyValue(int_value=value)
        case float():
            return AnyValue(double_value=value)
        case list():
            return AnyValue(array_value=ArrayValue(values=[any_value(item) for item in value]))
        case dict():
            return AnyValue(kvlist_value=KeyValueList(values=attributes(value)))
    return AnyValue(string_value=value)


def attributes(values: Mapping[str, Any]) -> list[KeyValue]:
    return [KeyValue(key=key, value=any_value(value)) for key, value in values.items()]


def request(
    values: Mapping[str, Any] | None = None,
    scope: str = "",
    *,
    events: Mapping[str, Mapping[str, Any]] | None = None,
    failed: bool = False,
    **fields: Any,
) -> bytes:
    """One chat span with the attributes, events and fields."""
    message = ExportTraceServiceRequest()
    scoped = message.resource_spans.add().scope_spans.add()
    scoped.scope.name = scope
    span = scoped.spans.add()
    defaults = {"trace_id": TRACE, "span_id": SPAN, "start_time_unix_nano": NOW, "end_time_unix_nano": NOW + 10**9}
    for name, value in (defaults | fields).items():
        setattr(span, name, value)
    span.attributes.extend(attributes({"gen_ai.operation.name": "chat", **(values or {})}))
    for name, told in (events or {}).items():
        span.events.add(name=name, attributes=attributes(told))
    if failed:
        span.status.code = Status.STATUS_CODE_ERROR
    return message.SerializeToString()


@dataclass(frozen=True)
class Made:
    """A span that is stored together with those of other tests, which the fixture ``row`` gives the row of."""

    trace_id: str
    message: bytes


def made(values: Mapping[str, Any] | None = None, scope: str = "", **fields: Any) -> Made:
    """One chat span as ``request`` makes it, in a trace of its own."""
    trace_id = secrets.token_bytes(16)
    return Made(trace_id.hex(), request(values, scope, trace_id=trace_id, **fields))


def feedback(trace_id: bytes, label: str, **values: Any) -> bytes:
    """One log event with somebody's opinion of a request."""
    message = ExportLogsServiceRequest()
    record = message.resource_logs.add().scope_logs.add().log_records.add()
    record.event_name = "gen_ai.evaluation.result"
    record.trace_id, record.span_id, record.time_unix_nano = trace_id, SPAN, NOW
    told = {"gen_ai.evaluation.name": "feedback", "gen_ai.evaluation.score.label": label}
    record.attributes.extend(attributes({**told, **values}))
    return message.SerializeToString()
