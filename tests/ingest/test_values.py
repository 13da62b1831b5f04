"""Values that are odd but legal: each has a row, and none stops a batch."""

from __future__ import annotations

import time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from ingest_support import captured
from made_spans import NOW, request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ingest_support import Pipeline


def stored(pipeline: Pipeline, values: Mapping[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    pipeline.send(request(values, **fields))
    assert pipeline.rows("SELECT * FROM dead_letters") == []
    [row] = pipeline.rows("SELECT * FROM llm_spans")
    return row


@pytest.mark.parametrize("value", ["3", 3, 3.0])
def test_a_prompt_version_is_text_whatever_its_type(pipeline: Pipeline, value: Any) -> None:
    assert stored(pipeline, {"gen_ai.prompt.version": value})["prompt_version"] == "3"


@pytest.mark.parametrize("value", ["142", 142, 142.0])
def test_token_counts_are_whole_numbers_whatever_their_type(pipeline: Pipeline, value: Any) -> None:
    assert stored(pipeline, {"gen_ai.usage.input_tokens": value})["input_tokens"] == 142


@pytest.mark.parametrize("value", [-1, 1.5, float("nan"), float("inf"), "many", None, [142], {"input": 142}, True, ""])
def test_a_token_count_that_is_none_is_unknown(pipeline: Pipeline, value: Any) -> None:
    assert stored(pipeline, {"gen_ai.usage.input_tokens": value})["input_tokens"] is None


@pytest.mark.parametrize(
    ("value", "expected"), [(["stop"], "stop"), ('["tool_call"]', "tool_calls"), ("tool-calls", "tool_calls"), ([], "")]
)
def test_a_finish_reason_comes_as_array_as_json_and_as_text(pipeline: Pipeline, value: Any, expected: str) -> None:
    assert stored(pipeline, {"gen_ai.response.finish_reasons": value})["finish_reason"] == expected


def test_a_blocked_answer_is_an_error_of_content_policy(pipeline: Pipeline) -> None:
    row = stored(pipeline, {"gen_ai.response.finish_reasons": ["content_filter"]})
    assert (row["is_error"], row["error_class"]) == (True, "content_policy")


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"error.type": "pydantic_ai.exceptions.ModelRateLimitError"}, "rate_limit"),
        ({"error.type": "AI_APICallError", "http.response.status_code": 429}, "rate_limit"),
        ({"error.type": "openai.BadRequestError", "driftline.error.code": "context_length_exceeded"}, "context_length"),
        ({"error.type": "openai.BadRequestError", "driftline.error.code": "content_filter"}, "content_policy"),
        ({"error.type": "openai.AuthenticationError"}, "authentication"),
        ({"error.type": "openai.InternalServerError"}, "server_error"),
        ({"error.type": "TimeoutError"}, "timeout"),
        ({"error.type": "KeyError"}, "other"),
        ({}, "other"),
    ],
)
def test_an_error_is_sorted_by_its_type_code_and_status(
    pipeline: Pipeline, values: dict[str, Any], expected: str
) -> None:
    message = ExportTraceServiceRequest.FromString(request(values))
    message.resource_spans[0].scope_spans[0].spans[0].status.code = Status.STATUS_CODE_ERROR
    pipeline.send(message.SerializeToString())
    [row] = pipeline.rows("SELECT * FROM llm_spans")
    assert row["error_class"] == expected


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("I'm sorry, I don't know.", "dont_know"),
        ("I’m not sure about that.", "dont_know"),
        ("I'm sorry, but I can't share that.", "refusal"),
        ("Let me connect you to a colleague.", "handover"),
        ("Paris is the capital of France.", ""),
        ("Ask me what I know!", ""),
    ],
)
def test_an_answer_that_is_no_answer_is_a_fallback(pipeline: Pipeline, answer: str, reason: str) -> None:
    row = stored(pipeline, {"gen_ai.output.messages": f'[{{"role":"assistant","parts":[{{"content":"{answer}"}}]}}]'})
    assert row["fallback_reason"] == reason


def test_a_fallback_that_the_application_declares_is_kept_as_it_said(pipeline: Pipeline) -> None:
    assert stored(pipeline, {"driftline.fallback.reason": "second_model"})["fallback_reason"] == "second_model"


@pytest.mark.parametrize("years", [-50, 50])
def test_an_absurd_clock_is_clamped_and_kept(pipeline: Pipeline, years: int) -> None:
    start = NOW + years * 365 * 86_400 * 10**9
    row = stored(pipeline, start_time_unix_nano=max(start, 0), end_time_unix_nano=max(start, 0) + 10**9)
    assert abs(row["start"].timestamp() - time.time()) < 60
    assert row["start_unix_nano"] == max(start, 0)
    assert row["duration"] == 1.0


@pytest.mark.parametrize("end", [0, NOW - 10**9], ids=["unset", "before"])
def test_a_negative_duration_is_zero(pipeline: Pipeline, end: int) -> None:
    assert stored(pipeline, end_time_unix_nano=end)["duration"] == 0.0


def test_a_span_of_last_week_is_counted_at_its_minute(pipeline: Pipeline) -> None:
    start = NOW - 7 * 86_400 * 10**9
    stored(pipeline, start_time_unix_nano=start, end_time_unix_nano=start + 10**9)
    [row] = pipeline.rows("SELECT toUnixTimestamp(at) AS minute FROM llm_rollups WHERE resolution = 'minute'")
    assert row["minute"] == start // (60 * 10**9) * 60


def test_cached_tokens_that_were_left_out_of_the_input_are_still_paid(pipeline: Pipeline) -> None:
    usage = {"gen_ai.usage.input_tokens": 10, "gen_ai.usage.output_tokens": 0}
    model = {"gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o-mini"}
    row = stored(pipeline, {**usage, **model, "gen_ai.usage.cache_read.input_tokens": 100})
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


def test_three_hundred_attributes_and_a_long_prompt_fit(pipeline: Pipeline) -> None:
    many = {f"app.attribute.{number}": number for number in range(300)}
    row = stored(pipeline, many | {"gen_ai.input.messages": "x" * 900_000})
    assert len(row["input"]) == 900_000
    assert row["attributes"]["app.attribute.299"] == "299"


def test_a_span_without_any_attribute_is_a_row_and_nothing_else(pipeline: Pipeline) -> None:
    message = ExportTraceServiceRequest()
    message.resource_spans.add().scope_spans.add().spans.add()
    pipeline.send(message.SerializeToString())
    [row] = pipeline.rows("SELECT * FROM llm_spans")
    assert (row["is_call"], row["is_request"], row["trace_id"]) == (False, False, "")


def test_a_plain_root_span_of_a_web_framework_is_no_request(pipeline: Pipeline) -> None:
    row = stored(pipeline, {"gen_ai.operation.name": "", "http.request.method": "GET"})
    assert (row["is_request"], row["feature"]) == (False, "")


def test_a_declared_request_below_a_web_frameworks_span_is_the_request(pipeline: Pipeline) -> None:
    assert stored(pipeline, {"driftline.request": True}, parent_span_id=b"parent--")["is_request"]


def test_what_has_no_feature_takes_the_name_of_its_workflow_or_its_own(pipeline: Pipeline) -> None:
    named = stored(pipeline, {"gen_ai.agent.name": "weather"}, name="chat gpt-4o")
    assert named["feature"] == "weather"
    pipeline.send(captured("otel-genai-openai-1.3b0", "chat"))
    [other] = pipeline.rows("SELECT feature FROM llm_spans WHERE feature != 'weather'")
    assert other["feature"] == "chat gpt-4o-mini"
