"""Content columns as messages: the shapes that instrumentations send, and whatever else may come."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

from driftline_store.content import ChatMessage, ToolCall, ToolResult, decode, plain_text

FIXTURES = Path(__file__).parents[1] / "fixtures"
OTEL = "otel-genai-openai-1.3b0"
OPENINFERENCE = "openinference-openai-0.1.66"
PARIS = "Paris is the capital of France."


def attributes(path: str) -> dict[str, AnyValue]:
    """Attributes of the call in a captured request."""
    request = ExportTraceServiceRequest.FromString((FIXTURES / f"{path}.otlp.pb").read_bytes())
    spans = [s for resource in request.resource_spans for scope in resource.scope_spans for s in scope.spans]
    calls = [{pair.key: pair.value for pair in span.attributes} for span in spans]
    return next(c for c in calls if "gen_ai.output.messages" in c or "llm.output_messages.0.message.role" in c)


def column(value: AnyValue) -> str:
    """As the view stores a content attribute."""
    if value.HasField("array_value"):
        return "otlp-array:" + base64.b64encode(value.array_value.SerializeToString()).decode()
    if value.HasField("kvlist_value"):
        return "otlp-kvlist:" + base64.b64encode(value.kvlist_value.SerializeToString()).decode()
    return value.string_value


def otel(case: str, key: str) -> str:
    return column(attributes(f"{OTEL}/{case}")[key])


def openinference(case: str, side: str) -> str:
    prefix = f"llm.{side}_messages."
    found = attributes(f"{OPENINFERENCE}/{case}")
    return json.dumps({key: value.string_value for key, value in found.items() if key.startswith(prefix)})


@pytest.mark.parametrize("case", ["chat", "chat_stream", "chat_async_stream", "responses"])
def test_captured_answers(case: str) -> None:
    for content in (otel(case, "gen_ai.output.messages"), openinference(case, "output")):
        *before, answer = decode(content)
        assert (answer.role, answer.text.strip()) == ("assistant", PARIS)
        assert not any(str(message) for message in before), "at most reasoning of which nothing is told"


def test_tool_conversation_reads_the_same_in_both_conventions() -> None:
    result = ToolResult("call_abc123", "rainy, 14C")
    call = ToolCall("call_abc123", "get_weather", '{"location": "Paris"}')
    for content, asked in (
        (otel("chat_tool_result", "gen_ai.input.messages"), call),
        (openinference("chat_tool_result", "input"), ToolCall(call.id, call.name, '{"location":"Paris"}')),
    ):
        assert decode(content) == [
            ChatMessage("user", "Weather in Paris?"),
            ChatMessage("assistant", tool_calls=(asked,)),
            ChatMessage("tool", tool_results=(result,)),
        ]


def test_images_are_told_not_shown() -> None:
    for content in (
        otel("chat_multimodal", "gen_ai.input.messages"),
        openinference("chat_multimodal", "input"),
        attributes(f"{OPENINFERENCE}/chat_multimodal")["input.value"].string_value,
    ):
        (message,) = decode(content)
        assert message.text == "What is in this image?"
        assert message.attachments[0].startswith("[image/png, 7")
        assert "iVBOR" not in plain_text(content)


def test_system_instructions_are_a_list_of_parts() -> None:
    content = otel("responses_tool_call", "gen_ai.system_instructions")
    assert decode(content, role="system") == [ChatMessage("system", "You are a terse geography assistant.")]
    assert plain_text(content) == "You are a terse geography assistant."


@pytest.mark.parametrize("case", ["chat", "responses", "chat_tool_call", "responses_tool_call"])
def test_whole_bodies(case: str) -> None:
    """Of OpenAI's APIs, as ``input.value`` and ``output.value`` hold them."""
    found = attributes(f"{OPENINFERENCE}/{case}")
    question = decode(found["input.value"].string_value)
    assert question[-1].role == "user"
    assert question[-1].text
    *_, answer = decode(found["output.value"].string_value, role="assistant")
    assert answer.role == "assistant"
    assert answer.text == PARIS or answer.tool_calls[0].name == "get_weather"


