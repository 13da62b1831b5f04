"""Tasks and judgements on the bus."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from driftline.otlp.decode import UnreadableError
from driftline_processors.judge import event
from driftline_processors.judge.task import Judgement, Task, decode, encode

STEPS = json.dumps([{"name": "search", "input": "é" * 5000, "output": "found", "error": ""}])
TASK = Task(
    "0123456789abcdef" * 2,
    "fedcba9876543210",
    datetime(2026, 11, 26, 8, 1, 2, 345678, tzinfo=UTC),
    ("shop", "prod", "chat", "gpt-4o", "greeting", "v2", "tone:b"),
    0.01,
    "Be brief.",
    '[{"role": "user", "parts": [{"type": "text", "content": "Why?"}]}]',
    "Weil\ud800.",
    unit="trace",
    unit_id="0123456789abcdef" * 2,
    evaluator="quality",
    steps=STEPS,
    tier="raised",
    uniform_probability=0.01,
    run="again",
)
JUDGEMENT = Judgement(
    0.7,
    "pass",
    "Right.",
    Decimal("0.000000000001"),
    criteria=(("tone", 0.5), ("accuracy", 1.0)),
    response_model="gpt-4o-2026-01-01",
    fingerprint="quality 1 gpt-4o 0123",
    cached=True,
    tokens_in=1000,
    tokens_out=50,
    calls=2,
)


def test_a_task_arrives_as_it_was_sent() -> None:
    assert decode(encode(TASK, 1_000_000)) == TASK


def test_a_task_that_is_too_long_loses_the_middle_of_its_texts() -> None:
    long = "\x01" * 400_000
    value = encode(replace(TASK, system=long, input=long, output=long), 60_000)
    assert len(value) <= 60_000
    short = decode(value)
    assert "characters left out" in short.output
    assert json.loads(short.steps)[0]["output"] == "found"


@pytest.mark.parametrize("value", [b"", b"{", b"[]", b"{}", b'{"request_start": 1e99, "segment": []}', b"\xff"])
def test_what_is_no_task_is_told(value: bytes) -> None:
    with pytest.raises(UnreadableError, match="no task"):
        decode(value)


def test_a_judgement_arrives_as_it_was_sent() -> None:
    row = event.row_of(TASK, JUDGEMENT, "unused", "hash")
    assert event.decode(event.encode(row)) == [row]
    assert row["evaluator"] == JUDGEMENT.fingerprint
    assert row.keys() >= set(event.COLUMNS)


def test_a_failure_arrives_without_a_score_and_without_a_cost() -> None:
    row = event.row_of(TASK, Judgement(error="timeout"), "quality 1", "")
    [arrived] = event.decode(event.encode(row))
    assert (arrived["score"], arrived["cost"], arrived["error"]) == (None, None, "timeout")
    assert arrived["evaluator"] == "quality 1"


def test_a_judgement_is_the_event_that_opentelemetry_defines() -> None:
    request = ExportLogsServiceRequest.FromString(event.encode(event.row_of(TASK, JUDGEMENT, "", "")))
    [record] = request.resource_logs[0].scope_logs[0].log_records
    assert record.event_name == "gen_ai.evaluation.result"
    assert (record.trace_id.hex(), record.span_id.hex()) == (TASK.trace_id, TASK.span_id)
    told = {pair.key: pair.value for pair in record.attributes}
    assert told["gen_ai.evaluation.name"].string_value == "quality"
    assert told["gen_ai.evaluation.score.value"].double_value == 0.7
    assert told["gen_ai.evaluation.score.label"].string_value == "pass"
    assert told["gen_ai.evaluation.explanation"].string_value == "Right."
