"""Log requests made by hand."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from made_spans import attributes

if TYPE_CHECKING:
    from collections.abc import Mapping

THUMB = {
    "gen_ai.evaluation.name": "user_feedback",
    "gen_ai.evaluation.score.value": 1.0,
    "gen_ai.evaluation.score.label": "thumbs_up",
}


def event(name: str, values: Mapping[str, Any], *, trace_id: bytes = b"", span_id: bytes = b"") -> bytes:
    """One log record from a service called ``elsewhere``."""
    message = ExportLogsServiceRequest()
    group = message.resource_logs.add()
    group.resource.attributes.extend(attributes({"service.name": "elsewhere"}))
    record = group.scope_logs.add().log_records.add(event_name=name, trace_id=trace_id, span_id=span_id)
    record.time_unix_nano = time.time_ns()
    record.attributes.extend(attributes(values))
    return message.SerializeToString()


def thumb(values: Mapping[str, Any] | None = None, *, trace_id: bytes = b"", span_id: bytes = b"") -> bytes:
    """A thumb up."""
    return event("gen_ai.evaluation.result", {**THUMB, **(values or {})}, trace_id=trace_id, span_id=span_id)
