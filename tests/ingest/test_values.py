"""Values that are odd but legal: each has a row, and none stops a batch."""

from __future__ import annotations

import math
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from ingest_support import captured
from made_spans import NOW, Made, made, request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ingest_support import Pipeline

Row = dict[str, Any]


def stored(pipeline: Pipeline, values: Mapping[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    pipeline.send(request(values, **fields))
    assert pipeline.rows("SELECT * FROM dead_letters") == []
    [row] = pipeline.rows("SELECT * FROM llm_spans")
    return row


def each(key: str, *values: Any) -> list[Made]:
    """Spans that differ in one attribute."""
    return [made({key: value}) for value in values]


@pytest.mark.parametrize("row", each("gen_ai.prompt.version", "3", 3, 3.0), indirect=True)
def test_a_prompt_version_is_text_whatever_its_type(row: Row) -> None:
    assert row["prompt_version"] == "3"


@pytest.mark.parametrize("row", each("gen_ai.usage.input_tokens", "142", 142, 142.0), indirect=True)
def test_token_counts_are_whole_numbers_whatever_their_type(row: Row) -> None:
    assert row["input_tokens"] == 142


@pytest.mark.parametrize(
    "row",
    each("gen_ai.usage.input_tokens", -1, 1.5, math.nan, math.inf, "many", None, [142], {"input": 142}, True, ""),
    indirect=True,
)
def test_a_token_count_that_is_none_is_unknown(row: Row) -> None:
    assert row["input_tokens"] is None


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (made({"gen_ai.response.finish_reasons": value}), expected)
        for value, expected in (
            (["stop"], "stop"),
            ('["tool_call"]', "tool_calls"),
            ("tool-calls", "tool_calls"),
            ([], ""),
        )
    ],
    indirect=["row"],
)
def test_a_finish_reason_comes_as_array_as_json_and_as_text(row: Row, expected: str) -> None:
    assert row["finish_reason"] == expected


@pytest.mark.parametrize("row", each("gen_ai.response.finish_reasons", ["content_filter"]), indirect=True)
def test_a_blocked_answer_is_an_error_of_content_policy(row: Row) -> None:
    assert (row["is_error"], row["error_class"]) == (True, "content_policy")


BAD_REQUEST = {"error.type": "openai.BadRequestError"}


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (made({"error.type": "pydantic_ai.exceptions.ModelRateLimitError"}, failed=True), "rate_limit"),
        (made({"error.type": "AI_APICallError", "http.response.status_code": 429}, failed=True), "rate_limit"),
        (
            made(BAD_REQUEST | {"driftline.error.code": "context_length_exceeded"}, failed=True),
            "context_length",
        ),
        (
            made(BAD_REQUEST | {"driftline.error.code": "content_filter"}, failed=True),
            "content_policy",
        ),
        (made({"error.type": "openai.AuthenticationError"}, failed=True), "authentication"),
        (made({"error.type": "openai.InternalServerError"}, failed=True), "server_error"),
        (made({"error.type": "TimeoutError"}, failed=True), "timeout"),
        (made({"error.type": "KeyError"}, failed=True), "other"),
        (made({}, failed=True), "other"),
    ],
    indirect=["row"],
)
def test_an_error_is_sorted_by_its_type_code_and_status(row: Row, expected: str) -> None:
    assert row["error_class"] == expected


def answer(said: str) -> Made:
    return made({"gen_ai.output.messages": f'[{{"role":"assistant","parts":[{{"content":"{said}"}}]}}]'})


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (answer("I'm sorry, I don't know."), "dont_know"),
        (answer("I’m not sure about that."), "dont_know"),
        (answer("I'm sorry, but I can't share that."), "refusal"),
        (answer("Let me connect you to a colleague."), "handover"),
        (answer("Paris is the capital of France."), ""),
        (answer("Ask me what I know!"), ""),
    ],
    indirect=["row"],
)
def test_an_answer_that_is_no_answer_is_a_fallback(row: Row, reason: str) -> None:
    assert row["fallback_reason"] == reason


@pytest.mark.parametrize("row", each("driftline.fallback.reason", "second_model"), indirect=True)
def test_a_fallback_that_the_application_declares_is_kept_as_it_said(row: Row) -> None:
    assert row["fallback_reason"] == "second_model"


YEAR = 365 * 86_400 * 10**9