def test_structured_values() -> None:
    found = attributes("synthetic-structured-anyvalue/chat")
    assert decode(column(found["gen_ai.input.messages"])) == [ChatMessage("user", "What is the capital of France?")]
    call = ToolCall("c1", "f", '{"x": 1, "y": [true, null, 1.5]}')
    assert decode(column(found["gen_ai.output.messages"])) == [ChatMessage("assistant", "Paris.", tool_calls=(call,))]


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ({"type": "reasoning", "content": "hm"}, ChatMessage("assistant", reasoning="hm")),
        ({"type": "refusal", "content": "no"}, ChatMessage("assistant", "no")),
        (
            {"type": "tool_call", "id": "1", "name": "f", "arguments": '{"a":1}'},
            ChatMessage("assistant", tool_calls=(ToolCall("1", "f", '{"a":1}'),)),
        ),
        (
            {"type": "tool_call_response", "id": "1", "result": {"a": 1}},
            ChatMessage("assistant", tool_results=(ToolResult("1", '{"a": 1}'),)),
        ),
        (
            {"type": "tool_result", "tool_use_id": "1", "content": [{"type": "text", "text": "x"}]},
            ChatMessage("assistant", tool_results=(ToolResult("1", "x"),)),
        ),
        (
            {"type": "blob", "mime_type": "image/png", "content": "A" * 16_000},
            ChatMessage("assistant", attachments=("[image/png, 12 kB]",)),
        ),
        (
            {"type": "blob", "modality": "image", "mime_type": "image/png", "content": ""},
            ChatMessage("assistant", attachments=("[image/png]",)),
        ),
        (
            {"type": "blob", "modality": "image", "mime_type": "image/png", "size": 12_000, "sha256": "0f"},
            ChatMessage("assistant", attachments=("[image/png, 12 kB]",)),
        ),
        (
            {"type": "uri", "modality": "image", "uri": "https://x.test/a.png"},
            ChatMessage("assistant", attachments=("[image: https://x.test/a.png]",)),
        ),
        ({"type": "file", "file_id": "f1"}, ChatMessage("assistant", attachments=("[file: f1]",))),
        (
            {"type": "input_audio", "input_audio": {"format": "wav", "data": "AAAA"}},
            ChatMessage("assistant", attachments=("[audio/wav, 3 B]",)),
        ),
        (
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}},
            ChatMessage("assistant", attachments=("[image/png, 3 B]",)),
        ),
        ({"type": "odd", "a": 1}, ChatMessage("assistant", '{"type": "odd", "a": 1}')),
    ],
)
def test_parts(part: dict[str, Any], expected: ChatMessage) -> None:
    assert decode(json.dumps([{"role": "assistant", "parts": [part]}])) == [expected]


@pytest.mark.parametrize(
    "text",
    [
        "plain",
        '{"answer": 42}',
        '{"role": "admin", "id": 1}',
        '{"output": "x", "score": 1}',
        "[1, 2]",
        '["a", "b"]',
        '[{"role": "us',
        "otlp-array:is what it begins with",
        "otlp-kvlist:////",
        "42",
        '"quoted"',
    ],
)
def test_what_is_no_convention_is_shown_untouched(text: str) -> None:
    assert decode(text, role="assistant") == [ChatMessage("assistant", text)]
    assert plain_text(text) == text


def test_messages_are_named_by_role_when_there_are_several() -> None:
    said = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b", "refusal": None}]
    assert plain_text(json.dumps(said)) == "user: a\n\nassistant: b"
    assert plain_text("") == ""


