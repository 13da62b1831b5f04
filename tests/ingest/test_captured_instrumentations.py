"""Captured requests of instrumentations with conventions of their own, against what the server had answered.

What an instrumentation does not send is listed per directory, as a value of the row.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from driftline_store.content import plain_text
from ingest_support import FIXTURES, captured

if TYPE_CHECKING:
    from ingest_support import Pipeline
    from stored_captures import Stored

TRACELOOP = "traceloop-openai-0.62.4"
TRACELOOP_SDK = "traceloop-sdk-0.62.4"
LANGFUSE = "langfuse-5.0.4"
LOGFIRE = "logfire-5.2.0"
PYDANTIC_AI = "pydantic-ai-2.68.0"
VERCEL = "vercel-ai-7.0.173"
OPENLIT = "openlit-1.45.0"
ALL = (TRACELOOP, TRACELOOP_SDK, LANGFUSE, LOGFIRE, PYDANTIC_AI, VERCEL, OPENLIT)

SNAPSHOT = "gpt-4o-mini-2024-07-18"
CALL = {
    "operation": "chat",
    "provider": "openai",
    "request_model": "gpt-4o-mini",
    "response_model": SNAPSHOT,
    "service": "checkout-bot",
    "environment": "test",
    "release": "1.4.2",
    "input_tokens": 142,
    "output_tokens": 48,
    "cache_read_tokens": 64,
    "reasoning_tokens": 16,
    "cost": Decimal("0.0000453"),
    "finish_reason": "stop",
    "is_error": False,
    "tokens_estimated": False,
}

NOT_SENT: dict[str, dict[str, Any]] = {
    TRACELOOP_SDK: {"environment": "", "release": ""},
    LANGFUSE: {"request_model": SNAPSHOT},
    VERCEL: {"environment": "", "reasoning_tokens": None},
    OPENLIT: {"release": "", "reasoning_tokens": None},
}
NOT_SENT_BY_CASE: dict[tuple[str, str], dict[str, Any]] = {
    **{(directory, "chat_stream"): {"reasoning_tokens": None} for directory in (TRACELOOP, TRACELOOP_SDK)},
    **{(LANGFUSE, case): {"finish_reason": ""} for case in ("chat", "responses", "responses_stream")},
    (LOGFIRE, "chat_stream"): {"response_model": "gpt-4o-mini"},
    (LOGFIRE, "responses"): {"finish_reason": ""},
    (LOGFIRE, "responses_stream"): {"response_model": "gpt-4o-mini", "finish_reason": ""},
    **{(OPENLIT, case): {"reasoning_tokens": 16} for case in ("responses", "responses_stream")},
}
REPORTED = {PYDANTIC_AI: 0.0000453, OPENLIT: 0.0000501}
"""OpenLIT prices cached tokens like others."""


def there(case: str, *but: str) -> list[str]:
    """Directories that have the case."""
    return [name for name in ALL if name not in but and (FIXTURES / name / f"{case}.otlp.pb").exists()]


def each(*cases: str) -> list[tuple[str, str]]:
    return [(directory, case) for case in cases for directory in there(case)]


def assert_row(row: dict[str, Any], expected: dict[str, Any]) -> None:
    assert {name: row[name] for name in expected} == expected


@pytest.mark.parametrize(("directory", "case"), each("chat", "chat_stream", "responses", "responses_stream"))
def test_a_chat_is_one_call_of_one_request_with_what_the_server_gave(stored: Stored, directory: str, case: str) -> None:
    row = stored.call(directory, case)
    assert_row(row, CALL | NOT_SENT.get(directory, {}) | NOT_SENT_BY_CASE.get((directory, case), {}))
    assert row["reported_cost"] == REPORTED.get(directory)
    sums = stored.sums(directory, case)
    assert (sums["calls"], sums["requests"], sums["input_tokens"]) == (1, 1, 142)
    assert sums["cost"] == Decimal("0.0000453")


@pytest.mark.parametrize(("directory", "case"), each("chat", "chat_stream", "responses", "responses_stream"))
def test_question_answer_and_instructions_are_readable(stored: Stored, directory: str, case: str) -> None:
    row = stored.call(directory, case)
    said = plain_text(row["system"]) + plain_text(row["input"])
    if (directory, case) != (LANGFUSE, "responses_stream"):
        assert "terse geography assistant" in said
    assert "What is the capital of France?" in said
    assert plain_text(row["output"]).strip().endswith("Paris is the capital of France.")


@pytest.mark.parametrize("directory", there("chat_stream"))
def test_a_stream_has_its_time_to_first_token_in_seconds(stored: Stored, directory: str) -> None:
    row = stored.call(directory, "chat_stream")
    assert row["is_streaming"] is True
    if directory == LOGFIRE:
        assert row["time_to_first_token"] is None, "this instrumentation sends none"
    else:
        assert 0.015 < row["time_to_first_token"] < row["duration"]


@pytest.mark.parametrize("directory", there("chat"))
def test_an_answer_without_stream_has_no_time_to_first_token(stored: Stored, directory: str) -> None:
    row = stored.call(directory, "chat")
    assert row["time_to_first_token"] is None
    assert not row["is_streaming"]


@pytest.mark.parametrize(("directory", "case"), each("chat_error_429", "responses_error_429", "chat_timeout"))
def test_an_error_has_its_class_and_no_cost(stored: Stored, directory: str, case: str) -> None:
    row = stored.call(directory, case)
    expected = "timeout" if case == "chat_timeout" else "rate_limit"
    assert_row(row, {"is_error": True, "error_class": expected, "cost": None, "reported_cost": None})
    assert row["error_message"]
    assert (row["error_type"] == "") is (directory == LANGFUSE), "only Langfuse sends no type"
    sums = stored.sums(directory, case)
    assert (sums["requests"], sums["request_errors"]) == (1, 1)


@pytest.mark.parametrize(
    ("directory", "expected"),
    [
        (TRACELOOP_SDK, {"prompt_name": "", "prompt_version": "3", "feature": "geo_qa"}),
        (LANGFUSE, {"prompt_name": "geo-answer", "prompt_version": "3"}),
        # Its baggage has names of the application's own; the prompt's version stayed on the span above.
        (LOGFIRE, {"prompt_name": "", "prompt_version": ""}),
        (OPENLIT, {"prompt_name": "", "prompt_version": ""}),
    ],
)
def test_session_user_and_prompt_version_are_kept(stored: Stored, directory: str, expected: dict[str, str]) -> None:
    row = stored.call(directory, "chat_session")
    assert_row(row, {"session_id": "conv-7f3a", "user_id": "user-42", **expected})


def test_a_session_that_was_scrubbed_is_none(stored: Stored) -> None:
    [above] = [row for row in stored.all(LOGFIRE, "chat_session") if row["name"] == "answer geo question"]
    assert (above["session_id"], above["user_id"]) == ("", "user-42")


@pytest.mark.parametrize("directory", there("embeddings"))
def test_embeddings_are_one_call_even_where_spans_are_nested(stored: Stored, directory: str) -> None:
    row = stored.call(directory, "embeddings")
    assert_row(row, {"operation": "embeddings", "input_tokens": 9, "output_tokens": None})
    assert row["cost"] == Decimal("0.00000018")
    assert stored.sums(directory, "embeddings")["requests"] == 1


@pytest.mark.parametrize(("directory", "case"), each("chat_stream_tool_call", "responses_tool_call"))
def test_a_tool_call_is_its_finish_reason_and_content(stored: Stored, directory: str, case: str) -> None:
    row = stored.call(directory, case)
    assert "get_weather(" in plain_text(row["output"])
    assert "Weather in Paris?" in plain_text(row["input"])
    if case == "chat_stream_tool_call":
        assert row["finish_reason"] == "tool_calls"


@pytest.mark.parametrize("directory", there("agent_tool_call"))
def test_an_agent_is_one_request_whose_calls_alone_are_billed(stored: Stored, directory: str) -> None:
    found = stored.all(directory, "agent_tool_call")
    calls = [row for row in found if row["is_call"]]
    sums = stored.sums(directory, "agent_tool_call")
    assert (sums["requests"], sums["calls"], sums["input_tokens"]) == (1, len(calls), 142 * len(calls))
    assert sums["cost"] == Decimal("0.0000453") * len(calls)
    if directory != OPENLIT:  # its decorator does not know tools
        assert [row["tool_name"] for row in found if row["operation"] == "execute_tool"] == ["get_weather"]


@pytest.mark.parametrize("directory", there("chat_stream_abandoned", OPENLIT, LOGFIRE))
def test_an_abandoned_stream_has_an_unknown_cost(stored: Stored, directory: str) -> None:
    row = stored.call(directory, "chat_stream_abandoned")
    assert_row(row, {"input_tokens": None, "cost": None, "is_error": False})
    assert stored.sums(directory, "chat_stream_abandoned")["unpriced_calls"] == 1


@pytest.mark.parametrize("directory", there("chat_stream_no_usage", OPENLIT))
def test_without_usage_the_cost_is_unknown(stored: Stored, directory: str) -> None:
    row = stored.call(directory, "chat_stream_no_usage")
    assert_row(row, {"input_tokens": None, "cost": None, "tokens_estimated": False})
    assert stored.sums(directory, "chat_stream_no_usage")["unpriced_calls"] == 1


def test_tokens_that_an_instrumentation_guessed_are_marked(stored: Stored) -> None:
    row = stored.call(OPENLIT, "chat_stream_no_usage")
    assert_row(row, {"input_tokens": 41, "output_tokens": 16, "tokens_estimated": True})


def test_spans_of_an_http_client_are_neither_calls_nor_requests(stored: Stored) -> None:
    [row] = stored.all(OPENLIT, "chat_stream_abandoned")
    assert_row(row, {"operation": "", "is_call": False, "is_request": False})


@pytest.mark.parametrize("case", ["chat_stream", "chat_async_stream", "responses_stream"])
def test_a_stream_of_logfire_is_one_call_with_the_whole_latency(stored: Stored, case: str) -> None:
    row = stored.call(LOGFIRE, case)
    assert 0.15 < row["duration"] < 0.5
    assert (stored.sums(LOGFIRE, case)["calls"], stored.sums(LOGFIRE, case)["requests"]) == (1, 1)


def test_an_abandoned_stream_of_logfire_is_counted_with_its_late_log_line(pipeline: Pipeline, stored: Stored) -> None:
    assert not any(row["is_call"] for row in stored.all(LOGFIRE, "chat_stream_abandoned"))
    pipeline.send(captured(LOGFIRE, "chat_stream_abandoned"))
    pipeline.send(captured(LOGFIRE, "chat_tool_call"))  # the line came with the next request
    [late] = pipeline.rows("SELECT * FROM llm_spans WHERE is_call AND is_streaming")
    assert_row(late, {"input_tokens": None, "cost": None})


def test_langfuse_json_inside_strings_is_read(stored: Stored) -> None:
    row = stored.call(LANGFUSE, "manual_generation")
    assert_row(row, {"model": "my-model", "input_tokens": 10, "output_tokens": 5, "cache_read_tokens": 4})
    assert row["time_to_first_token"] < row["duration"] < 0.001
    assert '"Infinity"' in stored.call(LANGFUSE, "chat_stream")["attributes"]["langfuse.observation.model.parameters"]
