"""Values with the right names and the wrong things under them: whatever comes, something is read and nothing raises."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from driftline.capture import understand
from driftline.capture.inputs import input_messages, request_attributes, request_model, system_instructions
from driftline.capture.result import Result
from driftline.capture.streams import STREAMS
from driftline.frozen import Room, freeze
from driftline.messages import render

NAMES = [
    *("object", "choices", "message", "delta", "index", "finish_reason", "usage", "prompt_tokens", "output_tokens"),
    *("prompt_tokens_details", "cached_tokens", "tool_calls", "function", "arguments", "name", "id", "model", "text"),
    *("type", "role", "content", "stop_reason", "parts", "candidates", "output", "item", "response", "output_index"),
    *("item_id", "summary", "call_id", "input", "messages", "contents", "config", "source", "data", "image_url", "url"),
    *("inline_data", "function_call", "usage_metadata", "response_metadata", "content_block", "status", "args", "file"),
    *("prompt_feedback", "generations", "additional_kwargs", "tool_call_chunks", "refusal", "reasoning_content"),
    *("_raw_response", "_total_usage", "chunk", "system", "instructions", "system_instruction", "reasoning", "stop"),
]
TEXTS = [
    *("chat.completion", "chat.completion.chunk", "text_completion", "response", "list", "embedding", "message"),
    *(
        "text",
        "tool_use",
        "tool_result",
        "image",
        "document",
        "thinking",
        "function_call",
        "reasoning",
        "blob",
        "chunk",
    ),
    *("response.created", "response.completed", "response.output_item.added", "response.output_text.delta", "error"),
    *("message_start", "message_delta", "content_block_start", "content_block_delta", "text_delta", "input_json_delta"),
    *("user", "assistant", "tool", "human", "ai", "completed", "STOP", "", "\ud800", "data:image/png;base64,%"),
]
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.sampled_from(TEXTS),
    st.text(max_size=5),
    st.binary(max_size=5),
)


def _around(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    members = st.dictionaries(st.sampled_from(NAMES), inner, max_size=6)
    return st.one_of(st.lists(inner, max_size=3), members, members.map(lambda found: SimpleNamespace(**found)))


VALUES = st.recursive(SCALARS, _around, max_leaves=25)
MEMBERS = st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=8)


def written(result: Result) -> None:
    text, _ = render(result.messages, 1000, newest_first=False)
    text.encode()
    json.loads(text)
    for key, value in result.call_attributes():
        for text in value if isinstance(value, tuple) else (str(value),):
            assert len(text.encode()) <= 1024, key


@settings(max_examples=40)
@given(MEMBERS)
def test_any_result_is_read_and_written(value: dict[str, Any]) -> None:
    written(understand(value))
    written(understand(SimpleNamespace(**value)))


@pytest.mark.parametrize("make", [make for _, make in STREAMS])
@settings(max_examples=40)
@given(chunks=st.lists(VALUES, min_size=1, max_size=6))
def test_any_chunks_add_up(make: Any, chunks: list[Any]) -> None:
    taken = make()
    for chunk in chunks:
        taken.add(chunk)
    written(taken.result())
    assert taken.result() == taken.result()


@settings(max_examples=40)
@given(MEMBERS)
def test_any_arguments_are_read_and_written(arguments: dict[str, Any]) -> None:
    frozen = freeze(arguments, Room(1000))
    written(Result(messages=tuple(input_messages(frozen))))
    written(Result(messages=({"role": "system", "parts": system_instructions(frozen)},)))
    for key, value in request_attributes(frozen):
        assert isinstance(value, str | int | float | tuple), key
    assert request_model(frozen) is None or isinstance(request_model(frozen), str)
