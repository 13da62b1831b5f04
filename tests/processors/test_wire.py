"""Damaged messages are read as far as they go, and the place of the damage is named."""

from __future__ import annotations

import random

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from driftline_processors.wire import hex_dump, read
from ingest_support import FIXTURES, captured

TRACES = ExportTraceServiceRequest.DESCRIPTOR
CHAT = captured("otel-genai-openai-1.3b0", "chat")


@pytest.mark.parametrize("path", sorted(FIXTURES.rglob("chat.otlp.pb")), ids=lambda path: path.parent.name)
def test_a_whole_message_has_no_fault(path: object) -> None:
    reading = read(path.read_bytes(), TRACES)  # type: ignore[attr-defined]
    assert reading.faults == []
    assert any("trace_id: " in line for line in reading.lines)


def test_a_cut_message_is_read_up_to_the_cut() -> None:
    whole, cut = read(CHAT, TRACES), read(CHAT[:-40], TRACES)
    assert cut.faults
    same = [line for line in cut.lines if line in whole.lines]
    assert len(same) > len(whole.lines) * 0.8


def test_a_wrong_length_inside_is_found_at_its_byte_and_the_rest_is_read() -> None:
    request = ExportTraceServiceRequest()
    for name in ("first", "second"):
        request.resource_spans.add().scope_spans.add().spans.add(name=name)
    damaged = bytearray(request.SerializeToString())
    at = damaged.index(b"first")
    damaged[at - 1] += 1
    reading = read(bytes(damaged), TRACES)
    [fault] = reading.faults
    assert fault.at == at
    assert fault.path == "resource_spans.scope_spans.spans"
    assert "6 bytes but 5" in fault.why
    assert any("'second'" in line for line in reading.lines)


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (b"\x00", "number 0"),
        (b"\x80", "ends within a number"),
        (b"\xff" * 11, "more than 10 bytes"),
        (b"\x08\x01", "wire type 0 where 2"),
        (b"\x0b", "wire type 3"),
        (b"\x0a\x05\x0a", "should have 5 bytes but 1"),
    ],
)
def test_each_kind_of_damage_has_its_words(value: bytes, says: str) -> None:
    assert says in " ".join(str(fault) for fault in read(value, TRACES).faults)


def test_nothing_that_comes_raises() -> None:
    chance = random.Random(1)
    deep = b""
    for _ in range(2000):
        deep = b"\x0a" + len(deep).to_bytes(1, "little") + deep if len(deep) < 120 else b"\x2a\x78" + deep[:120]
    for value in [deep, *(chance.randbytes(chance.randrange(200)) for _ in range(2000))]:
        assert len(read(value, TRACES).lines) <= 2001


def test_a_hex_dump_marks_the_row_of_the_fault() -> None:
    rows = hex_dump(bytes(range(256)), 100)
    [marked] = [row for row in rows if row.startswith(">")]
    assert "60 61 62" in marked
    assert "`abc" in marked
    assert hex_dump(b"", 0) == []
