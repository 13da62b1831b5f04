"""What ingest stores reaches drift detection, and what is settled or summed again does not reach it twice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from drift_support import stream, summed
from driftline.settings import load
from driftline_alerts.drift.feed import Feed
from driftline_processors.settle import settle_sessions, settle_traces
from driftline_processors.settle import traces as traces_module
from driftline_processors.settle.anew import settle_anew
from trace_support import Trace

if TYPE_CHECKING:
    import pytest

    from ingest_support import Pipeline

AT_ONCE = load({}, settle_seconds=0, session_minutes=0)
CALL = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4o-mini",
    "gen_ai.usage.input_tokens": 1000,
    "gen_ai.usage.output_tokens": 80,
    "gen_ai.conversation.id": "c",
    "driftline.feature": "support",
}


def test_a_request_counts_once_in_every_stream_that_it_belongs_to(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(traces_module, "_LATE", timedelta(0))
    trace = Trace(pipeline)
    feed = Feed.starting(datetime.now(UTC) - timedelta(minutes=5))
    trace.put({"driftline.feature": "support", "gen_ai.operation.name": "invoke_workflow"}, root=True)
    trace.put(CALL)
    trace.send(CALL, failed=True)
    settle_traces(pipeline.client, AT_ONCE)
    settle_sessions(pipeline.client, AT_ONCE)
    found = summed(feed.read(pipeline.client, datetime.now(UTC)))
    [environment] = {key.segment[0][1] for key in found}
    segment = {"environment": environment, "feature": "support"}
    for metric, counts in {
        "requests": {0: 1},
        "calls": {0: 2},
        "call_error_rate": {0: 1, 1: 1},
        "error_rate": {0: 1},
        "fallback_rate": {0: 1},
    }.items():
        assert found[stream(metric, **segment)] == counts, metric
    sizes = {"latency_p95": 1, "cost_per_call_p95": 2, "cost_per_request_p95": 1, "cost_per_session_p95": 1}
    for metric, n in sizes.items():
        assert found[stream(metric, **segment)].total() == n, metric
    [day] = pipeline.rows("SELECT toString(toDate(start)) AS day FROM llm_traces")
    settle_anew(pipeline.client, [day["day"]])
    assert pipeline.rows("SELECT count() AS n FROM llm_traces") == [{"n": 0}]
    settle_traces(pipeline.client, AT_ONCE)
    assert pipeline.rows("SELECT count() AS n FROM llm_traces") == [{"n": 1}]
    assert feed.read(pipeline.client, datetime.now(UTC)) == []
