"""From ended spans and feedback events to messages that fit the bus. Used on the export thread only."""

from __future__ import annotations

import logging
import time
import uuid
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from driftline import semconv
from driftline.bus.protocol import LOGS_TOPIC, SPANS_TOPIC
from driftline.bus.split import split_logs
from driftline.otlp.encode import Encoder, encode_group, encode_scope
from driftline.oversize import cut_to_fit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
    from opentelemetry.sdk.trace import ReadableSpan

_log = logging.getLogger("driftline")

SCOPE = "driftline"
_ENVELOPE = 64
"""Bytes of the tags and lengths around a group of spans, and of each span's own."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message ready to be sent.

    Attributes:
        topic: of the bus.
        value: bytes of an export request.
        key: decides the partition.
        spans: how many are in it.
        events: how many are in it.
        made: when it was made, in seconds since 1970.
    """

    topic: str
    value: bytes
    key: bytes | None
    spans: int
    events: int
    made: float


class _Group:
    """Encoded spans of one resource and one scope that share a message."""

    def __init__(self, resource: bytes, scope: bytes) -> None:
        self.resource = resource
        self.scope = scope
        self.spans: list[bytes] = []
        self.traces: set[int] = set()
        self.size = len(resource) + len(scope) + _ENVELOPE

    def add(self, span: bytes, trace_id: int) -> None:
        self.spans.append(span)
        self.traces.add(trace_id)
        self.size += len(span) + _ENVELOPE


class Exporter:
    """Encodes records and packs them into messages.

    Args:
        max_message_bytes: largest message, before compression.
        own: attributes of the resource that events are about.
        configured: those that override what any resource says.
        redact: what every text goes through before it is part of a message.

    Attributes:
        instance: identity of this collector, which every message says.
    """

    def __init__(
        self,
        *,
        max_message_bytes: int,
        own: Mapping[str, Any],
        configured: Mapping[str, str],
        redact: Callable[[str], str],
    ) -> None:
        self._max_bytes = max_message_bytes
        self._own = dict(own)
        self._configured = dict(configured)
        self._redact = redact
        self._encoder = Encoder(redact)
        self.renew()

    def renew(self) -> None:
        """Take another identity, as a child process has to."""
        self.instance = uuid.uuid4().hex
        self._configured = {**self._configured, semconv.COLLECTOR_INSTANCE: self.instance}
        self._known: dict[int, tuple[Any, bytes]] = {}

    def spans(self, spans: Iterable[ReadableSpan]) -> Iterator[Outgoing]:
        """Encode spans as few messages; one that cannot be encoded, even cut, is left out."""
        groups: dict[tuple[bytes, bytes], _Group] = {}
        for span in spans:
            try:
                encoded = self._encoder.span(span)
                resource, scope = self._resource_of(span), self._scope_of(span)
            except Exception:  # noqa: BLE001 - other instrumentations' spans may hold anything
                _log.debug("driftline: a span was not encoded", exc_info=True)
                continue
            group = groups.get((resource, scope))
            if group is None:
                group = groups[resource, scope] = _Group(resource, scope)
            if group.spans and group.size + len(encoded) + _ENVELOPE > self._max_bytes:
                yield from self._message(group)
                group = groups[resource, scope] = _Group(resource, scope)
            group.add(encoded, span.context.trace_id)
        for group in groups.values():
            yield from self._message(group)

    def events(self, records: Sequence[LogRecord]) -> Iterator[Outgoing]:
        """Encode log records as few messages; one that is too large is left out."""
        if not records:
            return
        request = ExportLogsServiceRequest()
        group = request.resource_logs.add()
        group.resource.ParseFromString(self._encoded(self._own))
        scope = group.scope_logs.add()
        scope.scope.name = SCOPE
        scope.log_records.extend(self._redacted(record) for record in records)
        for piece in split_logs(request, self._max_bytes):
            if len(piece) > self._max_bytes:
                continue
            groups = ExportLogsServiceRequest.FromString(piece).resource_logs
            ids = [record.trace_id for group in groups for logs in group.scope_logs for record in logs.log_records]
            key = ids[0].hex().encode() or None if len(set(ids)) == 1 else None
            yield Outgoing(LOGS_TOPIC, piece, key, 0, len(ids), time.time())

    def report(self, record: LogRecord) -> Iterator[Outgoing]:
        """Encode what the collector says about itself, which counts as nobody's event."""
        return (replace(message, events=0) for message in self.events([record]))

    def _message(self, group: _Group) -> Iterator[Outgoing]:
        value: bytes | None = encode_group(group.resource, group.scope, group.spans)
        if value is not None and len(value) > self._max_bytes:  # of one span alone
            value = cut_to_fit(ExportTraceServiceRequest.FromString(value), self._max_bytes)
        if value is not None:
            # A trace stays in one partition where its spans come together.
            key = f"{next(iter(group.traces)):032x}".encode() if len(group.traces) == 1 else None
            yield Outgoing(SPANS_TOPIC, value, key, len(group.spans), 0, time.time())

    def _redacted(self, record: LogRecord) -> LogRecord:
        for pair in record.attributes:
            if pair.value.string_value:
                pair.value.string_value = self._redact(pair.value.string_value)
        return record

    def _resource_of(self, span: ReadableSpan) -> bytes:
        return self._once(span.resource, lambda: self._encoded(span.resource.attributes))

    def _encoded(self, attributes: Mapping[str, Any]) -> bytes:
        return self._encoder.resource({**attributes, **self._configured})

    def _scope_of(self, span: ReadableSpan) -> bytes:
        return self._once(span.instrumentation_scope, lambda: encode_scope(span.instrumentation_scope))

    def _once(self, source: Any, encode: Callable[[], bytes]) -> bytes:
        """Encode a resource or scope once; the object itself is kept, so that its id stays its own."""
        known = self._known.get(id(source))
        if known is None:
            if len(self._known) > 1000:
                self._known.clear()
            known = self._known[id(source)] = (source, encode())
        return known[1]
