"""Messages that a stock Collector wrote onto Kafka become the rows of the requests that it had been sent."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from driftline.bus import LOGS_TOPIC, SPANS_TOPIC
from driftline.otlp.decode import is_json
from driftline_store.content import plain_text
from ingest_support import FIXTURES, captured, captured_logs

if TYPE_CHECKING:
    from ingest_support import Pipeline

COLLECTOR = "otel-collector-kafka-0.155.0"
EVENT_ONLY = "otel-genai-openai-1.3b0-event_only"
SENT = [
    captured(EVENT_ONLY, "chat"),
    captured("vercel-ai-7.0.173", "chat"),
    captured("synthetic-structured-anyvalue", "chat"),
]
SENT_LOGS = [captured_logs(EVENT_ONLY, "chat"), captured_logs(EVENT_ONLY, "chat_tool_call")]
SPANS = "SELECT * EXCEPT (arrived) FROM llm_spans ORDER BY trace_id, span_id"
CONTENT = "SELECT * FROM llm_content ORDER BY trace_id, span_id"
LETTERS = "SELECT topic, offset, error, value FROM dead_letters"


def from_collector(name: str) -> bytes:
    return (FIXTURES / COLLECTOR / name).read_bytes()


def emptied(pipeline: Pipeline, query: str) -> list[dict[str, Any]]:
    """The rows, and an empty table for what is sent next."""
    rows = pipeline.rows(query)
    pipeline.client.command(f"TRUNCATE TABLE {query.partition('FROM ')[2].partition(' ')[0]}")
    return rows


def as_read(row: dict[str, Any]) -> dict[str, Any]:
    """With content as people read it: the Collector writes the fields of a structured value in another order."""
    return row | {column: plain_text(row[column]) for column in ("system", "input", "output")}


@pytest.mark.parametrize("encoding", ["otlp_proto", "otlp_json"])
def test_spans_of_several_resources_in_one_message(pipeline: Pipeline, encoding: str) -> None:
    pipeline.send(*SENT)
    directly = emptied(pipeline, SPANS)
    assert len({row["trace_id"] for row in directly}) == 3

    pipeline.send(from_collector(f"traces.{encoding}"))

    assert list(map(as_read, pipeline.rows(SPANS))) == list(map(as_read, directly))
    assert pipeline.rows(LETTERS) == []


@pytest.mark.parametrize("encoding", ["otlp_proto", "otlp_json"])
def test_log_events(pipeline: Pipeline, encoding: str) -> None:
    pipeline.send_logs(*SENT_LOGS)
    directly = emptied(pipeline, CONTENT)
    assert len(directly) == 2

    pipeline.send_logs(from_collector(f"logs.{encoding}"))

    assert list(map(as_read, pipeline.rows(CONTENT))) == list(map(as_read, directly))
    assert pipeline.rows(LETTERS) == []


def test_both_encodings_share_a_batch_and_an_unreadable_one_is_a_dead_letter(pipeline: Pipeline) -> None:
    cut = from_collector("traces.otlp_json")[:-20]
    producer = pipeline.producer
    for message in (captured(EVENT_ONLY, "responses"), cut, from_collector("traces.otlp_json"), b"{]", b'{"logs": 1}'):
        producer.send(SPANS_TOPIC, message)
    pipeline.drain()

    assert len({row["trace_id"] for row in pipeline.rows(SPANS)}) == 4
    letters = pipeline.rows("SELECT offset, error, value = {cut:String} AS is_cut FROM dead_letters", cut=cut.decode())
    assert [letter["is_cut"] for letter in letters] == [True, False]
    assert all("ExportTraceServiceRequest in OTLP's JSON" in letter["error"] for letter in letters)


def test_json_of_the_other_signal_is_neither_a_row_nor_a_dead_letter(pipeline: Pipeline) -> None:
    # As in protobuf, where unknown fields are skipped too.
    pipeline.send(from_collector("traces.otlp_json"), topic=LOGS_TOPIC)
    assert pipeline.rows(CONTENT) == []


@pytest.mark.parametrize("blank", [b"", b" ", b"\n", b"\r\n\t ", b"\n\n"])
def test_json_is_known_by_its_first_brace(blank: bytes) -> None:
    message = from_collector("traces.otlp_json")
    assert is_json(blank + message)
    assert is_json(blank + json.dumps(json.loads(message), indent=2).encode())
    assert is_json(b"{}")


def test_protobuf_whose_first_length_is_the_byte_of_a_brace_is_no_json() -> None:
    request = ExportTraceServiceRequest()
    span = request.resource_spans.add().scope_spans.add().spans.add(trace_id=b"t" * 16, span_id=b"s" * 8)
    span.name = "x" * (ord("{") - len(request.resource_spans[0].SerializeToString()) - 2)
    message = request.SerializeToString()
    assert message.startswith(b"\n{")
    assert not is_json(message)


def test_no_captured_protobuf_is_taken_for_json() -> None:
    assert not is_json(b"")
    for path in FIXTURES.rglob("*.pb"):
        assert not is_json(path.read_bytes()), path
