"""Splitting OTLP requests by bytes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from driftline.bus.split import split_logs, split_spans

# Resources, of scopes, of items, of the length of their name.
TREES = st.lists(st.lists(st.lists(st.integers(0, 300), max_size=6), max_size=3), max_size=3)


@given(tree=TREES, limit=st.integers(1, 2000))
def test_every_span_is_in_one_part_with_its_block(tree: list[list[list[int]]], limit: int) -> None:
    request = _spans(tree)
    parts = [ExportTraceServiceRequest.FromString(part) for part in split_spans(request, limit)]
    assert [leaf for part in parts for leaf in _span_leaves(part)] == _span_leaves(request)
    assert all(part.ByteSize() <= limit or len(_span_leaves(part)) == 1 for part in parts)
    assert all(_span_leaves(part) for part in parts)


@given(tree=TREES, limit=st.integers(1, 2000))
def test_every_log_record_is_in_one_part_with_its_block(tree: list[list[list[int]]], limit: int) -> None:
    request = _logs(tree)
    parts = [ExportLogsServiceRequest.FromString(part) for part in split_logs(request, limit)]
    assert [leaf for part in parts for leaf in _log_leaves(part)] == _log_leaves(request)
    assert all(part.ByteSize() <= limit or len(_log_leaves(part)) == 1 for part in parts)


def test_a_request_that_fits_stays_whole() -> None:
    request = _spans([[[5, 5], [5]], [[5]]])
    assert list(split_spans(request, request.ByteSize())) == [request.SerializeToString()]


def test_a_span_that_is_too_large_comes_alone() -> None:
    sizes = [len(part) for part in split_spans(_spans([[[10, 5000, 10]]]), 1000)]
    assert len(sizes) == 3
    assert [size > 1000 for size in sizes] == [False, True, False]


def test_a_request_without_spans_gives_nothing() -> None:
    assert list(split_spans(ExportTraceServiceRequest(), 10)) == []


def _spans(tree: list[list[list[int]]]) -> ExportTraceServiceRequest:
    request = ExportTraceServiceRequest()
    number = 0
    for r, scopes in enumerate(tree):
        resource = request.resource_spans.add(schema_url=f"resource-{r}")
        resource.resource.attributes.add(key="service.name").value.string_value = f"service-{r}"
        for s, spans in enumerate(scopes):
            scope = resource.scope_spans.add(schema_url=f"scope-{s}")
            scope.scope.name = f"library-{s}"
            for length in spans:
                number += 1
                scope.spans.add(span_id=number.to_bytes(8, "big"), name="x" * length)
    return request


def _logs(tree: list[list[list[int]]]) -> ExportLogsServiceRequest:
    request = ExportLogsServiceRequest()
    for r, scopes in enumerate(tree):
        resource = request.resource_logs.add(schema_url=f"resource-{r}")
        for s, records in enumerate(scopes):
            scope = resource.scope_logs.add(schema_url=f"scope-{s}")
            scope.scope.name = f"library-{s}"
            for number, length in enumerate(records):
                scope.log_records.add(time_unix_nano=number + 1).body.string_value = "x" * length
    return request


def _span_leaves(request: ExportTraceServiceRequest) -> list[tuple[str, str, str, str, bytes]]:
    return [
        (str(block.resource), block.schema_url, str(scope.scope), scope.schema_url, span.SerializeToString())
        for block in request.resource_spans
        for scope in block.scope_spans
        for span in scope.spans
    ]


def _log_leaves(request: ExportLogsServiceRequest) -> list[tuple[str, str, str, str, bytes]]:
    return [
        (
            str(block.resource),
            block.schema_url,
            str(scope.scope),
            scope.schema_url,
            record.SerializeToString(),
        )
        for block in request.resource_logs
        for scope in block.scope_logs
        for record in scope.log_records
    ]
