from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from openai.types import CreateEmbeddingResponse
from openai.types.chat import ChatCompletion
from openai.types.responses import Response
from opentelemetry.sdk.trace import TracerProvider

import driftline
from driftline.testing import InMemoryBus, RecordedEvent, RecordedSpan, recorded_events, recorded_spans

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


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


@pytest.fixture
def record() -> Iterator[Callable[..., Recording]]:
    """Configures the collector, with settings as keyword arguments."""

    def start(**settings: Any) -> Recording:
        recording = Recording(InMemoryBus(), TracerProvider(shutdown_on_exit=False))
        driftline.init(bus=recording.bus, tracer_provider=recording.provider, **settings)
        return recording

    yield start
    driftline.shutdown(2)


@pytest.fixture
def recording(record: Callable[..., Recording]) -> Recording:
    return record()


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


@pytest.fixture
def completion() -> ChatCompletion:
    return ChatCompletion.model_validate(chat_body())


@pytest.fixture
def response() -> Response:
    return Response.model_validate(response_body())


@pytest.fixture
def embedding() -> CreateEmbeddingResponse:
    return CreateEmbeddingResponse.model_validate(embedding_body())


@dataclass
class FakeProvider:
    """A local server that speaks as much of OpenAI's API as the tests need."""

    base_url: str = ""
    status: int = 200
    delay: float = 0.0
    error: dict[str, Any] = field(
        default_factory=lambda: {"message": "Slow down.", "code": "rate_limit_exceeded"}
    )
    requests: list[dict[str, Any]] = field(default_factory=list)

    def answer(self, path: str) -> dict[str, Any]:
        if self.status != 200:
            return {"error": self.error}
        if path.endswith("/embeddings"):
            return embedding_body()
        return response_body() if path.endswith("/responses") else chat_body()


@pytest.fixture
def llm() -> Iterator[FakeProvider]:
    fake = FakeProvider()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            fake.requests.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            time.sleep(fake.delay)
            body = json.dumps(fake.answer(self.path)).encode()
            try:
                self.send_response(fake.status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
            except OSError:  # the client gave up waiting, as one test wants it to
                self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the inherited name
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    fake.base_url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield fake
    server.shutdown()
    server.server_close()
    thread.join()
