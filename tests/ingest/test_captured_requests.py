"""Real bytes of real instrumentations, over the bus into the store, against what the server had answered.

What an instrumentation did not send is listed per directory in ``NOT_SENT``, as a value of the row.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from driftline_store.content import plain_text
from ingest_support import FIXTURES, captured, captured_logs, span_ids

if TYPE_CHECKING:
    from ingest_support import Pipeline
    from stored_captures import Stored

GENAI = "otel-genai-openai-1.3b0"
NO_CONTENT = "otel-genai-openai-1.3b0-nocontent"
EVENT_ONLY = "otel-genai-openai-1.3b0-event_only"
OPENAI_V2 = "otel-openai-v2-2.4b0-latest"
OPENINFERENCE = "openinference-openai-0.1.66"
ALL = (GENAI, NO_CONTENT, EVENT_ONLY, OPENAI_V2, OPENINFERENCE)

CHAT = {
    "operation": "chat",
    "is_call": True,
    "is_request": True,
    "provider": "openai",
    "request_model": "gpt-4o-mini",
    "response_model": "gpt-4o-mini-2024-07-18",
    "model": "gpt-4o-mini-2024-07-18",
    "service": "checkout-bot",
    "environment": "test",
    "release": "1.4.2",
    "input_tokens": 142,
    "output_tokens": 48,
    "cache_read_tokens": 64,
    "reasoning_tokens": 16,
    # (142 - 64) * 0.15 + 64 * 0.075 + 48 * 0.60 USD per million tokens
    "cost": Decimal("0.0000453"),
    "finish_reason": "stop",
    "is_error": False,
    "error_class": "",
}

NOT_SENT: dict[str, dict[str, Any]] = {
    # Knows neither cached nor reasoning tokens, so the cached ones cost the full price: 142 * 0.15 + 48 * 0.60.
    OPENAI_V2: {"cache_read_tokens": None, "reasoning_tokens": None, "cost": Decimal("0.0000501")},
}
WITH_RESPONSE_ID = (GENAI, NO_CONTENT, EVENT_ONLY, OPENAI_V2)
WITH_CONTENT_ON_SPANS = (GENAI, OPENAI_V2, OPENINFERENCE)


def assert_row(row: dict[str, Any], expected: dict[str, Any]) -> None:
    assert {name: row[name] for name in expected} == expected


@pytest.mark.parametrize("directory", ALL)
@pytest.mark.parametrize("case", ["chat", "chat_stream", "chat_async_stream", "chat_multimodal", "chat_tool_result"])
def test_a_chat_has_the_model_tokens_and_cost_that_the_server_gave(stored: Stored, directory: str, case: str) -> None:
    assert_row(stored.first(directory, case), CHAT | NOT_SENT.get(directory, {}))


@pytest.mark.parametrize("directory", ALL)
def test_the_response_id_is_kept_where_it_was_sent(stored: Stored, directory: str) -> None:
    row = stored.first(directory, "chat")
    assert row["response_id"].startswith("chatcmpl-") is (directory in WITH_RESPONSE_ID)


@pytest.mark.parametrize("directory", ALL)
def test_content_is_readable_where_it_was_sent(stored: Stored, directory: str) -> None:
    row = stored.first(directory, "chat")
    if directory not in WITH_CONTENT_ON_SPANS:
        assert (row["input"], row["output"]) == ("", "")
        return
    assert "What is the capital of France?" in plain_text(row["input"])
    assert plain_text(row["output"]).endswith("Paris is the capital of France.")


@pytest.mark.parametrize("directory", [GENAI, OPENINFERENCE])
def test_the_responses_api_reads_like_a_chat(stored: Stored, directory: str) -> None:
    row = stored.first(directory, "responses")
    finish = {} if directory == GENAI else {"finish_reason": ""}  # OpenInference sends none for responses
    assert_row(row, CHAT | finish)
    assert "Paris is the capital of France." in plain_text(row["output"])
    assert "terse geography assistant" in plain_text(row["system"]) + plain_text(row["input"])


@pytest.mark.parametrize("directory", ALL)
@pytest.mark.parametrize("case", ["chat_stream", "chat_async_stream"])
def test_a_stream_has_its_time_to_first_token_in_seconds(stored: Stored, directory: str, case: str) -> None:
    row = stored.first(directory, case)
    # The server waited some 20 ms before its first chunk.
    if directory == OPENAI_V2:
        assert row["time_to_first_token"] is None, "this instrumentation sends none"
    else:
        assert 0.015 < row["time_to_first_token"] < row["duration"]


@pytest.mark.parametrize("directory", ALL)
def test_an_answer_without_stream_has_no_time_to_first_token(stored: Stored, directory: str) -> None:
    assert stored.first(directory, "chat")["time_to_first_token"] is None


@pytest.mark.parametrize("directory", ALL)
@pytest.mark.parametrize(
    ("case", "error_class", "kind"),
    [("chat_error_429", "rate_limit", "RateLimitError"), ("chat_timeout", "timeout", "APITimeoutError")],
)
def test_an_error_has_its_class_and_no_cost(
    stored: Stored, directory: str, case: str, error_class: str, kind: str
) -> None:
    row = stored.first(directory, case)
    assert_row(row, {"is_error": True, "error_class": error_class, "cost": None, "model": "gpt-4o-mini"})
    assert row["error_type"].rpartition(".")[2] == kind
    assert row["error_message"]


@pytest.mark.parametrize("directory", [GENAI, NO_CONTENT, EVENT_ONLY, OPENINFERENCE])
def test_session_user_and_prompt_version_are_kept(stored: Stored, directory: str) -> None:
    row = stored.first(directory, "chat_session")
    assert_row(row, {"session_id": "conv-7f3a", "user_id": "user-42", "prompt_version": "v3"})
    # OpenInference has no attribute for the name of a prompt.
    assert row["prompt_name"] == ("" if directory == OPENINFERENCE else "geo-answer")


@pytest.mark.parametrize("directory", ALL)
@pytest.mark.parametrize("case", ["chat_stream_abandoned", "chat_stream_no_usage"])
def test_without_usage_the_cost_is_unknown_and_counted_as_such(stored: Stored, directory: str, case: str) -> None:
    row = stored.first(directory, case)
    assert_row(row, {"input_tokens": None, "output_tokens": None, "cost": None, "is_error": False})
    assert stored.sums(directory, case)["unpriced_calls"] == 1


@pytest.mark.parametrize("directory", ALL)
def test_embeddings_are_calls_of_their_own_kind(stored: Stored, directory: str) -> None:
    row = stored.first(directory, "embeddings")
    assert_row(row, {"operation": "embeddings", "is_call": True, "input_tokens": 9, "output_tokens": None})
    assert row["cost"] == Decimal("0.00000018")  # 9 * 0.02 USD per million


@pytest.mark.parametrize("directory", [GENAI, NO_CONTENT, EVENT_ONLY, OPENINFERENCE])
def test_an_agent_is_one_request_whose_calls_alone_are_billed(stored: Stored, directory: str) -> None:
    found = stored.all(directory, "agent_tool_call")
    sums = stored.sums(directory, "agent_tool_call")
    calls = [row for row in found if row["is_call"]]
    assert (sums["requests"], sums["calls"]) == (1, len(calls))
    assert sums["input_tokens"] == 142 * len(calls)
    assert sums["cost"] == Decimal("0.0000453") * len(calls)
    tools = [row for row in found if row["operation"] == "execute_tool"]
    assert [tool["tool_name"] for tool in tools] == ["get_weather"]


@pytest.mark.parametrize("directory", ALL)
def test_a_tool_call_is_its_finish_reason_and_content(stored: Stored, directory: str) -> None:
    row = stored.first(directory, "chat_tool_call")
    assert row["finish_reason"] == "tool_calls"
    if directory in WITH_CONTENT_ON_SPANS:
        assert "get_weather" in plain_text(row["output"])


def test_content_of_log_events_is_stored_under_its_span(pipeline: Pipeline) -> None:
    message = captured(EVENT_ONLY, "chat")
    pipeline.send(message)
    pipeline.send_logs(captured_logs(EVENT_ONLY, "chat"))
    [(trace_id, span_id)] = span_ids(message)
    [row] = pipeline.rows("SELECT * FROM llm_content")
    assert (row["trace_id"], row["span_id"]) == (trace_id, span_id)
    assert "What is the capital of France?" in plain_text(row["input"])
    assert plain_text(row["output"]).endswith("Paris is the capital of France.")


def test_structured_attribute_values_are_content_too(stored: Stored) -> None:
    row = stored.first("synthetic-structured-anyvalue", "chat")
    assert "capital of France" in plain_text(row["input"])
    assert "Paris" in plain_text(row["output"])


def test_every_span_of_every_captured_request_is_stored_once(pipeline: Pipeline) -> None:
    messages = [path.read_bytes() for path in sorted(FIXTURES.glob("*/*.otlp.pb"))]
    pipeline.send(*messages)
    sent = sorted(ids for message in messages for ids in span_ids(message))
    stored_ids = pipeline.rows("SELECT trace_id, span_id FROM llm_spans ORDER BY trace_id, span_id")
    assert [(row["trace_id"], row["span_id"]) for row in stored_ids] == sent
    assert pipeline.rows("SELECT count() AS n FROM dead_letters") == [{"n": 0}]


def test_attributes_without_a_column_are_kept_with_their_values(stored: Stored) -> None:
    row = stored.first(GENAI, "chat")
    assert row["attributes"]["server.port"] == "18099"
    assert row["attributes"]["gen_ai.request.temperature"] == "0.2"
    assert "gen_ai.input.messages" not in row["attributes"]
