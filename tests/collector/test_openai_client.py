"""The real OpenAI client against a local server, alone and beside other instrumentations."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import openai
import pytest

from driftline import observe, session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from openai.types import CreateEmbeddingResponse
    from openai.types.chat import ChatCompletion
    from openai.types.responses import Response

    from collector_support import FakeProvider, Recording
    from driftline.testing import RecordedSpan


def client(llm: FakeProvider, **options: Any) -> openai.OpenAI:
    return openai.OpenAI(base_url=llm.base_url, api_key="test", max_retries=0, **options)


def make_ask(llm: FakeProvider, **options: Any) -> Callable[[str], ChatCompletion]:
    @observe(feature="support")
    def ask(question: str) -> ChatCompletion:
        with client(llm, **options) as provider:
            return provider.chat.completions.create(
                model="gpt-4o-mini", messages=[{"role": "user", "content": question}]
            )

    return ask


def tokens(spans: list[RecordedSpan]) -> int:
    keys = ("gen_ai.usage.input_tokens", "llm.token_count.prompt")
    return sum(span.attributes.get(key, 0) for span in spans for key in keys)


def test_a_chat_completion(recording: Recording, llm: FakeProvider) -> None:
    answer = make_ask(llm)("Where?")
    assert answer.choices[0].message.content == "It is on its way."
    span = recording.span()
    assert span.attributes["gen_ai.operation.name"] == "chat"
    assert span.attributes["gen_ai.response.model"] == "gpt-4o-mini-2024-07-18"
    assert span.attributes["gen_ai.usage.cache_read.input_tokens"] == 64


def test_an_async_client(recording: Recording, llm: FakeProvider) -> None:
    @observe
    async def ask() -> Response:
        async with openai.AsyncOpenAI(base_url=llm.base_url, api_key="test") as provider:
            return await provider.responses.create(model="gpt-4.1-mini", input="When?")

    asyncio.run(ask())
    assert recording.span().attributes["gen_ai.usage.output_tokens"] == 30


def test_too_many_requests(recording: Recording, llm: FakeProvider) -> None:
    llm.status = 429
    with pytest.raises(openai.RateLimitError) as caught:
        make_ask(llm)("Where?")
    assert caught.value.status_code == 429
    span = recording.span()
    assert span.status == "error"
    assert "Slow down." in span.status_message
    assert span.attributes["error.type"] == "openai.RateLimitError"
    assert span.attributes["http.response.status_code"] == 429
    assert span.attributes["driftline.error.code"] == "rate_limit_exceeded"


def test_a_timeout(recording: Recording, llm: FakeProvider) -> None:
    llm.delay = 0.5
    with pytest.raises(openai.APITimeoutError):
        make_ask(llm, timeout=0.1)("Where?")
    assert recording.span().attributes["error.type"] == "openai.APITimeoutError"


def test_a_stream_is_returned_untouched(recording: Recording, llm: FakeProvider) -> None:
    with client(llm) as provider:

        @observe
        def ask() -> openai.Stream[Any]:
            return provider.chat.completions.create(
                model="gpt-4o-mini", messages=[{"role": "user", "content": "?"}], stream=True
            )

        stream = ask()
        assert isinstance(stream, openai.Stream)
        assert list(stream) == []  # the fake server sends no events
    assert "gen_ai.output.messages" not in recording.span().attributes


def instrumented(name: str, recording: Recording) -> Any:
    if name == "otel":
        module = pytest.importorskip("opentelemetry.instrumentation.genai.openai")
    else:
        module = pytest.importorskip("openinference.instrumentation.openai")
    instrumentor = module.OpenAIInstrumentor()
    instrumentor.instrument(tracer_provider=recording.provider)
    return instrumentor


@pytest.fixture(params=["otel", "openinference"])
def beside(request: pytest.FixtureRequest, recording: Recording) -> Iterator[str]:
    instrumentor = instrumented(request.param, recording)
    yield request.param
    instrumentor.uninstrument()


def test_beside_another_instrumentation_the_call_is_billed_once(
    recording: Recording, llm: FakeProvider, beside: str
) -> None:
    ask = make_ask(llm)

    @observe
    def answer(question: str) -> str:
        return str(ask(question).choices[0].message.content)

    with session("s-1", user="u-1"):
        assert answer("Where?") == "It is on its way."
    spans = recording.spans()
    assert len(spans) == 3
    assert tokens(spans) == 142
    (call,) = (span for span in spans if span.scope != "driftline")
    assert call.attributes["driftline.feature"] == "support"
    assert call.attributes["gen_ai.conversation.id"] == "s-1"
    assert call.attributes["user.id"] == "u-1"
    for name in ("ask", "answer"):
        (span,) = (span for span in spans if span.name.endswith(name))
        assert span.attributes["driftline.span.kind"] == "workflow"
        assert span.attributes["driftline.answer.model"] == "gpt-4o-mini-2024-07-18"
        assert "It is on its way." in span.attributes["gen_ai.output.messages"]


def test_beside_another_instrumentation_async_calls_are_billed_once(
    recording: Recording, llm: FakeProvider, beside: str
) -> None:
    @observe
    async def ask(provider: openai.AsyncOpenAI) -> ChatCompletion:
        return await provider.chat.completions.create(
            model="gpt-4o-mini", messages=[{"role": "user", "content": "Where?"}]
        )

    @observe
    async def vote() -> ChatCompletion:
        async with openai.AsyncOpenAI(base_url=llm.base_url, api_key="test") as provider:
            return (await asyncio.gather(*(ask(provider) for _ in range(3))))[0]

    asyncio.run(vote())
    spans = recording.spans()
    assert tokens(spans) == 3 * 142
    assert len(spans) == 7
    assert [span.attributes["driftline.span.kind"] for span in spans if span.name.endswith("vote")] == ["workflow"]


def test_beside_another_instrumentation_embeddings_are_billed_once(
    recording: Recording, llm: FakeProvider, beside: str
) -> None:
    @observe
    def embed() -> CreateEmbeddingResponse:
        with client(llm) as provider:
            return provider.embeddings.create(model="text-embedding-3-small", input="parcel")

    embed()
    spans = recording.spans()
    assert tokens(spans) == 7
    assert "gen_ai.usage.input_tokens" not in next(span.attributes for span in spans if span.scope == "driftline")


def test_beside_another_instrumentation_an_error_is_one_failed_call(
    recording: Recording, llm: FakeProvider, beside: str
) -> None:
    llm.status = 429
    with pytest.raises(openai.RateLimitError):
        make_ask(llm)("Where?")
    spans = recording.spans()
    assert [span.status for span in spans] == ["error", "error"]
    workflow = next(span for span in spans if span.scope == "driftline")
    assert workflow.attributes["gen_ai.operation.name"] == "invoke_workflow"
    assert workflow.attributes["error.type"] == "openai.RateLimitError"
