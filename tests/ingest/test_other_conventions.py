"""Older and rarer modes of instrumentations, as single spans made by hand."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from driftline_store.content import plain_text
from made_spans import NOW, SPAN, TRACE, Made, any_value, attributes, made, request

if TYPE_CHECKING:
    from ingest_support import Pipeline

Row = dict[str, Any]

NO_OPERATION = {"gen_ai.operation.name": ""}
SNAPSHOT = "gpt-4o-mini-2024-07-18"
CALL = {
    "operation": "chat",
    "is_call": True,
    "provider": "openai",
    "model": SNAPSHOT,
    "input_tokens": 142,
    "output_tokens": 48,
    "finish_reason": "stop",
}


def stored(pipeline: Pipeline, values: dict[str, Any], scope: str = "", **fields: Any) -> dict[str, Any]:
    pipeline.send(request(NO_OPERATION | values, scope, **fields))
    assert pipeline.rows("SELECT * FROM dead_letters") == []
    [row] = pipeline.rows("SELECT * FROM llm_spans")
    return row


def one(values: dict[str, Any], scope: str = "", **fields: Any) -> Made:
    return made(NO_OPERATION | values, scope, **fields)


def each(key: str, *values: Any, **others: Any) -> list[Made]:
    """Spans that differ in one attribute."""
    return [one({**others, key: value}) for value in values]


def assert_row(row: dict[str, Any], expected: dict[str, Any]) -> None:
    assert {name: row[name] for name in expected} == expected


def test_openllmetry_with_indexed_prompts(pipeline: Pipeline) -> None:
    row = stored(
        pipeline,
        {
            "llm.request.type": "chat",
            "gen_ai.system": "OpenAI",
            "gen_ai.request.model": "gpt-4o-mini",
            "gen_ai.response.model": SNAPSHOT,
            "gen_ai.usage.prompt_tokens": 142,
            "gen_ai.usage.completion_tokens": 48,
            "gen_ai.usage.cache_read_input_tokens": 64,
            "gen_ai.prompt.0.role": "user",
            "gen_ai.prompt.0.content": "Capital of France?",
            "gen_ai.completion.0.role": "assistant",
            "gen_ai.completion.0.content": "Paris.",
            "gen_ai.completion.0.finish_reason": "stop",
            "gen_ai.prompt.name": "geo",
            "gen_ai.prompt.variable.country": "France",
        },
        "opentelemetry.instrumentation.openai.v1",
    )
    assert_row(row, CALL | {"cost": Decimal("0.0000453"), "prompt_name": "geo"})
    assert (plain_text(row["input"]), plain_text(row["output"])) == ("Capital of France?", "Paris.")
    assert row["attributes"] == {"gen_ai.prompt.variable.country": "France"}


VERCEL = {
    "ai.model.id": "gpt-4o-mini",
    "ai.model.provider": "openai.chat",
    "ai.telemetry.functionId": "geo-answer",
    "ai.telemetry.metadata.sessionId": "conv-7f3a",
    "ai.telemetry.metadata.userId": "user-42",
    "ai.response.text": "Paris.",
    "ai.response.finishReason": "stop",
    "ai.usage.inputTokens": 142,
    "ai.usage.outputTokens": 48,
    "ai.usage.cachedInputTokens": 64,
    "ai.usage.reasoningTokens": 16,
}


@pytest.mark.parametrize(
    "row",
    [
        one(
            VERCEL
            | {
                "ai.operationId": operation,
                "ai.response.model": SNAPSHOT,
                "ai.response.msToFirstChunk": 250,
                "ai.prompt.messages": '[{"role": "user", "content": [{"type": "text", "text": "Capital of France?"}]}]',
            },
            "ai",
        )
        for operation in ("ai.generateText.doGenerate", "ai.streamText.doStream")
    ],
    indirect=True,
)
def test_the_vercel_ai_sdk_before_it_spoke_opentelemetry(row: Row) -> None:
    assert_row(row, CALL | {"cost": Decimal("0.0000453"), "reasoning_tokens": 16, "time_to_first_token": 0.25})
    assert_row(row, {"session_id": "conv-7f3a", "user_id": "user-42", "feature": "geo-answer"})
    assert (plain_text(row["input"]), plain_text(row["output"])) == ("Capital of France?", "Paris.")


@pytest.mark.parametrize("operation", ["ai.generateText", "ai.streamText", "ai.generateObject", "ai.embedMany"])
def test_the_vercel_ai_sdk_repeats_usage_on_parents_that_are_not_billed(pipeline: Pipeline, operation: str) -> None:
    row = stored(pipeline, VERCEL | {"ai.operationId": operation, "ai.prompt": '{"prompt":"Hi"}'}, "ai")
    assert_row(row, {"is_call": False, "is_request": True, "cost": None})
    assert plain_text(row["input"]) == "Hi"
    assert (pipeline.sums()["calls"], pipeline.sums()["cost"]) == (0, 0)


def test_an_embedding_and_a_tool_of_the_vercel_ai_sdk(pipeline: Pipeline) -> None:
    embedding = {"ai.operationId": "ai.embed.doEmbed", "ai.model.id": "text-embedding-3-small", "ai.usage.tokens": 9}
    pipeline.send(request(NO_OPERATION | embedding | {"ai.model.provider": "openai.embedding"}, "ai"))
    tool = {"ai.operationId": "ai.toolCall", "ai.toolCall.name": "get_weather", "ai.toolCall.args": '{"a":1}'}
    pipeline.send(request(NO_OPERATION | tool | {"ai.toolCall.result": "rainy"}, "ai"))
    call, used = pipeline.rows("SELECT * FROM llm_spans ORDER BY operation")
    assert_row(call, {"operation": "embeddings", "provider": "openai", "cost": Decimal("0.00000018")})
    assert_row(used, {"operation": "execute_tool", "tool_name": "get_weather", "input": '{"a":1}', "output": "rainy"})


def test_an_answer_of_the_vercel_ai_sdk_with_tool_calls(pipeline: Pipeline) -> None:
    calls = '[{"toolCallId":"c1","toolName":"get_weather","args":"{}"}]'
    values = {"ai.operationId": "ai.streamText.doStream", "ai.response.toolCalls": calls}
    row = stored(pipeline, values | {"ai.response.finishReason": "tool-calls"})
    assert plain_text(row["output"]) == "[calls get_weather({})]"
    assert row["finish_reason"] == "tool_calls"


@pytest.mark.parametrize(
    ("row", "is_call"),
    [
        (made({"gen_ai.operation.name": "embeddings"}, "gen_ai", parent_span_id=b"parent--", failed=failed), is_call)
        for failed, is_call in ((False, False), (True, True))
    ],
    indirect=["row"],
)
def test_an_embedding_around_an_embedding_is_none_unless_it_is_the_one_that_failed(row: Row, is_call: bool) -> None:
    assert row["is_call"] is is_call


def test_openlit_with_content_in_span_events_and_defaults_as_data(pipeline: Pipeline) -> None:
    events = {
        "gen_ai.content.prompt": {"gen_ai.prompt": "user: Capital of France?"},
        "gen_ai.content.completion": {"gen_ai.completion": "Paris."},
    }
    values = {
        "gen_ai.operation.name": "chat",
        "gen_ai.system": "openai",
        "gen_ai.request.model": "gpt-4o-mini",
        "gen_ai.request.is_stream": True,
        "gen_ai.request.user": "",
        "gen_ai.request.seed": "",
        "gen_ai.usage.input_tokens": 41,
        "gen_ai.usage.output_tokens": 16,
        "gen_ai.usage.cost": 0,
        "gen_ai.server.time_to_first_token": 0.02,
        "gen_ai.response.finish_reasons": ["stop"],
    }
    row = stored(pipeline, values, "openlit.otel.tracing", events=events)
    assert_row(row, {"user_id": "", "reported_cost": None, "tokens_estimated": True, "time_to_first_token": 0.02})
    assert (row["input"], row["output"]) == ("user: Capital of France?", "Paris.")


FIRST_TOKEN = {"gen_ai.operation.name": "chat", "gen_ai.server.time_to_first_token": 0.5}


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (one(FIRST_TOKEN | {"gen_ai.request.stream": True}), 0.5),
        (one(FIRST_TOKEN | {"gen_ai.request.stream": False}), None),
        (one(FIRST_TOKEN), None),
    ],
    indirect=["row"],
)
def test_openlits_first_token_counts_only_if_streaming(row: Row, expected: float | None) -> None:
    assert row["time_to_first_token"] == expected


def test_pydantic_ai_with_events_in_an_attribute(pipeline: Pipeline) -> None:
    events = [
        {"event.name": "gen_ai.user.message", "role": "user", "content": "Capital of France?"},
        {"event.name": "gen_ai.choice", "index": 0, "message": {"role": "assistant", "content": "Paris."}},
    ]
    row = stored(pipeline, {"gen_ai.operation.name": "chat", "events": json.dumps(events)}, "pydantic-ai")
    assert (plain_text(row["input"]), plain_text(row["output"])) == ("Capital of France?", "Paris.")


def test_an_agent_run_of_pydantic_ai_repeats_usage_and_is_the_request(pipeline: Pipeline) -> None:
    values = {"gen_ai.usage.input_tokens": 142, "gen_ai.usage.output_tokens": 48, "agent_name": "geo"}
    row = stored(pipeline, values, "pydantic-ai", name="agent run")
    assert_row(row, {"operation": "invoke_agent", "is_call": False, "is_request": True})


def test_logfire_with_whole_requests_and_responses(pipeline: Pipeline) -> None:
    asked = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Capital of France?"}]}
    answered = {"message": {"role": "assistant", "content": "Paris."}, "usage": {"prompt_tokens": 142}}
    values = {"request_data": json.dumps(asked), "response_data": json.dumps(answered), "logfire.span_type": "span"}
    usage = {"gen_ai.usage.input_tokens": 142, "gen_ai.request.model": "gpt-4o-mini", "gen_ai.system": "openai"}
    row = stored(pipeline, values | usage, "logfire.openai", name="Chat Completion with {request_data[model]!r}")
    assert_row(row, {"operation": "chat", "is_call": True, "is_request": True, "input_tokens": 142})
    assert (plain_text(row["input"]), plain_text(row["output"])) == ("Capital of France?", "Paris.")


def test_the_pending_span_of_logfire_is_neither_call_nor_request(pipeline: Pipeline) -> None:
    values = {"gen_ai.operation.name": "chat", "logfire.span_type": "pending_span"}
    assert_row(stored(pipeline, values, "logfire.openai"), {"is_call": False, "is_request": False})


STARTED = "langfuse.observation.completion_start_time"


@pytest.mark.parametrize(
    "row",
    each(
        STARTED,
        '"yesterday"',
        '"',
        "[]",
        '"9999999999999999999"',
        '"1066-10-14T00:00:00Z"',
        "\x00",
        '"2026-99-99T99:99"',
    ),
    indirect=True,
)
def test_a_first_token_at_no_time_is_unknown(row: Row) -> None:
    assert row["time_to_first_token"] is None


@pytest.mark.parametrize(
    "row",
    each(
        "langfuse.observation.usage_details",
        *("", "{", "[]", "null", '{"input": {"x": 1}}', '{"input": -1}', '"x"', "\x00"),
        **{"langfuse.observation.type": "generation"},
    ),
    indirect=True,
)
def test_usage_that_is_none_is_unknown(row: Row) -> None:
    assert_row(row, {"is_call": True, "input_tokens": None, "cost": None})


@pytest.mark.parametrize(
    "row",
    each(
        "events",
        *("", "[", "event.name", '["event.name"]', '[{"event.name": 1}]', '{"event.name": []}'),
        **{"gen_ai.operation.name": "chat"},
    ),
    indirect=True,
)
def test_events_that_are_none_stop_nothing(row: Row) -> None:
    assert row["is_call"]


@pytest.mark.parametrize(
    ("row", "provider"),
    [
        (one({"langfuse.observation.model.name": model}), provider)
        for model, provider in (
            ("claude-sonnet-4-5", "anthropic"),
            ("GPT-4o", "openai"),
            ("gemini-2.5-pro", "gcp.gemini"),
            ("our-own-7b", ""),
        )
    ],
    indirect=["row"],
)
def test_a_provider_that_was_not_named_is_known_by_its_model(row: Row, provider: str) -> None:
    assert row["provider"] == provider


@pytest.mark.parametrize(
    ("row", "provider"),
    [
        (one({"gen_ai.system": sent}), provider)
        for sent, provider in (
            ("openai.responses", "openai"),
            ("azure-openai.chat", "azure.ai.openai"),
            ("amazon-bedrock", "aws.bedrock"),
            ("google.generative-ai", "gcp.gemini"),
            ("aws.bedrock", "aws.bedrock"),
            ("azure.ai.openai", "azure.ai.openai"),
            ("Anthropic", "anthropic"),
        )
    ],
    indirect=["row"],
)
def test_a_provider_has_opentelemetrys_name(row: Row, provider: str) -> None:
    assert row["provider"] == provider


@pytest.mark.parametrize(
    "row", each(STARTED, NOW / 1e9 + 0.25, NOW / 1e9 + 10**12, **{"gen_ai.operation.name": "chat"}), indirect=True
)
def test_a_number_where_a_written_time_is_expected_stops_nothing(row: Row) -> None:
    assert row["is_call"]


@pytest.mark.parametrize("as_attribute", [True, False])
def test_one_log_event_for_each_message_is_one_conversation(pipeline: Pipeline, as_attribute: bool) -> None:
    message = ExportLogsServiceRequest()
    records = message.resource_logs.add().scope_logs.add().log_records
    for name, body in (
        ("gen_ai.system.message", {"content": "Be terse."}),
        ("gen_ai.user.message", {"content": "Capital of France?"}),
        ("gen_ai.choice", {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Paris."}}),
    ):
        record = records.add(time_unix_nano=NOW, trace_id=TRACE, span_id=SPAN, body=any_value(body))
        if as_attribute:
            record.attributes.extend(attributes({"event.name": name}))
        else:
            record.event_name = name
    pipeline.send_logs(message.SerializeToString())
    [row] = pipeline.rows("SELECT * FROM llm_content")
    assert (row["trace_id"], row["span_id"]) == (TRACE.hex(), SPAN.hex())
    assert plain_text(row["input"]) == "system: Be terse.\n\nuser: Capital of France?"
    assert plain_text(row["output"]) == "Paris."
