"""Messages that cannot be read go to the dead letters; everything around them is stored."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from driftline.bus import SPANS_TOPIC
from fuzz.mutate import varint
from ingest_support import captured, span_ids

if TYPE_CHECKING:
    from ingest_support import Pipeline

GENAI = "otel-genai-openai-1.3b0"
TRUNCATED = captured(GENAI, "chat")[:-40]


def test_a_bad_message_in_the_middle_is_a_dead_letter_with_its_place_error_and_bytes(pipeline: Pipeline) -> None:
    first, last = captured(GENAI, "chat"), captured(GENAI, "responses")
    pipeline.send(first, TRUNCATED, last)

    [letter] = pipeline.rows("SELECT topic, partition, offset, error, hex(value) AS value FROM dead_letters")
    assert (letter["topic"], letter["partition"]) == (SPANS_TOPIC, 0)
    assert letter["value"] == TRUNCATED.hex().upper()
    assert "Protobuf" in letter["error"] or "eof" in letter["error"]
    for message in (first, last):
        pipeline.span(*span_ids(message)[0])


@pytest.mark.parametrize("size", [2**34, 2**41, 2**62])
def test_a_message_that_announces_more_than_any_memory_is_a_dead_letter(pipeline: Pipeline, size: int) -> None:
    # The engine asks for the memory before it looks whether the message has so many bytes.
    request = ExportTraceServiceRequest()
    request.resource_spans.add().scope_spans.add().spans.add()
    damaged = request.SerializeToString()[:-2] + b"\x12\x0c\x2a" + varint(size) + b"x"
    pipeline.send(captured(GENAI, "chat"), damaged, captured(GENAI, "responses"))
    [letter] = pipeline.rows("SELECT offset FROM dead_letters")
    assert letter["offset"] == 1
    assert pipeline.sums()["requests"] == 2


def test_texts_that_are_no_utf8_are_stored(pipeline: Pipeline) -> None:
    value = captured(GENAI, "chat").replace(b"fp_fake01", b"fp_\xff\xfeke01")
    pipeline.send(TRUNCATED, value)
    assert pipeline.rows("SELECT count() AS n FROM dead_letters") == [{"n": 1}]
    pipeline.span(*span_ids(captured(GENAI, "chat"))[0])


def test_a_batch_of_nothing_but_bad_messages_does_not_stop_what_follows(pipeline: Pipeline) -> None:
    pipeline.send(*[TRUNCATED] * 5)
    pipeline.send(captured(GENAI, "chat"))
    assert pipeline.rows("SELECT count() AS n FROM dead_letters") == [{"n": 5}]
    assert pipeline.sums()["requests"] == 1


def test_an_empty_request_is_neither_a_row_nor_a_dead_letter(pipeline: Pipeline) -> None:
    pipeline.send(b"", captured(GENAI, "chat"))
    assert pipeline.rows("SELECT count() AS n FROM dead_letters") == [{"n": 0}]
    assert pipeline.sums()["requests"] == 1


def test_a_batch_that_comes_again_changes_nothing(pipeline: Pipeline) -> None:
    ingest = pipeline.ingests[SPANS_TOPIC]
    for case in ("chat", "chat_error_429", "agent_tool_call"):
        pipeline.producer.send(SPANS_TOPIC, captured(GENAI, case))
    pipeline.producer.send(SPANS_TOPIC, TRUNCATED)
    batch = ingest.consumer.take(max_bytes=1_000_000, timeout=1)
    assert batch is not None
    ingest._store(batch)
    before = (pipeline.sums(), pipeline.rows("SELECT count() AS n FROM llm_spans"))

    # As after a crash between storing and telling the bus: the claim is still open and is handed out again.
    pipeline.drain()

    assert (pipeline.sums(), pipeline.rows("SELECT count() AS n FROM llm_spans")) == before
    assert pipeline.rows("SELECT count() AS n FROM dead_letters") == [{"n": 1}]


@pytest.mark.slow
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32))
def test_whatever_the_bytes_its_neighbours_are_stored_and_nothing_crashes(pipeline: Pipeline, seed: int) -> None:
    chance = random.Random(seed)
    mutated = bytearray(captured(GENAI, chance.choice(["chat", "responses", "chat_stream", "chat_error_429"])))
    for _ in range(chance.randint(1, 8)):
        mutated[chance.randrange(len(mutated))] = chance.randrange(256)
    neighbour = captured(GENAI, "embeddings")
    count = "SELECT count() AS n FROM llm_spans WHERE span_id = {id:String}"
    [(_, span_id)] = span_ids(neighbour)
    [before] = pipeline.rows(count, id=span_id)

    pipeline.send(neighbour, bytes(mutated), neighbour)

    [after] = pipeline.rows(count, id=span_id)
    assert after["n"] - before["n"] == 2
