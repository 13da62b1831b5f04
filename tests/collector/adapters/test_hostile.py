"""Values with the right names and the wrong things under them: whatever comes, something is read and nothing raises."""

from __future__ import annotations

import json
import random
from types import SimpleNamespace
from typing import Any

import pytest

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
SCALARS = [None, True, 0, 1, 7, -1, 1 << 70, 1.5, float("nan"), b"x"]


def made(draw: random.Random, depth: int = 4) -> Any:
    """Anything that a JSON document or an object can hold, under names that mean something."""
    choice = draw.random()
    if depth == 0 or choice < 0.35:
        return draw.choice(SCALARS if draw.random() < 0.4 else TEXTS)
    if choice < 0.55:
        return [made(draw, depth - 1) for _ in range(draw.randrange(4))]
    members = made_members(draw, depth - 1)
    return SimpleNamespace(**members) if draw.random() < 0.3 else members


def made_members(draw: random.Random, depth: int = 3) -> dict[str, Any]:
    return {draw.choice(NAMES): made(draw, depth) for _ in range(draw.randrange(8))}


def written(result: Result) -> None:
    text, _ = render(result.messages, 1000, newest_first=False)
    text.encode()
    json.loads(text)
    for key, value in result.call_attributes():
        for text in value if isinstance(value, tuple) else (str(value),):
            assert len(text.encode()) <= 1024, key


@pytest.mark.parametrize("seed", range(60))
def test_any_result_is_read_and_written(seed: int) -> None:
    value = made_members(random.Random(seed))
    written(understand(value))
    written(understand(SimpleNamespace(**value)))


@pytest.mark.parametrize("make", [make for _, make in STREAMS])
@pytest.mark.parametrize("seed", range(20))
def test_any_chunks_add_up(seed: int, make: Any) -> None:
    draw = random.Random(seed)
    taken = make()
    for _ in range(6):
        taken.add(made_members(draw) | {"type": draw.choice(TEXTS)} if draw.random() < 0.8 else made(draw))
    written(taken.result())
    assert taken.result() == taken.result()


@pytest.mark.parametrize("seed", range(60))
def test_any_arguments_are_read_and_written(seed: int) -> None:
    frozen = freeze(made_members(random.Random(seed)), Room(1000))
    written(Result(messages=tuple(input_messages(frozen))))
    written(Result(messages=({"role": "system", "parts": system_instructions(frozen)},)))
    for key, value in request_attributes(frozen):
        assert isinstance(value, str | int | float | tuple), key
    assert request_model(frozen) is None or isinstance(request_model(frozen), str)
