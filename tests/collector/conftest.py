"""A configured collector, and a provider to call."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from openai.types import CreateEmbeddingResponse
from openai.types.chat import ChatCompletion
from openai.types.responses import Response
from opentelemetry.sdk.trace import TracerProvider

import driftline
from collector_support import FakeProvider, Recording, chat_body, embedding_body, response_body
from driftline.testing import InMemoryBus
from played import Handler, played

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

    def answer(handler: Handler) -> None:
        fake.requests.append(json.loads(handler.body()))
        time.sleep(fake.delay)
        try:
            handler.send(fake.status, json.dumps(fake.answer(handler.path)).encode(), content_type="application/json")
        except OSError:  # the client gave up waiting, as one test wants it to
            handler.close_connection = True

    with played(answer, protocol="HTTP/1.1") as url:
        fake.base_url = f"{url}/v1"
        yield fake
