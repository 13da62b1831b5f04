"""What only a whole trace or session can tell: totals, the model that answered, requests without a span of ours."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from driftline.settings import load
from driftline_processors.settle import settle_sessions, settle_traces
from driftline_processors.settle import traces as traces_module
from trace_support import Trace

if TYPE_CHECKING:
    from ingest_support import Pipeline

AT_ONCE = load({}, settle_seconds=0, session_minutes=0)
CHAT = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o-mini"}
USAGE = {"gen_ai.usage.input_tokens": 1_000_000, "gen_ai.usage.output_tokens": 0}
COST = Decimal("0.15")
"""USD of a call with ``USAGE``."""


@pytest.fixture
def trace(pipeline: Pipeline) -> Trace:
    return Trace(pipeline)


def sums(pipeline: Pipeline, by: str = "model", resolution: str = "minute") -> dict[str, dict[str, Any]]:
    rows = pipeline.rows(
        f"SELECT {by} AS key, sum(requests) AS requests, sum(calls) AS calls, sum(fallbacks) AS fallbacks, "
        "sum(settled_requests) AS settled, sum(late_spans) AS late, sum(cost) AS cost, "
        "mapFilter((k, v) -> v != 0, sumMap(request_cost)) AS request_cost, "
        "mapFilter((k, v) -> v != 0, sumMap(request_seconds)) AS seconds, "
        "mapFilter((k, v) -> v != 0, sumMap(session_cost)) AS session_cost, "
        "sum(settled_sessions) AS sessions, sum(session_requests) AS session_requests "
        f"FROM llm_rollups WHERE resolution = '{resolution}' GROUP BY {by}"
    )
    return {row["key"]: row for row in rows}


def test_a_settled_request_counts_for_the_model_that_answered_it(pipeline: Pipeline, trace: Trace) -> None:
    trace.put({"driftline.feature": "support", "gen_ai.operation.name": "invoke_workflow"}, root=True)
    trace.send(CHAT | USAGE)
    assert sums(pipeline)[""]["requests"] == 1
    settle_traces(pipeline.client, AT_ONCE)
    found = sums(pipeline)
    assert (found[""]["requests"], found["gpt-4o-mini"]["requests"]) == (0, 1)
    assert found[""]["seconds"] == {}
    assert sum(found["gpt-4o-mini"]["seconds"].values()) == 1
    assert found["gpt-4o-mini"]["settled"] == 1
    [row] = trace.rows()
    assert (row["model"], row["calls"], row["spans"], row["cost"]) == ("gpt-4o-mini", 1, 2, COST)


@pytest.mark.parametrize("resolution", ["minute", "hour", "day", "arrival"])
def test_settling_again_changes_nothing(pipeline: Pipeline, trace: Trace, resolution: str) -> None:
    trace.put({"driftline.feature": "support", "gen_ai.operation.name": "invoke_workflow"}, root=True)
    trace.send(CHAT | USAGE)
    settle_traces(pipeline.client, AT_ONCE)
    before = sums(pipeline, resolution=resolution)
    assert before["gpt-4o-mini"]["requests"] == 1
    for forget in ("SELECT 1", "TRUNCATE TABLE settled_windows"):
        pipeline.client.command(forget)
        settle_traces(pipeline.client, AT_ONCE)
        assert sums(pipeline, resolution=resolution) == before


def test_a_request_under_a_web_root_is_counted_when_it_has_settled(pipeline: Pipeline, trace: Trace) -> None:
    trace.put({"http.route": "/chat", "gen_ai.operation.name": ""}, root=True, name="POST /chat")
    trace.send(CHAT | USAGE | {"driftline.feature": "support"})
    assert sums(pipeline, "feature")["support"]["requests"] == 0
    settle_traces(pipeline.client, AT_ONCE)
    found = sums(pipeline, "feature")["support"]
    assert (found["requests"], found["calls"], found["settled"]) == (1, 1, 1)


def test_a_trace_without_calls_is_no_request(pipeline: Pipeline, trace: Trace) -> None:
    trace.send({"http.route": "/health", "gen_ai.operation.name": ""}, root=True)
    settle_traces(pipeline.client, AT_ONCE)
    assert trace.rows() == []


def test_a_second_model_after_a_failed_one_is_a_fallback(pipeline: Pipeline, trace: Trace) -> None:
    trace.put({"driftline.feature": "support", "gen_ai.operation.name": "invoke_workflow"}, root=True)
    trace.put(CHAT, failed=True)
    trace.send(CHAT | USAGE | {"gen_ai.request.model": "gpt-4o"})
    settle_traces(pipeline.client, AT_ONCE)
    [row] = trace.rows()
    assert (row["model"], row["fallback_reason"]) == ("gpt-4o", "second_model")
    found = sums(pipeline)["gpt-4o"]
    assert (found["requests"], found["fallbacks"]) == (1, 1)


def test_a_late_span_is_added_and_counted(pipeline: Pipeline, trace: Trace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traces_module, "_LATE", timedelta(0))
    trace.send(CHAT | USAGE, root=True)
    settle_traces(pipeline.client, AT_ONCE)
    [first] = trace.rows()
    trace.send(CHAT | USAGE)
    settle_traces(pipeline.client, AT_ONCE)
    [_, late] = trace.rows()
    assert (late["is_first"], late["spans"], late["cost"], late["cost_before"]) == (False, 1, COST, COST)
    found = sums(pipeline)["gpt-4o-mini"]
    assert (found["requests"], found["settled"], found["late"], found["cost"]) == (1, 1, 1, 2 * COST)
    assert sum(found["request_cost"].values()) == 1
    assert found["request_cost"] != {}
    by_arrival = sums(pipeline, resolution="arrival")["gpt-4o-mini"]
    assert (by_arrival["requests"], by_arrival["settled"], by_arrival["late"]) == (1, 1, 0)
    assert sum(by_arrival["request_cost"].values()) == 1
    assert first["cost"] == COST


def test_a_trace_whose_root_never_comes_settles_later(
    pipeline: Pipeline, trace: Trace, monkeypatch: pytest.MonkeyPatch
) -> None:
    trace.send(CHAT | USAGE)
    settle_traces(pipeline.client, AT_ONCE)
    assert trace.rows() == []
    monkeypatch.setattr(traces_module, "_ROOTLESS", timedelta(0))
    settle_traces(pipeline.client, AT_ONCE)
    [row] = trace.rows()
    assert (row["was_counted"], row["calls"]) == (False, 1)
    assert sums(pipeline)["gpt-4o-mini"]["requests"] == 1


def test_what_a_dead_process_wrote_is_added_up_by_the_next(pipeline: Pipeline, trace: Trace) -> None:
    trace.send(CHAT | USAGE, root=True)
    pipeline.client.command("RENAME TABLE llm_rollups TO hidden")
    with pytest.raises(Exception, match="llm_rollups"):
        settle_traces(pipeline.client, AT_ONCE)
    pipeline.client.command("RENAME TABLE hidden TO llm_rollups")
    assert len(trace.rows()) == 1
    settle_traces(pipeline.client, AT_ONCE)
    assert sums(pipeline)["gpt-4o-mini"]["settled"] == 1


def test_sessions_that_a_dead_process_wrote_are_added_up_by_the_next(pipeline: Pipeline) -> None:
    Trace(pipeline).send(CHAT | USAGE | {"gen_ai.conversation.id": "s1"}, root=True)
    settle_traces(pipeline.client, AT_ONCE)
    pipeline.client.command("RENAME TABLE llm_rollups TO hidden")
    with pytest.raises(Exception, match="llm_rollups"):
        settle_sessions(pipeline.client, AT_ONCE)
    pipeline.client.command("RENAME TABLE hidden TO llm_rollups")
    Trace(pipeline).send(CHAT | USAGE, root=True)
    settle_traces(pipeline.client, AT_ONCE)
    Trace(pipeline).send(CHAT | USAGE, root=True)
    settle_traces(pipeline.client, AT_ONCE)
    settle_sessions(pipeline.client, AT_ONCE)
    found = sums(pipeline)["gpt-4o-mini"]
    assert (found["sessions"], found["session_requests"]) == (1, 1)


def test_a_quiet_session_has_totals(pipeline: Pipeline) -> None:
    for _ in range(2):
        Trace(pipeline).send(CHAT | USAGE | {"gen_ai.conversation.id": "s1"}, root=True)
    settle_traces(pipeline.client, AT_ONCE)
    settle_sessions(pipeline.client, AT_ONCE)
    found = sums(pipeline)["gpt-4o-mini"]
    assert (found["sessions"], found["session_requests"]) == (1, 2)
    Trace(pipeline).send(CHAT | USAGE | {"gen_ai.conversation.id": "s1"}, root=True)
    settle_traces(pipeline.client, AT_ONCE)
    settle_sessions(pipeline.client, AT_ONCE)
    found = sums(pipeline)["gpt-4o-mini"]
    assert (found["sessions"], found["session_requests"]) == (1, 3)
    assert sum(found["session_cost"].values()) == 1
    [row] = pipeline.rows("SELECT sum(cost) AS cost, sum(requests) AS requests FROM llm_sessions")
    assert (row["cost"], row["requests"]) == (3 * COST, 3)


def test_a_cost_that_is_known_later_reaches_the_totals(pipeline: Pipeline, trace: Trace) -> None:
    unknown = CHAT | USAGE | {"gen_ai.request.model": "of-our-own", "gen_ai.conversation.id": "s1"}
    trace.send(unknown, root=True)
    settle_traces(pipeline.client, AT_ONCE)
    settle_sessions(pipeline.client, AT_ONCE)
    [row] = trace.rows()
    assert (row["cost"], row["unpriced_calls"]) == (0, 1)
    assert sums(pipeline)["of-our-own"]["request_cost"] == {}
    pipeline.client.command(
        "INSERT INTO cost_corrections (trace_id, span_id, start, feature, model, cost, price_version, at) "
        "SELECT trace_id, span_id, start, feature, model, 0.15, 'later', now64(3) FROM llm_spans"
    )
    settle_traces(pipeline.client, AT_ONCE)
    settle_sessions(pipeline.client, AT_ONCE)
    [_, row] = trace.rows()
    assert (row["is_first"], row["cost"], row["unpriced_calls"]) == (False, COST, -1)
    found = sums(pipeline)["of-our-own"]
    assert found["cost"] == COST
    assert sum(found["request_cost"].values()) == sum(found["session_cost"].values()) == 1
    [row] = pipeline.rows("SELECT sum(unpriced_calls) AS n FROM llm_rollups WHERE resolution = 'day'")
    assert row["n"] == 0
    assert sums(pipeline, resolution="arrival")["of-our-own"]["request_cost"] == {}
