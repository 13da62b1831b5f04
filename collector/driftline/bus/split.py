"""Cutting OTLP export requests into pieces that fit into one message of the bus."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_Leaf = tuple[Any, Any, Any]
"""A span or log record after the resource block and the scope block that it stands in."""


def split_spans(request: ExportTraceServiceRequest, max_bytes: int) -> Iterator[bytes]:
    """Serialize a request, in as many pieces as it takes for each to have at most ``max_bytes``.

    Every span is in exactly one piece, in the same order and with its resource and scope. A span that
    is too large even alone makes a piece that is too large: shortening or dropping it is the caller's choice.
    """
    leaves = [
        (resource, scope, span)
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]
    return _split(leaves, _spans_request, max_bytes)


def split_logs(request: ExportLogsServiceRequest, max_bytes: int) -> Iterator[bytes]:
    """Do with log records what ``split_spans`` does with spans."""
    leaves = [
        (resource, scope, record)
        for resource in request.resource_logs
        for scope in resource.scope_logs
        for record in scope.log_records
    ]
    return _split(leaves, _logs_request, max_bytes)


def _split(leaves: Sequence[_Leaf], build: Callable[[Sequence[_Leaf]], Any], max_bytes: int) -> Iterator[bytes]:
    if not leaves:
        return
    piece = build(leaves)
    if len(leaves) == 1 or piece.ByteSize() <= max_bytes:
        yield piece.SerializeToString()
        return
    middle = len(leaves) // 2
    yield from _split(leaves[:middle], build, max_bytes)
    yield from _split(leaves[middle:], build, max_bytes)


def _spans_request(leaves: Sequence[_Leaf]) -> ExportTraceServiceRequest:
    request = ExportTraceServiceRequest()
    before: tuple[Any, Any] = (None, None)
    for resource, scope, span in leaves:
        if resource is not before[0]:
            into = request.resource_spans.add(resource=resource.resource, schema_url=resource.schema_url)
        if scope is not before[1]:
            block = into.scope_spans.add(scope=scope.scope, schema_url=scope.schema_url)
        block.spans.append(span)
        before = (resource, scope)
    return request


def _logs_request(leaves: Sequence[_Leaf]) -> ExportLogsServiceRequest:
    request = ExportLogsServiceRequest()
    before: tuple[Any, Any] = (None, None)
    for resource, scope, record in leaves:
        if resource is not before[0]:
            into = request.resource_logs.add(resource=resource.resource, schema_url=resource.schema_url)
        if scope is not before[1]:
            block = into.scope_logs.add(scope=scope.scope, schema_url=scope.schema_url)
        block.log_records.append(record)
        before = (resource, scope)
    return request