@pytest.mark.parametrize(
    ("row", "start"),
    [
        (made(start_time_unix_nano=start, end_time_unix_nano=start + 10**9), start)
        for start in (max(NOW - 50 * YEAR, 0), NOW + 50 * YEAR)
    ],
    indirect=["row"],
    ids=["before", "after"],
)
def test_an_absurd_clock_is_clamped_and_kept(row: Row, start: int) -> None:
    assert abs(row["start"] - row["arrived"]) < timedelta(minutes=1)
    assert row["start_unix_nano"] == start
    assert row["duration"] == 1.0


@pytest.mark.parametrize(
    "row", [made(end_time_unix_nano=end) for end in (0, NOW - 10**9)], ids=["unset", "before"], indirect=True
)
def test_a_negative_duration_is_zero(row: Row) -> None:
    assert row["duration"] == 0.0


def test_a_span_of_last_week_is_counted_at_its_minute(pipeline: Pipeline) -> None:
    start = NOW - 7 * 86_400 * 10**9
    stored(pipeline, start_time_unix_nano=start, end_time_unix_nano=start + 10**9)
    [row] = pipeline.rows("SELECT toUnixTimestamp(at) AS minute FROM llm_rollups WHERE resolution = 'minute'")
    assert row["minute"] == start // (60 * 10**9) * 60


@pytest.mark.parametrize(
    "row",
    [
        made(
            {
                "gen_ai.usage.input_tokens": 10,
                "gen_ai.usage.output_tokens": 0,
                "gen_ai.usage.cache_read.input_tokens": 100,
                "gen_ai.provider.name": "openai",
                "gen_ai.request.model": "gpt-4o-mini",
            }
        )
    ],
    indirect=True,
)
def test_cached_tokens_that_were_left_out_of_the_input_are_still_paid(row: Row) -> None:
    assert row["cost"] == Decimal("0.0000075")  # 100 * 0.075 USD per million


def test_an_unknown_model_has_no_cost_and_is_remembered(pipeline: Pipeline) -> None:
    row = stored(pipeline, {"gen_ai.request.model": "our-own-7b", "gen_ai.usage.input_tokens": 10})
    assert row["cost"] is None
    assert pipeline.sums()["unpriced_calls"] == 1
    assert pipeline.rows("SELECT model FROM unpriced_models") == [{"model": "our-own-7b"}]


def test_agents_and_workflows_repeat_usage_and_are_not_billed(pipeline: Pipeline) -> None:
    usage = {"gen_ai.usage.input_tokens": 10, "gen_ai.request.model": "gpt-4o-mini", "gen_ai.provider.name": "openai"}
    for operation in ("invoke_agent", "invoke_workflow"):
        pipeline.send(request(usage | {"gen_ai.operation.name": operation}))
    assert (pipeline.sums()["calls"], pipeline.sums()["cost"]) == (0, 0)


@pytest.mark.parametrize(
    "row",
    [made({f"app.attribute.{n}": n for n in range(300)} | {"gen_ai.input.messages": "x" * 900_000})],
    indirect=True,
)
def test_three_hundred_attributes_and_a_long_prompt_fit(row: Row) -> None:
    assert len(row["input"]) == 900_000
    assert row["attributes"]["app.attribute.299"] == "299"


def test_a_span_without_any_attribute_is_a_row_and_nothing_else(pipeline: Pipeline) -> None:
    message = ExportTraceServiceRequest()
    message.resource_spans.add().scope_spans.add().spans.add()
    pipeline.send(message.SerializeToString())
    [row] = pipeline.rows("SELECT * FROM llm_spans")
    assert (row["is_call"], row["is_request"], row["trace_id"]) == (False, False, "")


@pytest.mark.parametrize("row", [made({"gen_ai.operation.name": "", "http.request.method": "GET"})], indirect=True)
def test_a_plain_root_span_of_a_web_framework_is_no_request(row: Row) -> None:
    assert (row["is_request"], row["feature"]) == (False, "")


@pytest.mark.parametrize("row", [made({"driftline.request": True}, parent_span_id=b"parent--")], indirect=True)
def test_a_declared_request_below_a_web_frameworks_span_is_the_request(row: Row) -> None:
    assert row["is_request"]


def test_what_has_no_feature_takes_the_name_of_its_workflow_or_its_own(pipeline: Pipeline) -> None:
    named = stored(pipeline, {"gen_ai.agent.name": "weather"}, name="chat gpt-4o")
    assert named["feature"] == "weather"
    pipeline.send(captured("otel-genai-openai-1.3b0", "chat"))
    [other] = pipeline.rows("SELECT feature FROM llm_spans WHERE feature != 'weather'")
    assert other["feature"] == "chat gpt-4o-mini"
