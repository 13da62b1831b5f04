"""Whatever bytes come: a clean answer, never a 500."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from ingest_support import captured
from receiver_support import JSON, PROTOBUF, as_json, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from receiver_support import Serving

CLEAN = {200, 400, 413, 415}
CHAT = captured("otel-genai-openai-1.3b0", "chat")
CHAT_JSON = json.loads(as_json(ExportTraceServiceRequest.FromString(CHAT)))
FUZZ = settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))

names = st.sampled_from(
    ["resourceSpans", "scopeSpans", "spans", "resource_spans", "traceId", "links", "attributes", "value", "arrayValue",
     "values", "kvlistValue", "stringValue", "intValue", "bytesValue", "status", "kind", "startTimeUnixNano", "events"]
)  # fmt: skip
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["5b8efff798038103", "AA=="]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names | st.text(max_size=3), inner, max_size=4),
    max_leaves=20,
)


@pytest.fixture(scope="module")
def running() -> Iterator[Serving]:
    with serving() as served:
        yield served


@FUZZ
@given(
    body=st.binary(max_size=300),
    kind=st.sampled_from([PROTOBUF, JSON, "text/html"]),
    encoding=st.sampled_from(["", "gzip", "deflate", "br"]),
    path=st.sampled_from(["/v1/traces", "/v1/logs"]),
)
def test_any_bytes(running: Serving, body: bytes, kind: str, encoding: str, path: str) -> None:
    assert running.sender.post(body, kind, path=path, Content_Encoding=encoding).status in CLEAN


@FUZZ
@given(cut=st.integers(0, len(CHAT)), at=st.integers(0, len(CHAT) - 1), byte=st.integers(0, 255), zipped=st.booleans())
def test_damaged_protobuf(running: Serving, cut: int, at: int, byte: int, zipped: bool) -> None:
    damaged = bytearray(CHAT[:cut])
    damaged[at : at + 1] = bytes((byte,))
    body, encoding = (gzip.compress(damaged), "gzip") if zipped else (bytes(damaged), "identity")
    assert running.sender.post(body, Content_Encoding=encoding).status in CLEAN


@FUZZ
@given(document=values)
def test_any_json(running: Serving, document: object) -> None:
    assert running.sender.post(json.dumps(document).encode(), JSON).status in CLEAN


@FUZZ
@given(name=names, value=values)
def test_a_span_with_anything_in_place_of_a_field(running: Serving, name: str, value: object) -> None:
    document = json.loads(json.dumps(CHAT_JSON))
    document["resourceSpans"][0]["scopeSpans"][0]["spans"][0][name] = value
    assert running.sender.post(json.dumps(document).encode(), JSON).status in CLEAN
