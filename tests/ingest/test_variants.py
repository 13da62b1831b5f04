"""The variant of an experiment is a dimension: of spans, sums, feedback, the judge's queue, requests and sessions."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

import pytest

from driftline.evaluations import _record
from driftline.handle import RequestInfo
from driftline.settings import load
from driftline_processors import prices
from driftline_processors.matching import match_pending
from driftline_processors.settle import settle_sessions, settle_traces
from made_events import event, thumb
from made_spans import NOW, request
from processors_support import set_rate
from trace_support import Trace

if TYPE_CHECKING:
    from pathlib import Path

    from ingest_support import Pipeline

SETTINGS = load({}, settle_seconds=0, session_minutes=0)
B = {"driftline.experiment.name": "tone", "driftline.experiment.variant": "b"}
CALL = {"gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o-mini", "gen_ai.usage.input_tokens": 10}


def variants(pipeline: Pipeline, table: str, where: str = "true") -> list[str]:
    rows = pipeline.rows(f"SELECT DISTINCT variant FROM {table} WHERE {where} ORDER BY variant")
    return [row["variant"] for row in rows]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (B, "tone:b"),
        ({"driftline.experiment.name": "tone"}, ""),
        ({"driftline.experiment.variant": "b"}, ""),
        ({"driftline.experiment.name": 7, "driftline.experiment.variant": True}, "7:true"),
        ({}, ""),
    ],
)
def test_a_variant_has_the_name_of_its_experiment(pipeline: Pipeline, values: dict[str, Any], expected: str) -> None:
    pipeline.send(request(values))
    assert variants(pipeline, "llm_spans") == variants(pipeline, "llm_rollups") == [expected]


def test_requests_of_two_variants_are_told_apart(pipeline: Pipeline) -> None:
    for values in (B, B, {}):
        pipeline.send(request(CALL | values, trace_id=secrets.token_bytes(16)))
    query = "SELECT variant, sum(requests) AS n FROM llm_rollups WHERE resolution = 'day' GROUP BY variant ORDER BY n"
    assert pipeline.rows(query) == [{"variant": "", "n": 1}, {"variant": "tone:b", "n": 2}]


PRICE = "prices: [{provider: openai, model: priced-later, input: 1, output: 1}]"


def test_what_is_made_of_a_request_keeps_its_variant(pipeline: Pipeline, tmp_path: Path) -> None:
    client = pipeline.client
    (tmp_path / "prices.yaml").write_text(PRICE)
    set_rate(client, 1)
    try:
        unknown = CALL | B | {"gen_ai.request.model": "priced-later", "gen_ai.conversation.id": "s1"}
        pipeline.send(request(unknown))
    finally:
        set_rate(client, 0)
    try:
        assert prices.backfill(client, load({}, prices_file=str(tmp_path / "prices.yaml"))) == 1
    finally:
        prices.preload(client)
    settle_traces(client, SETTINGS)
    settle_sessions(client, SETTINGS)
    for table in ("judge_queue", "unpriced_calls", "cost_corrections", "llm_traces", "llm_sessions", "llm_rollups"):
        assert variants(pipeline, table) == ["tone:b"], table


def test_a_request_under_a_web_root_takes_the_variant_of_its_first_call(pipeline: Pipeline) -> None:
    trace = Trace(pipeline)
    trace.put({"http.route": "/chat", "gen_ai.operation.name": ""}, root=True)
    trace.send(CALL | B)
    settle_traces(pipeline.client, SETTINGS)
    assert variants(pipeline, "llm_traces") == ["tone:b"]


def test_feedback_by_a_handle_says_the_variant_itself(pipeline: Pipeline) -> None:
    about = RequestInfo(1, 2, NOW, feature="support", variant="tone:b")
    record = _record(about, {"gen_ai.evaluation.name": "user_feedback", "gen_ai.evaluation.score.label": "thumbs_up"})
    values = {pair.key: pair.value.string_value or pair.value.int_value for pair in record.attributes}
    pipeline.send_logs(event(record.event_name, values))
    assert variants(pipeline, "evaluations") == variants(pipeline, "llm_rollups", "thumbs_up = 1") == ["tone:b"]


def test_feedback_by_an_id_finds_the_variant_of_its_request(pipeline: Pipeline) -> None:
    pipeline.send(request(CALL | B | {"gen_ai.response.id": "r1"}))
    pipeline.send_logs(thumb({"gen_ai.response.id": "r1"}))
    assert match_pending(pipeline.client, SETTINGS) == 1
    assert variants(pipeline, "evaluations_matched") == variants(pipeline, "evaluations") == ["tone:b"]
    assert variants(pipeline, "llm_rollups", "thumbs_up = 1") == ["tone:b"]
