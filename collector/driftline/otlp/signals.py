"""What OTLP requests carry here: traces and logs, alike but for their names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from driftline.bus import LOGS_TOPIC, SPANS_TOPIC
from driftline.bus.split import split_logs, split_spans

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@dataclass(frozen=True)
class Signal:
    """One kind of telemetry.

    Attributes:
        name: its records, for people.
        path: where it is posted.
        topic: where it goes on the bus.
        request: message that carries it.
        response: message that acknowledges it.
        split: cuts a request into pieces that fit a message of the bus.
        groups: name of the field of resource blocks.
        scopes: name of the field of scope blocks in one of those.
        records: name of the field of records in one of those.
        rejected: name of the field of a partial success that counts what was not stored.
    """

    name: str
    path: str
    topic: str
    request: type[Any]
    response: type[Any]
    split: Callable[[Any, int], Iterator[bytes]]
    groups: str
    scopes: str
    records: str
    rejected: str

    def count(self, request: Any) -> int:
        """Records in a request."""
        return sum(
            len(getattr(scope, self.records))
            for group in getattr(request, self.groups)
            for scope in getattr(group, self.scopes)
        )

    def trace_key(self, request: Any) -> bytes | None:
        """The trace id in hexadecimal if all records share one, so that a trace stays in one partition."""
        found: bytes | None = None
        for group in getattr(request, self.groups):
            for scope in getattr(group, self.scopes):
                for record in getattr(scope, self.records):
                    if found is None:
                        found = record.trace_id
                    elif record.trace_id != found:
                        return None
        return found.hex().encode() if found else None


TRACES: Final = Signal(
    name="spans",
    path="/v1/traces",
    topic=SPANS_TOPIC,
    request=ExportTraceServiceRequest,
    response=ExportTraceServiceResponse,
    split=split_spans,
    groups="resource_spans",
    scopes="scope_spans",
    records="spans",
    rejected="rejected_spans",
)

LOGS: Final = Signal(
    name="log records",
    path="/v1/logs",
    topic=LOGS_TOPIC,
    request=ExportLogsServiceRequest,
    response=ExportLogsServiceResponse,
    split=split_logs,
    groups="resource_logs",
    scopes="scope_logs",
    records="log_records",
    rejected="rejected_log_records",
)

SIGNALS: Final = (TRACES, LOGS)
