"""A configured collector, and a provider to call."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from openai.types import CreateEmbeddingResponse
from openai.types.chat import ChatCompletion
from openai.types.responses import Response
from opentelemetry.sdk.trace import TracerProvider

import driftline
from collector_support import FakeProvider, Recording, chat_body, embedding_body, response_body
from driftline.testing import InMemoryBus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is spooled into the user's own folder."""
    monkeypatch.setenv("DRIFTLINE_DATA_DIR", str(tmp_path / "data"))


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


@pytest.fixture
def completion() -> ChatCompletion:
    return ChatCompletion.model_validate(chat_body())


@pytest.fixture
def response() -> Response:
    return Response.model_validate(response_body())


@pytest.fixture
def embedding() -> CreateEmbeddingResponse:
    return CreateEmbeddingResponse.model_validate(embedding_body())


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
