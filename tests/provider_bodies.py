"""What providers answer, in the shape of their APIs' own examples: documents, and the events of streams."""

from __future__ import annotations

from typing import Any

QUESTION = "Where is my parcel?"
ANSWER = "It is on its way."
MODEL = "gpt-4o-mini-2024-07-18"


def chat_chunk(delta: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    """One chunk of OpenAI's chat completions; without a delta, one without choices."""
    finish = changes.pop("finish_reason", None)
    index = changes.pop("index", 0)
    choices = [] if delta is None else [{"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}]
    chunk = {"id": "chatcmpl-2", "object": "chat.completion.chunk", "created": 1, "model": MODEL, "choices": choices}
    return {**chunk, **changes}


CHAT_USAGE = {
    "prompt_tokens": 142,
    "completion_tokens": 48,
    "total_tokens": 190,
    "prompt_tokens_details": {"cached_tokens": 64, "audio_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 16, "audio_tokens": 0},
}

CHAT_CHUNKS = [
    chat_chunk({"role": "assistant", "content": "", "refusal": None}, service_tier="default", usage=None),
    chat_chunk({"content": "It is"}, usage=None),
    chat_chunk({"content": " on its way."}, usage=None),
    chat_chunk({}, finish_reason="stop", usage=None),
    chat_chunk(usage=CHAT_USAGE),
]


def _call(index: int, arguments: str, **first: Any) -> dict[str, Any]:
    function = {"arguments": arguments, **({"name": first.pop("name")} if "name" in first else {})}
    return {"index": index, **first, "function": function}


TOOL_CHUNKS = [
    chat_chunk({"role": "assistant", "content": None}),
    chat_chunk({"tool_calls": [_call(0, "", id="call_1", type="function", name="track")]}),
    chat_chunk({"tool_calls": [_call(0, '{"parc')]}),
    chat_chunk({"tool_calls": [_call(1, "", id="call_2", type="function", name="weather")]}),
    chat_chunk({"tool_calls": [_call(0, 'el": 7}')]}),
    chat_chunk({"tool_calls": [_call(1, '{"city": "Ulm"}')]}),
    chat_chunk({}, finish_reason="tool_calls"),
]

REFUSAL_CHUNKS = [
    chat_chunk({"role": "assistant", "refusal": "I can"}),
    chat_chunk({"refusal": "not help."}),
    chat_chunk({}, finish_reason="stop"),
]

_FILTERED = {"hate": {"filtered": False, "severity": "safe"}}
AZURE_CHUNKS = [
    {
        "id": "",
        "object": "",
        "created": 0,
        "model": "",
        "choices": [],
        "prompt_filter_results": [{"prompt_index": 0, "content_filter_results": _FILTERED}],
    },
    *CHAT_CHUNKS[:2],
    chat_chunk({}, finish_reason="content_filter"),
]


def message_body(**changes: Any) -> dict[str, Any]:
    """An answer of Anthropic's Messages API."""
    body: dict[str, Any] = {
        "id": "msg_01XFDUDYJgAACzvnptvVoYEL",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-5-5",
        "content": [{"type": "text", "text": ANSWER}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {
            "input_tokens": 20,
            "cache_creation_input_tokens": 100,
            "cache_read_input_tokens": 1000,
            "output_tokens": 48,
            "output_tokens_details": {"thinking_tokens": 16},
            "service_tier": "standard",
        },
    }
    return {**body, **changes}


MESSAGE_BLOCKS = [
    {"type": "thinking", "thinking": "Look it up.", "signature": "EqQBCgIYAhIM"},
    {"type": "redacted_thinking", "data": "EmwKAhgBEgy3va3pzix"},
    {"type": "text", "text": ANSWER, "citations": None},
    {"type": "tool_use", "id": "toolu_1", "name": "track", "input": {"parcel": 7}},
    {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "parcel"}},
    {
        "type": "web_search_tool_result",
        "tool_use_id": "srvtoolu_1",
        "content": [
            {
                "type": "web_search_result",
                "title": "Parcels",
                "url": "https://example.org",
                "encrypted_content": "EqgfCioIARgB",
                "page_age": None,
            }
        ],
    },
]


def _block(index: int, block: dict[str, Any], *deltas: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"type": "content_block_start", "index": index, "content_block": block},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]


MESSAGE_EVENTS: list[dict[str, Any]] = [
    {
        "type": "message_start",
        "message": message_body(
            content=[],
            stop_reason=None,
            usage={
                "input_tokens": 20,
                "cache_creation_input_tokens": 100,
                "cache_read_input_tokens": 1000,
                "output_tokens": 1,
                "service_tier": "standard",
            },
        ),
    },
    *_block(
        0,
        {"type": "thinking", "thinking": "", "signature": ""},
        {"type": "thinking_delta", "thinking": "Look "},
        {"type": "thinking_delta", "thinking": "it up."},
        {"type": "signature_delta", "signature": "EqQBCgIYAhIM"},
    ),
    {"type": "ping"},
    *_block(
        1,
        {"type": "text", "text": ""},
        {"type": "text_delta", "text": "It is"},
        {"type": "text_delta", "text": " on its way."},
    ),
    *_block(
        2,
        {"type": "tool_use", "id": "toolu_1", "name": "track", "input": {}},
        {"type": "input_json_delta", "partial_json": '{"parc'},
        {"type": "input_json_delta", "partial_json": 'el": 7}'},
    ),
    {
        "type": "message_delta",
        "delta": {"stop_reason": "tool_use", "stop_sequence": None},
        "usage": {
            "input_tokens": 20,
            "cache_creation_input_tokens": 100,
            "cache_read_input_tokens": 1000,
            "output_tokens": 48,
            "output_tokens_details": {"thinking_tokens": 16},
        },
    },
    {"type": "message_stop"},
]


def gemini_body(parts: list[dict[str, Any]] | None = None, **changes: Any) -> dict[str, Any]:
    """An answer of the Gemini API, or a chunk of one."""
    candidate = {
        "content": {"parts": [{"text": ANSWER}] if parts is None else parts, "role": "model"},
        "finishReason": changes.pop("finishReason", "STOP"),
        "index": 0,
    }
    body: dict[str, Any] = {
        "candidates": [candidate],
        "usageMetadata": {
            "promptTokenCount": 132,
            "candidatesTokenCount": 32,
            "totalTokenCount": 190,
            "cachedContentTokenCount": 64,
            "thoughtsTokenCount": 16,
            "toolUsePromptTokenCount": 10,
            "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 132}],
        },
        "modelVersion": "gemini-2.5-flash",
        "responseId": "gem-1",
    }
    return {**body, **changes}


GEMINI_PARTS: list[dict[str, Any]] = [
    {"text": "Look it up.", "thought": True},
    {"text": ANSWER},
    {"functionCall": {"id": "fc-1", "name": "track", "args": {"parcel": 7}}},
    {"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}},
    {"executableCode": {"language": "PYTHON", "code": "print(7)"}},
    {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "7"}},
]

GEMINI_CHUNKS = [
    gemini_body([{"text": "Look ", "thought": True}], finishReason=None, usageMetadata={"promptTokenCount": 132}),
    gemini_body([{"text": "it up.", "thought": True}], finishReason=None, usageMetadata={"promptTokenCount": 132}),
    gemini_body([{"text": "It is"}], finishReason=None, usageMetadata={"promptTokenCount": 132}),
    gemini_body([{"text": " on its way."}]),
]


def response_events(final: dict[str, Any], ending: str = "completed") -> list[dict[str, Any]]:
    """The events of OpenAI's Responses API that lead to a response.

    Args:
        final: the response in the end.
        ending: what it came to: ``completed``, ``incomplete`` or ``failed``.
    """
    begun = {**final, "status": "in_progress", "output": [], "usage": None}
    reasoning = {"type": "reasoning", "id": "rs_1", "summary": []}
    message = {"type": "message", "id": "msg_1", "role": "assistant", "status": "in_progress", "content": []}
    call = {"type": "function_call", "call_id": "call_1", "name": "track", "arguments": ""}
    part = {"type": "output_text", "text": "", "annotations": []}
    done = dict(enumerate(final["output"]))
    events: list[tuple[str, dict[str, Any]]] = [
        ("created", {"response": begun}),
        ("in_progress", {"response": begun}),
        ("output_item.added", {"output_index": 0, "item": reasoning}),
        ("reasoning_summary_text.delta", {**_at(0, "rs_1"), "summary_index": 0, "delta": "Look it up."}),
        *_done(0, done),
        ("output_item.added", {"output_index": 1, "item": message}),
        ("content_part.added", {**_at(1, "msg_1"), "content_index": 0, "part": part}),
        *(
            ("output_text.delta", {**_at(1, "msg_1"), "content_index": 0, "delta": text, "logprobs": []})
            for text in ("To", "morrow.")
        ),
        *_done(1, done),
        ("output_item.added", {"output_index": 2, "item": call}),
        *(("function_call_arguments.delta", {**_at(2, "fc_1"), "delta": text}) for text in ('{"parc', 'el": 7}')),
        *_done(2, done),
        (ending, {"response": final}),
    ]
    return [
        {"type": f"response.{kind}", "sequence_number": number, **members}
        for number, (kind, members) in enumerate(events)
    ]


def _at(index: int, item: str) -> dict[str, Any]:
    return {"item_id": item, "output_index": index}


def _done(index: int, items: dict[int, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [("output_item.done", {"output_index": index, "item": items[index]})] if index in items else []
