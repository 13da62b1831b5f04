"""What the application did about a request: rows of spans, and sums once the request has settled."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from driftline.settings import load
from driftline_processors.settle import settle_traces
from driftline_processors.settle import traces as traces_module
from driftline_store.metrics_query import read_one
from made_spans import NOW, made, request
from processors_support import set_rate
from trace_support import Trace

if TYPE_CHECKING:
    from driftline_store.metrics_query import Reading
    from ingest_support import Pipeline

AT_ONCE = load({}, settle_seconds=0)
STEP = {"gen_ai.operation.name": "invoke_workflow", "driftline.feature": "support"}
CALL = {"gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o-mini", "driftline.feature": "support"}
USAGE = {"gen_ai.usage.input_tokens": 1000, "gen_ai.usage.output_tokens": 100}
BLOCK = {"driftline.guardrail.name": "pii", "driftline.guardrail.decision": "block"}
PASS = {"driftline.guardrail.name": "topic", "driftline.guardrail.decision": "pass"}
ABANDONED = {"driftline.stream.abandoned": True}


def stored(pipeline: Pipeline, values: dict[str, Any], **fields: Any) -> dict[str, Any]:
    pipeline.send(request(values, **fields))
    [row] = pipeline.rows("SELECT * FROM llm_spans")
    return row


def read(pipeline: Pipeline, name: str, **where: str) -> Reading:
    now = datetime.fromtimestamp(NOW / 1e9, UTC)
    span = {"since": now - timedelta(hours=1), "until": now + timedelta(hours=1)}
    return read_one(pipeline.client, name, **span, where=where)


def of(pipeline: Pipeline, name: str) -> tuple[float | None, int]:
    """A metric, rounded, and what it is based on."""
    reading = read(pipeline, name)
    return None if reading.value is None else round(reading.value, 6), reading.n


def test_what_the_application_says_has_columns(pipeline: Pipeline) -> None:
    row = stored(
        pipeline,
        {
            "driftline.retries": 2,
            "driftline.repairs": 0,
            "driftline.cache.hit": False,
            **BLOCK,
            "driftline.route.name": "triage",
            "driftline.route.choice": "billing",
            "driftline.route.confidence": 0.75,
        },
    )
    assert (row["retries"], row["repairs"], row["cache_hit"]) == (2, 0, False)
    assert (row["guardrail_name"], row["guardrail_decision"]) == ("pii", "block")
    assert (row["route_name"], row["route_choice"], row["route_confidence"]) == ("triage", "billing", 0.75)
    assert not [key for key in row["attributes"] if key.startswith("driftline.")], "no second copy"


def test_what_it_does_not_say_is_unknown(pipeline: Pipeline) -> None:
    row = stored(pipeline, {})
    names = ("retries", "repairs", "cache_hit", "route_confidence")
    assert [row[name] for name in names] == [None] * 4
    assert (row["guardrail_decision"], row["route_choice"], row["is_abandoned"]) == ("", "", False)


@pytest.mark.parametrize(
    "values",
    [
        {"driftline.retries": -1, "driftline.route.confidence": float("nan")},
        {"driftline.retries": "often", "driftline.route.confidence": 1.5},
        {"driftline.retries": [3], "driftline.route.confidence": "sure", "driftline.cache.hit": "perhaps"},
        {"driftline.retries": {"n": 3}, "driftline.route.confidence": -0.1, "driftline.cache.hit": 7},
    ],
)
def test_nonsense_is_stored_and_counts_for_nothing(pipeline: Pipeline, values: dict[str, Any]) -> None:
    stored(pipeline, CALL | values)
    settle_traces(pipeline.client, AT_ONCE)
    assert of(pipeline, "retry_rate") == (0, 1)
    assert of(pipeline, "route_confidence") == of(pipeline, "cache_hit_rate") == (None, 0)


def test_a_request_counts_once_however_many_of_its_spans_say_so(pipeline: Pipeline) -> None:
    first, second = Trace(pipeline), Trace(pipeline)
    first.send(STEP | {"driftline.retries": 1}, root=True)
    first.send(CALL | {"driftline.retries": 3, "driftline.repairs": 1})
    first.send(STEP | {"driftline.repairs": 2} | BLOCK)
    first.send(STEP | BLOCK)
    second.send(STEP | {"driftline.retries": 0}, root=True)
    second.send(CALL | PASS)
    assert of(pipeline, "retry_rate") == (None, 0), "not known before the request is settled"
    settle_traces(pipeline.client, AT_ONCE)
    for name in ("retry_rate", "repair_rate", "guardrail_block_rate"):
        assert of(pipeline, name) == (0.5, 2), name
    assert read(pipeline, "retry_rate", feature="support", model="gpt-4o-mini").n == 2


def test_look_ups_and_routing_decisions_count_each(pipeline: Pipeline) -> None:
    trace = Trace(pipeline)
    trace.send(STEP | {"driftline.cache.hit": True}, root=True)
    for is_hit, confidence in ((False, 0.9), (True, 0.5), (True, 0.1)):
        trace.send(STEP | {"driftline.cache.hit": is_hit, "driftline.route.confidence": confidence})
    settle_traces(pipeline.client, AT_ONCE)
    assert of(pipeline, "cache_hit_rate") == (0.75, 4)
    assert of(pipeline, "route_confidence") == (0.5, 3)
    assert of(pipeline, "unsure_route_rate") == (0.333333, 3)


def test_a_request_answered_from_a_cache_without_any_call_counts(pipeline: Pipeline) -> None:
    Trace(pipeline).send(STEP | {"driftline.cache.hit": True}, root=True)
    settle_traces(pipeline.client, AT_ONCE)
    assert of(pipeline, "cache_hit_rate") == (1, 1)


def test_what_a_late_span_says_is_added_once(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traces_module, "_LATE", timedelta(0))
    trace = Trace(pipeline)
    trace.send(CALL | {"driftline.retries": 1, "driftline.cache.hit": False}, root=True)
    settle_traces(pipeline.client, AT_ONCE)
    trace.send(STEP | {"driftline.retries": 1, "driftline.cache.hit": True, "driftline.route.confidence": 0.25} | BLOCK)
    for _ in range(2):
        settle_traces(pipeline.client, AT_ONCE)
        assert of(pipeline, "retry_rate") == of(pipeline, "guardrail_block_rate") == (1, 1)
        assert of(pipeline, "cache_hit_rate") == (0.5, 2)
        assert of(pipeline, "route_confidence") == (0.25, 1)
    query = "SELECT sum(retried) AS retried, sum(blocked) AS blocked FROM llm_rollups WHERE resolution = 'arrival'"
    assert pipeline.rows(query) == [{"retried": 1, "blocked": 0}], "detectors have applied that minute"


@pytest.mark.parametrize("key", ["driftline.stream.abandoned", "driftline.cancelled"])
def test_a_call_that_nobody_waited_for_is_no_error_and_has_no_cost(pipeline: Pipeline, key: str) -> None:
    row = stored(pipeline, CALL | USAGE | {key: True}, failed=True)
    assert (row["is_abandoned"], row["is_error"], row["error_class"], row["cost"]) == (True, False, "", None)
    assert of(pipeline, "abandoned_rate") == of(pipeline, "unpriced_calls") == (1, 1)
    assert of(pipeline, "call_error_rate") == of(pipeline, "error_rate") == (0, 1)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (made({"driftline.stream.abandoned": False}), False),
        (made({"driftline.stream.abandoned": False, "driftline.cancelled": True}), True),
        (made({"driftline.stream.abandoned": True, "driftline.cancelled": False}), True),
    ],
    indirect=["row"],
)
def test_both_ways_to_leave_are_one_column(row: dict[str, Any], *, expected: bool) -> None:
    assert row["is_abandoned"] is expected


def test_an_abandoned_call_of_an_unknown_model_is_never_priced(pipeline: Pipeline) -> None:
    stored(pipeline, CALL | USAGE | ABANDONED | {"gen_ai.request.model": "of-our-own"})
    assert pipeline.rows("SELECT * FROM unpriced_calls") == []


def test_half_an_answer_is_neither_checked_nor_judged(pipeline: Pipeline) -> None:
    set_rate(pipeline.client, 1)
    try:
        for number, values in enumerate(({}, ABANDONED)):
            answer = {"gen_ai.output.messages": "The answ", **CALL, **values}
            pipeline.send(request(answer, trace_id=bytes([number + 1]) * 16))
        assert pipeline.rows("SELECT trace_id FROM judge_queue") == [{"trace_id": "01" * 16}]
    finally:
        set_rate(pipeline.client, 0)