WEATHER = ToolCall("c1", "get_weather", '{"location": "Paris"}')
ASKS = ChatMessage("assistant", tool_calls=(WEATHER,))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param(
            {
                "gen_ai.prompt.10.content": "later",
                "gen_ai.prompt.10.role": "user",
                "gen_ai.prompt.2.role": "user",
                "gen_ai.prompt.2.content": '[{"type": "text", "text": "first"}]',
            },
            [ChatMessage("user", "first"), ChatMessage("user", "later")],
            id="OpenLLMetry's indexed prompts",
        ),
        pytest.param(
            {
                "gen_ai.completion.0.role": "assistant",
                "gen_ai.completion.0.finish_reason": "tool_calls",
                "gen_ai.completion.0.tool_calls.0.id": "c1",
                "gen_ai.completion.0.tool_calls.0.name": "get_weather",
                "gen_ai.completion.0.tool_calls.0.arguments": '{"location": "Paris"}',
            },
            [ASKS],
            id="OpenLLMetry's indexed completion",
        ),
        pytest.param(
            {"system": "Be terse.", "messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}]},
            [ChatMessage("system", "Be terse."), ChatMessage("user", "Hi")],
            id="Vercel's prompt of messages",
        ),
        pytest.param({"prompt": "Hi"}, [ChatMessage("user", "Hi")], id="Vercel's prompt of text"),
        pytest.param(
            {
                "ai.response.text": "",
                "ai.response.toolCalls": '[{"toolCallId": "c1", "toolName": "get_weather", '
                '"args": "{\\"location\\": \\"Paris\\"}"}]',
            },
            [ASKS],
            id="Vercel's answer with calls",
        ),
        pytest.param(
            [
                {
                    "role": "assistant",
                    "content": [
                        {
                            "type": "tool-call",
                            "toolCallId": "c1",
                            "toolName": "get_weather",
                            "input": {"location": "Paris"},
                        }
                    ],
                },
                {
                    "role": "tool",
                    "content": [
                        {
                            "type": "tool-result",
                            "toolCallId": "c1",
                            "toolName": "get_weather",
                            "output": {"type": "text", "value": "rainy"},
                        }
                    ],
                },
            ],
            [ASKS, ChatMessage("tool", tool_results=(ToolResult("c1", "rainy"),))],
            id="Vercel's tool messages",
        ),
        pytest.param(
            [{"role": "user", "content": [{"type": "file", "mediaType": "image/png", "data": "A" * 16_000}]}],
            [ChatMessage("user", attachments=("[image/png, 12 kB]",))],
            id="Vercel's file",
        ),
        pytest.param(
            {"message": {"role": "assistant", "content": "Paris"}, "usage": {"prompt_tokens": 1}},
            [ChatMessage("assistant", "Paris")],
            id="Logfire's response",
        ),
        pytest.param(
            {"combined_chunk_content": "Paris", "chunk_count": 3},
            [ChatMessage("assistant", "Paris")],
            id="Logfire's streamed response",
        ),
        pytest.param(
            [
                {"content": "Be terse.", "role": "system", "event.name": "gen_ai.system.message"},
                {"content": "Hi", "event.name": "gen_ai.user.message"},
                {"index": 0, "message": {"role": "assistant", "content": "Yo"}, "event.name": "gen_ai.choice"},
            ],
            [ChatMessage("system", "Be terse."), ChatMessage("user", "Hi"), ChatMessage("assistant", "Yo")],
            id="events as a list",
        ),
        pytest.param(
            {"tools": [], "input": [{"role": "user", "content": "Hi"}]},
            [ChatMessage("user", "Hi")],
            id="Langfuse's input with tools",
        ),
        pytest.param(
            {"type": "function_call", "call_id": "c1", "name": "get_weather", "arguments": '{"location": "Paris"}'},
            [ChatMessage("assistant", tool_calls=(WEATHER,))],
            id="a call alone",
        ),
    ],
)
def test_shapes_of_other_instrumentations(content: object, expected: list[ChatMessage]) -> None:
    assert decode(json.dumps(content), role="assistant") == expected


