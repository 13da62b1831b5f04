"""Records in memory, and plays the provider, for the collector's tests."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import driftline
from driftline.testing import InMemoryBus, RecordedEvent, RecordedSpan, recorded_events, recorded_spans

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.sdk.trace import TracerProvider


def output_of(span: RecordedSpan) -> str:
    """The text of the only part of the only message of an output."""
    ((part,),) = (message["parts"] for message in json.loads(span.attributes["gen_ai.output.messages"]))
    return str(part["content"])


def wait_until(holds: Callable[[], bool], seconds: float = 10) -> None:
    """Wait for what other threads are about to bring about."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it never came about"
        time.sleep(0.005)


@dataclass
class Recording:
    """A configured collector on a bus in memory, with a tracer provider of its own."""

    bus: InMemoryBus
    provider: TracerProvider

    def spans(self) -> list[RecordedSpan]:
        assert driftline.flush(10)
        return recorded_spans(self.bus)

    def span(self, name: str | None = None) -> RecordedSpan:
        """The only span, or the only one of that name."""
        found = [span for span in self.spans() if name in {None, span.name}]
        assert len(found) == 1, [span.name for span in self.spans()]
        return found[0]

    def event(self) -> RecordedEvent:
        assert driftline.flush(10)
        (event,) = recorded_events(self.bus)
        return event


def chat_body(**changes: Any) -> dict[str, Any]:
    body: dict[str, Any] = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "gpt-4o-mini-2024-07-18",
        "choices": [
            {
                "index": 0,
                "finish_reason": "stop",
                "message": {"role": "assistant", "content": "It is on its way."},
            }
        ],
        "usage": {
            "prompt_tokens": 142,
            "completion_tokens": 48,
            "total_tokens": 190,
            "prompt_tokens_details": {"cached_tokens": 64},
            "completion_tokens_details": {"reasoning_tokens": 16},
        },
    }
    return {**body, **changes}


def chunk_bodies(*texts: str) -> list[dict[str, Any]]:
    """The chunks of a streamed answer, with usage in the last."""
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4o-mini-2024-07-18"}
    deltas = [{"role": "assistant", "content": ""}, *({"content": text} for text in texts), {}]
    reasons = [None] * (len(deltas) - 1) + ["stop"]
    chunks = [
        {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}
        for delta, reason in zip(deltas, reasons, strict=True)
    ]
    return [*chunks, {**head, "choices": [], "usage": chat_body()["usage"]}]


def embedding_body() -> dict[str, Any]:
    return {
        "object": "list",
        "model": "text-embedding-3-small",
        "data": [{"object": "embedding", "index": 0, "embedding": [0.5, 0.25]}],
        "usage": {"prompt_tokens": 7, "total_tokens": 7},
    }


def response_body(**changes: Any) -> dict[str, Any]:
    body: dict[str, Any] = {
        "id": "resp_1",
        "object": "response",
        "created_at": 1.0,
        "model": "gpt-4.1-mini",
        "status": "completed",
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "output": [
            {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "Look it up."}]},
            {
                "type": "message",
                "id": "msg_1",
                "role": "assistant",
                "status": "completed",
                "content": [{"type": "output_text", "text": "Tomorrow.", "annotations": []}],
            },
            {"type": "function_call", "call_id": "call_1", "name": "track", "arguments": '{"parcel": 7}'},
        ],
        "usage": {
            "input_tokens": 100,
            "input_tokens_details": {"cached_tokens": 40, "cache_write_tokens": 8},
            "output_tokens": 30,
            "output_tokens_details": {"reasoning_tokens": 10},
            "total_tokens": 130,
        },
    }
    return {**body, **changes}


@dataclass
class FakeProvider:
    """A local server that speaks as much of OpenAI's API as the tests need."""

    base_url: str = ""
    status: int = 200
    delay: float = 0.0
    error: dict[str, Any] = field(default_factory=lambda: {"message": "Slow down.", "code": "rate_limit_exceeded"})
    requests: list[dict[str, Any]] = field(default_factory=list)

    def answer(self, path: str) -> dict[str, Any]:
        if self.status != 200:
            return {"error": self.error}
        if path.endswith("/embeddings"):
            return embedding_body()
        return response_body() if path.endswith("/responses") else chat_body()
