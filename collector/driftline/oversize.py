"""Spans too large for the bus: their longest texts are cut until they fit, and they say so."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from driftline import semconv
from driftline.messages import render

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
    from opentelemetry.proto.common.v1.common_pb2 import KeyValue
    from opentelemetry.proto.trace.v1.trace_pb2 import Span

_ROUNDS = 4
_MARGIN = 256
"""Bytes cut beyond the excess, for the mark that is added; doubled with each round."""

_CONTENT = frozenset({semconv.INPUT_MESSAGES, semconv.OUTPUT_MESSAGES})


def cut_to_fit(request: ExportTraceServiceRequest, max_bytes: int) -> bytes | None:
    """Shorten the longest texts until the request fits, and serialize it; None if it never does."""
    for round_number in range(_ROUNDS):
        excess = request.ByteSize() - max_bytes
        if excess <= 0:
            return bytes(request.SerializeToString())
        texts = [pair for pair in _attributes(request) if pair.value.string_value]
        sizes = [len(pair.value.string_value.encode()) for pair in texts]
        level = _level(sizes, max(sum(sizes) - excess - (_MARGIN << round_number), 0))
        for pair, size in zip(texts, sizes, strict=True):
            if size > level:
                pair.value.string_value = _shorter(pair.key, pair.value.string_value, level)
        for span in _spans(request):
            if all(pair.key != semconv.CONTENT_TRUNCATED for pair in span.attributes):
                span.attributes.add(key=semconv.CONTENT_TRUNCATED).value.bool_value = True
    return None


def _level(sizes: list[int], room: int) -> int:
    """The size to cut all larger texts to, so that together they take no more than ``room``."""
    left = len(sizes)
    for size in sorted(sizes):
        if size * left > room:
            return room // left
        room -= size
        left -= 1
    return max(sizes, default=0)


def _shorter(key: str, text: str, size: int) -> str:
    """At most ``size`` bytes of a text; of messages, whole JSON with the texts inside cut."""
    if key not in _CONTENT:
        return text.encode()[:size].decode("utf-8", "ignore")
    limit = size * len(text) // len(text.encode())
    try:
        messages = json.loads(text)
        while limit > 0:
            cut, _ = render(messages, limit, newest_first=key == semconv.INPUT_MESSAGES)
            if len(cut.encode()) <= size:
                return cut
            limit = limit * 3 // 4
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        pass  # messages of another shape than ours
    return "[]"


def _spans(request: ExportTraceServiceRequest) -> Iterator[Span]:
    for group in request.resource_spans:
        for scope in group.scope_spans:
            yield from scope.spans


def _attributes(request: ExportTraceServiceRequest) -> Iterator[KeyValue]:
    for span in _spans(request):
        yield from span.attributes
        for event in span.events:
            yield from event.attributes