OTEL_KEYS = ("role", "content", "parts", "type", "text", "arguments", "id", "url")
OPENAI_KEYS = (
    "tool_calls",
    "function",
    "messages",
    "choices",
    "message",
    "model",
    "input",
    "output",
    "refusal",
)
OTHER_KEYS = ("image_url", "source", "data", "input_audio", "tool_call_id")
FLAT_KEYS = (
    "llm.input_messages.0.message.role",
    "llm.input_messages.0.message",
    "llm.input_messages.x.message.y",
    "llm.output_messages.10.message.contents.0.message_content.type",
    "gen_ai.prompt.0.content",
    "gen_ai.prompt.0.tool_calls.0.name",
    "gen_ai.completion.0",
    "ai.response.text",
    "ai.response.toolCalls",
    "event.name",
)
KEYS = st.sampled_from(OTEL_KEYS + OPENAI_KEYS + OTHER_KEYS + FLAT_KEYS)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(KEYS | st.text(), inner),
    max_leaves=20,
)
KINDS = st.sampled_from(["text", "reasoning", "tool_call", "tool_result", "blob", "uri", "image"])
LOOSE = st.dictionaries(KEYS, JSON | KINDS, min_size=1)
STRUCTURED = st.sampled_from(["otlp-array:", "otlp-kvlist:"])


def any_value(value: Any) -> AnyValue:
    if isinstance(value, dict):
        boxed = AnyValue()
        boxed.kvlist_value.SetInParent()
        for key, inner in value.items():
            boxed.kvlist_value.values.add(key=key).value.CopyFrom(any_value(inner))
        return boxed
    if isinstance(value, list):
        boxed = AnyValue()
        boxed.array_value.SetInParent()
        boxed.array_value.values.extend(any_value(inner) for inner in value)
        return boxed
    if isinstance(value, bytes):
        return AnyValue(bytes_value=value)
    return AnyValue(string_value=value) if isinstance(value, str) else AnyValue()


@given(st.text() | st.builds(str.__add__, STRUCTURED, st.text()))
def test_never_raises_on_text(text: str) -> None:
    assert isinstance(plain_text(text), str)
    assert plain_text(text) or text in {"", "otlp-array:", "otlp-kvlist:"}


@given(JSON | LOOSE | st.lists(LOOSE))
def test_never_raises_on_json(value: object) -> None:
    plain_text(json.dumps(value)).encode()


@given(st.binary(), STRUCTURED)
def test_never_raises_on_bytes(data: bytes, prefix: str) -> None:
    plain_text(prefix + base64.b64encode(data).decode()).encode()


@given(st.dictionaries(KEYS, st.binary() | st.text(alphabet="ab{") | st.lists(st.binary())))
def test_never_raises_on_structured_values(value: dict[str, Any]) -> None:
    plain_text(column(any_value(value))).encode()


OPENINGS = ["[", '{"role":"user","content":', '{"a":', '[{"type":"tool_result","content":']


@pytest.mark.parametrize("opening", OPENINGS)
def test_deep_nesting_is_survived(opening: str) -> None:
    for depth in (50, 300, 480, 5_000, 100_000):
        closing = "".join({"[": "]", "{": "}"}[c] for c in reversed(opening) if c in "[{")
        assert plain_text(opening * depth + "1" + closing * depth)


CALLS = st.builds(ToolCall, st.text("ab1"), st.text("fg"), st.just('{"a": 1}'))
MESSAGES = st.builds(
    ChatMessage,
    role=st.sampled_from(["system", "user", "assistant"]),
    text=st.text(st.characters(exclude_categories=["Cs"])),
    tool_calls=st.lists(CALLS).map(tuple),
)


def part(call: ToolCall) -> dict[str, Any]:
    return {"type": "tool_call", "id": call.id, "name": call.name, "arguments": json.loads(call.arguments)}


@given(st.lists(MESSAGES, min_size=1))
def test_round_trip(messages: list[ChatMessage]) -> None:
    sent = [
        {"role": m.role, "parts": [{"type": "text", "content": m.text}, *map(part, m.tool_calls)]} for m in messages
    ]
    assert decode(json.dumps(sent)) == messages
