"""Our bytes are what protobuf's own parser reads, and what the SDK's encoder says."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.sdk.trace import SpanLimits, TracerProvider
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState

from driftline.otlp.encode import Encoder, encode_group, encode_scope, varint

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=300), inner, max_size=4),
    max_leaves=12,
)


PLAIN = Encoder(str)


def written(spans: list[ReadableSpan]) -> ExportTraceServiceRequest:
    span = spans[0]
    resource, scope = PLAIN.resource(span.resource.attributes), encode_scope(span.instrumentation_scope)
    return ExportTraceServiceRequest.FromString(encode_group(resource, scope, [PLAIN.span(span) for span in spans]))


def read(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [read(item) for item in value.array_value.values]
    if kind == "kvlist_value":
        return {pair.key: read(pair.value) for pair in value.kvlist_value.values}
    return None if kind is None else getattr(value, kind)


@given(values)
def test_any_value_is_read_back(value: Any) -> None:
    assert read(AnyValue.FromString(PLAIN.value(value))) == value


@given(st.integers(-(2**63), 2**63 - 1))
def test_varints_are_protobufs(number: int) -> None:
    assert AnyValue(int_value=number).SerializeToString() == b"\x18" + varint(number)


def test_what_looks_alike_is_told_apart_when_it_comes_again() -> None:
    for _ in range(2):
        for value in (True, 1, "1", 1.0, False, 0):
            found = PLAIN.resource({"key": value})
            again = Encoder(str).resource({"key": value})
            assert found == again


def test_numbers_of_any_size_and_kind() -> None:
    class Level(int):
        pass

    assert read(AnyValue.FromString(PLAIN.value(Level(3)))) == 3
    assert read(AnyValue.FromString(PLAIN.value(2**70))) == str(2**70)
    assert math.isnan(read(AnyValue.FromString(PLAIN.value(math.nan))))
    assert read(AnyValue.FromString(PLAIN.value("half \ud83d character"))) == "half ? character"
    assert read(AnyValue.FromString(PLAIN.value(object))) == "<class 'object'>"


def full_span() -> ReadableSpan:
    tracer = TracerProvider(shutdown_on_exit=False, span_limits=SpanLimits(max_attributes=6)).get_tracer("app", "1.2")
    parent = SpanContext(1 << 100, 7, True, TraceFlags(1), TraceState([("vendor", "x")]))
    from opentelemetry.trace import NonRecordingSpan, set_span_in_context  # noqa: PLC0415

    span = tracer.start_span(
        "chat ü",
        context=set_span_in_context(NonRecordingSpan(parent)),
        kind=SpanKind.CLIENT,
        attributes={f"k{number}": number for number in range(9)},
        links=[Link(SpanContext(3, 4, False), {"why": "x"})],
    )
    span.set_attribute("numbers", [1, 2])
    span.add_event("exception", {"exception.message": "no"}, timestamp=5)
    span.set_status(Status(StatusCode.ERROR, "failed"))
    span.end()
    return span  # type: ignore[return-value]


def test_a_span_with_everything_is_what_the_sdks_encoder_makes_of_it() -> None:
    span = full_span()
    ours, theirs = written([span]), encode_spans([span])
    for request in (ours, theirs):
        found = request.resource_spans[0].scope_spans[0].spans[0]
        # The SDK leaves the W3C flags out of Span.flags, and writes an empty status and links' flags.
        assert found.flags & 0x300 == 0x300
        found.flags = 0
        for link in found.links:
            link.flags = 0
            link.trace_state = ""
    assert ours == theirs


def test_spans_share_their_group() -> None:
    request = written([full_span(), full_span()])
    assert len(request.resource_spans) == 1
    assert len(request.resource_spans[0].scope_spans[0].spans) == 2


def test_every_text_goes_through_redaction() -> None:
    encoded = Encoder(lambda text: text.replace("failed", "***").replace("no", "***")).span(full_span())
    assert b"failed" not in encoded
    assert encoded.count(b"***") == 2
