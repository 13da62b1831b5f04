"""Protobuf, JSON and compression are forms of the same request."""

from __future__ import annotations

import gzip
import json
import zlib
from typing import TYPE_CHECKING

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from driftline.bus import LOGS_TOPIC, SPANS_TOPIC
from ingest_support import FIXTURES, captured, captured_logs
from receiver_support import JSON, PROTOBUF, as_json, serving, spans_request

if TYPE_CHECKING:
    from receiver_support import Serving

CAPTURED = sorted(path.relative_to(FIXTURES).as_posix() for path in FIXTURES.rglob("*.otlp.pb"))


@pytest.mark.parametrize("path", CAPTURED)
def test_a_captured_request_is_the_same_in_every_form(path: str, served: Serving) -> None:
    body = (FIXTURES / path).read_bytes()
    request = ExportTraceServiceRequest.FromString(body)
    answers = [
        served.sender.post(body),
        served.sender.post(gzip.compress(body), Content_Encoding="gzip"),
        served.sender.post(as_json(request), JSON),
        served.sender.post(gzip.compress(as_json(request)), JSON, Content_Encoding="gzip"),
    ]
    assert [answer.status for answer in answers] == [200] * 4
    plain, zipped, *from_json = [value for _, value, _ in served.producer.messages]
    assert plain == zipped == body
    assert [ExportTraceServiceRequest.FromString(value) for value in from_json] == [request] * 2


@pytest.mark.parametrize("case", ["chat", "agent_tool_call"])
def test_captured_log_records_are_the_same_in_every_form(case: str, served: Serving) -> None:
    body = captured_logs("otel-genai-openai-1.3b0-event_only", case)
    request = ExportLogsServiceRequest.FromString(body)
    assert served.sender.post(body, path="/v1/logs").status == 200
    assert served.sender.post(as_json(request), JSON, path="/v1/logs").json() == {}
    plain, from_json = served.producer.messages
    assert plain[:2] == (LOGS_TOPIC, body)
    assert ExportLogsServiceRequest.FromString(from_json[1]) == request


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        ("identity", lambda body: body),
        ("deflate", zlib.compress),
        ("deflate", lambda body: zlib.compress(body, wbits=-zlib.MAX_WBITS)),
        ("GZIP", gzip.compress),
        ("x-gzip", lambda body: gzip.compress(body[:100]) + gzip.compress(body[100:])),
    ],
)
def test_every_way_to_compress(served: Serving, encoding: str, packed: type[bytes]) -> None:
    body = captured("otel-genai-openai-1.3b0", "chat")
    assert served.sender.post(packed(body), Content_Encoding=encoding).status == 200
    assert served.producer.messages[0][1] == body


def test_json_as_javascript_sends_it(served: Serving) -> None:
    """As @opentelemetry/exporter-trace-otlp-http writes it for the Vercel AI SDK, with what a newer one may add."""
    trace, span, parent = "5B8EFFF798038103D269B633813FC60C", "eee19b7ec3c1b174", "eee19b7ec3c1b173"
    attributes = [
        {"key": "gen_ai.usage.input_tokens", "value": {"intValue": 142}},
        {"key": "gen_ai.usage.output_tokens", "value": {"intValue": "48"}},
        {"key": "gen_ai.request.temperature", "value": {"doubleValue": 0.5}},
        {"key": "cut", "value": {"stringValue": "half a smile \ud83d"}},
        {"key": "tags", "value": {"arrayValue": {"values": [{"stringValue": "😀"}, {"boolValue": True}]}}},
        {"key": "blob", "value": {"bytesValue": "AAE="}},
    ]
    body = {
        "resourceSpans": [
            {
                "resource": {"attributes": [], "droppedAttributesCount": 0, "entityRefs": [], "newer": {"a": 1}},
                "scopeSpans": [
                    {
                        "scope": {"name": "gen_ai", "version": "7.0.173"},
                        "spans": [
                            {
                                "traceId": trace,
                                "spanId": span,
                                "parentSpanId": parent,
                                "name": "chat gpt-4o-mini",
                                "kind": 3,
                                "startTimeUnixNano": "1544712660000000001",
                                "endTimeUnixNano": 1544712661000000000,
                                "attributes": attributes,
                                "links": [{"traceId": trace, "spanId": parent, "attributes": []}],
                                "status": {"code": 2, "message": None},
                                "flags": 257,
                                "unknown": [1, {"deep": "er"}],
                            }
                        ],
                    }
                ],
            }
        ]
    }
    assert served.sender.post(json.dumps(body).encode(), f"{JSON}; charset=utf-8").json() == {}
    [(topic, value, key)] = served.producer.messages
    [read] = ExportTraceServiceRequest.FromString(value).resource_spans[0].scope_spans[0].spans
    found = {pair.key: pair.value for pair in read.attributes}
    assert (topic, key) == (SPANS_TOPIC, trace.lower().encode())
    assert (read.trace_id.hex(), read.span_id.hex(), read.parent_span_id.hex()) == (trace.lower(), span, parent)
    assert (read.links[0].trace_id.hex(), read.links[0].span_id.hex()) == (trace.lower(), parent)
    assert (read.kind, read.status.code, read.start_time_unix_nano) == (3, 2, 1544712660000000001)
    assert (found["gen_ai.usage.input_tokens"].int_value, found["gen_ai.usage.output_tokens"].int_value) == (142, 48)
    assert found["cut"].string_value == "half a smile ?"
    assert found["tags"].array_value.values[0].string_value == "😀"
    assert found["blob"].bytes_value == b"\0\1"


def test_a_request_without_records_is_taken_and_leaves_nothing_on_the_bus(served: Serving) -> None:
    assert served.sender.post(b"").status == 200
    assert served.sender.post(b"{}", JSON).status == 200
    assert served.producer.messages == []


def test_only_requests_of_one_trace_have_a_key(served: Serving) -> None:
    mixed = spans_request(1, 1)
    mixed.resource_spans[0].scope_spans[0].spans[1].trace_id = b"u" * 16
    served.sender.post(spans_request(1, 1).SerializeToString())
    served.sender.post(mixed.SerializeToString())
    assert [key for *_, key in served.producer.messages] == [(b"t" * 16).hex().encode(), None]


def test_a_large_request_is_split_and_only_a_span_that_never_fits_is_rejected() -> None:
    request = spans_request(6_000, 6_000, 20_000, 6_000)
    with serving(max_message_bytes=10_000) as served:
        answer = served.sender.post(request.SerializeToString(), PROTOBUF)
        said = ExportTraceServiceResponse.FromString(answer.body).partial_success
        in_json = served.sender.post(as_json(request), JSON).json()["partialSuccess"]
        health = served.sender.health()
    assert answer.status == 200
    assert said.rejected_spans == 1
    assert "1 of 4 spans exceed 10000 bytes" in said.error_message
    assert in_json == {"rejectedSpans": "1", "errorMessage": said.error_message}
    stored = [
        span.span_id[-1]
        for _, value, _ in served.producer.messages
        for span in ExportTraceServiceRequest.FromString(value).resource_spans[0].scope_spans[0].spans
    ]
    assert stored == [0, 1, 3] * 2
    assert (health["accepted"], health["rejected"]) == ({"spans": 6}, {"spans": 2})
