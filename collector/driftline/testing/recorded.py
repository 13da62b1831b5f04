"""Reading what was recorded, decoded from the bytes on the bus."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from driftline.bus.protocol import LOGS_TOPIC, SPANS_TOPIC

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

    from driftline.testing.memory import InMemoryBus


@dataclass(frozen=True, slots=True)
class RecordedSpan:
    """A span as it is on the wire, ids in hexadecimal, times in nanoseconds since 1970."""

    name: str
    trace_id: str
    span_id: str
    parent_id: str
    start_ns: int
    end_ns: int
    status: str
    status_message: str
    attributes: Mapping[str, Any]
    resource: Mapping[str, Any]
    scope: str


@dataclass(frozen=True, slots=True)
class RecordedEvent:
    """A log event as it is on the wire."""

    name: str
    trace_id: str
    span_id: str
    time_ns: int
    attributes: Mapping[str, Any]
    resource: Mapping[str, Any]


def recorded_spans(bus: InMemoryBus) -> list[RecordedSpan]:
    """Decode all spans on the bus, message by message; in a message they are grouped by scope."""
    return [
        RecordedSpan(
            name=span.name,
            trace_id=span.trace_id.hex(),
            span_id=span.span_id.hex(),
            parent_id=span.parent_span_id.hex(),
            start_ns=span.start_time_unix_nano,
            end_ns=span.end_time_unix_nano,
            status=("unset", "ok", "error")[span.status.code],
            status_message=span.status.message,
            attributes=_attributes(span.attributes),
            resource=_attributes(group.resource.attributes),
            scope=scope.scope.name,
        )
        for value in bus.values(SPANS_TOPIC)
        for group in ExportTraceServiceRequest.FromString(value).resource_spans
        for scope in group.scope_spans
        for span in scope.spans
    ]


def recorded_events(bus: InMemoryBus) -> list[RecordedEvent]:
    """Decode all log events on the bus, in the order in which they arrived."""
    return [
        RecordedEvent(
            name=record.event_name,
            trace_id=record.trace_id.hex(),
            span_id=record.span_id.hex(),
            time_ns=record.time_unix_nano,
            attributes=_attributes(record.attributes),
            resource=_attributes(group.resource.attributes),
        )
        for value in bus.values(LOGS_TOPIC)
        for group in ExportLogsServiceRequest.FromString(value).resource_logs
        for scope in group.scope_logs
        for record in scope.log_records
    ]


def _attributes(pairs: Iterable[KeyValue]) -> dict[str, Any]:
    return {pair.key: _value(pair.value) for pair in pairs}


def _value(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return tuple(_value(item) for item in value.array_value.values)
    if kind == "kvlist_value":
        return _attributes(value.kvlist_value.values)
    return None if kind is None else getattr(value, kind)
