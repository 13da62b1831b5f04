"""From ended spans and feedback events to messages on the bus. Used on the export thread only."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from driftline.bus.protocol import LOGS_TOPIC, SPANS_TOPIC
from driftline.bus.split import split_logs, split_spans
from driftline.oversize import cut_to_fit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
    from opentelemetry.proto.resource.v1.resource_pb2 import Resource
    from opentelemetry.sdk.trace import ReadableSpan

    from driftline.bus.protocol import Bus, Producer

_log = logging.getLogger("driftline")

SCOPE = "driftline"


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message ready to be sent, and how many spans or events are in it."""

    topic: str
    value: bytes
    key: bytes | None
    count: int


@dataclass(frozen=True, slots=True)
class Encoded:
    """Messages, and how many spans or events could not be made part of any."""

    messages: list[Outgoing]
    dropped: int


class Outbox:
    """Encodes, splits and sends.

    Args:
        bus: opened for sending when the first message is.
        max_message_bytes: largest message, before compression.
        resource: resource attributes that override those of the application's own tracer provider.
    """

    def __init__(self, bus: Bus, *, max_message_bytes: int, resource: Mapping[str, str]) -> None:
        self._bus = bus
        self._max_bytes = max_message_bytes
        self._resource = dict(resource)
        self._producer: Producer | None = None
        self._abandoned: list[Producer] = []

    def encode_spans(self, spans: Sequence[ReadableSpan]) -> Encoded:
        """Encode spans as few messages; one that cannot be encoded does not take the others with it."""
        request, dropped = _encode_each(spans)
        for group in request.resource_spans:
            _stamp(group.resource, self._resource)
        messages: list[Outgoing] = []
        pieces = list(split_spans(request, self._max_bytes))
        for piece in pieces:
            part = request if len(pieces) == 1 else ExportTraceServiceRequest.FromString(piece)
            count, key = _count(part), _trace_key(part)
            fitted = piece if len(piece) <= self._max_bytes else cut_to_fit(part, self._max_bytes)
            if fitted is None:
                dropped += count
            else:
                messages.append(Outgoing(SPANS_TOPIC, fitted, key, count))
        return Encoded(messages, dropped)

    def encode_events(self, records: Sequence[LogRecord]) -> Encoded:
        """Encode log records as few messages."""
        request = ExportLogsServiceRequest()
        group = request.resource_logs.add()
        _stamp(group.resource, self._resource)
        scope = group.scope_logs.add()
        scope.scope.name = SCOPE
        scope.log_records.extend(records)
        messages, dropped = [], 0
        for piece in split_logs(request, self._max_bytes):
            groups = ExportLogsServiceRequest.FromString(piece).resource_logs
            ids = [record.trace_id for group in groups for logs in group.scope_logs for record in logs.log_records]
            if len(piece) > self._max_bytes:
                dropped += len(ids)
            else:
                key = ids[0].hex().encode() or None if len(set(ids)) == 1 else None
                messages.append(Outgoing(LOGS_TOPIC, piece, key, len(ids)))
        return Encoded(messages, dropped)

    def send(self, message: Outgoing) -> None:
        """Put one message on the bus.

        Raises:
            BusError: the bus is away or refused it; sending it again is safe.
        """
        if self._producer is None:
            self._producer = self._bus.producer()
        self._producer.send(message.topic, message.value, key=message.key)

    def reconnect(self) -> None:
        """Open a new producer for the next message, as the present one keeps failing."""
        producer, self._producer = self._producer, None
        if producer is not None:
            _close(producer)

    def close(self) -> None:
        """Release the bus's connections."""
        self.reconnect()

    def after_fork(self) -> None:
        """Leave the parent's connections to the parent.

        They are kept unclosed: closing, which also happens when they are collected, would say goodbye
        on a socket that the parent goes on using.
        """
        if self._producer is not None:
            self._abandoned.append(self._producer)
            self._producer = None


def _close(producer: Producer) -> None:
    try:
        producer.close()
    except Exception:  # noqa: BLE001 - a broken connection may fail to close in any way
        _log.debug("driftline: the producer did not close cleanly", exc_info=True)


def _encode_each(spans: Sequence[ReadableSpan]) -> tuple[ExportTraceServiceRequest, int]:
    try:
        return encode_spans(spans), 0
    except Exception:  # noqa: BLE001 - other instrumentations' attributes may hold what UTF-8 cannot
        _log.debug("driftline: a batch was not encoded as a whole", exc_info=True)
    together, dropped = ExportTraceServiceRequest(), 0
    for span in spans:
        try:
            together.MergeFrom(encode_spans([span]))
        except Exception:  # noqa: BLE001 - as above; the one to blame is counted
            dropped += 1
    return together, dropped


def _stamp(resource: Resource, attributes: Mapping[str, str]) -> None:
    """Set attributes that were configured for Driftline, whoever made the resource."""
    if not attributes:
        return
    kept = [pair for pair in resource.attributes if pair.key not in attributes]
    del resource.attributes[:]
    resource.attributes.extend(kept)
    for key, value in attributes.items():
        resource.attributes.add(key=key).value.string_value = value


def _count(request: ExportTraceServiceRequest) -> int:
    return sum(len(scope.spans) for group in request.resource_spans for scope in group.scope_spans)


def _trace_key(request: ExportTraceServiceRequest) -> bytes | None:
    """The trace id in hexadecimal if all spans share one, so that a trace stays in one partition."""
    ids = {span.trace_id for group in request.resource_spans for scope in group.scope_spans for span in scope.spans}
    return ids.pop().hex().encode() if len(ids) == 1 else None
