"""Streams of real clients: the application gets the client's own object, and the span has what went by."""

from __future__ import annotations

import asyncio
import gc
from typing import TYPE_CHECKING, Any

import anthropic
import openai
import pytest

from collector_support import output_of, wait_until
from driftline import current, observe
from provider_bodies import ANSWER, CHAT_CHUNKS, MESSAGE_EVENTS, QUESTION
from provider_server import Provider, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from collector_support import Recording
    from driftline.testing import RecordedSpan

ASKED: list[Any] = [{"role": "user", "content": QUESTION}]
CALL: dict[str, Any] = {"model": "gpt-4o-mini", "messages": ASKED, "stream": True}


@pytest.fixture
def provider() -> Iterator[Provider]:
    with serving() as running:
        running.streams(CHAT_CHUNKS, done=True)
        yield running


@pytest.fixture
def client(provider: Provider) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{provider.url}/v1", api_key="test", max_retries=0) as found:
        yield found


def check_whole(span: RecordedSpan) -> None:
    assert output_of(span) == ANSWER
    assert span.attributes["driftline.span.kind"] == "call"
    assert span.attributes["gen_ai.usage.input_tokens"] == 142
    assert span.attributes["gen_ai.request.stream"] is True
    assert span.attributes["gen_ai.response.time_to_first_chunk"] > 0
    assert "driftline.stream.abandoned" not in span.attributes
    assert span.end_ns > span.start_ns


def test_a_stream_is_the_clients_own_and_recorded_whole(recording: Recording, client: openai.OpenAI) -> None:
    given: list[Any] = []

    @observe
    def ask() -> Any:
        given.append(client.chat.completions.create(**CALL))
        return given[0]

    stream = ask()
    assert stream is given[0]
    assert isinstance(stream, openai.Stream)
    assert type(stream).__name__ == "Stream"
    assert recording.spans() == [], "nothing is said before it has ended"
    assert "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices) == ANSWER
    check_whole(recording.span())


def test_a_stream_may_be_taken_piece_by_piece(recording: Recording, client: openai.OpenAI) -> None:
    stream = observe(name="ask")(client.chat.completions.create)(**CALL)
    assert all(next(stream) for _ in CHAT_CHUNKS)
    with pytest.raises(StopIteration):
        next(stream)
    check_whole(recording.span())


async def test_an_async_clients_stream_too(recording: Recording, provider: Provider) -> None:
    async with openai.AsyncOpenAI(base_url=f"{provider.url}/v1", api_key="test", max_retries=0) as client:

        @observe
        async def ask() -> Any:
            return await client.chat.completions.create(**CALL)

        stream = await ask()
        assert isinstance(stream, openai.AsyncStream)
        assert len([chunk async for chunk in stream]) == len(CHAT_CHUNKS)
        check_whole(recording.span())


async def test_the_method_of_an_async_client_can_be_observed_itself(recording: Recording, provider: Provider) -> None:
    async with openai.AsyncOpenAI(base_url=f"{provider.url}/v1", api_key="test", max_retries=0) as client:
        stream = await observe(name="ask")(client.chat.completions.create)(**CALL)
        assert len([chunk async for chunk in stream]) == len(CHAT_CHUNKS)
    check_whole(recording.span())


def _leaves_the_loop(stream: Any) -> None:
    for chunk in stream:
        if chunk.choices[0].delta.content:
            break


def _closes(stream: Any) -> None:
    _leaves_the_loop(stream)
    stream.close()


def _leaves_the_block(stream: Any) -> None:
    with stream:
        assert next(stream)
        assert next(stream)


def _lets_go(stream: Any) -> None:
    assert next(stream)
    assert next(stream)


@pytest.mark.parametrize("stop", [_leaves_the_loop, _closes, _leaves_the_block, _lets_go])
@pytest.mark.filterwarnings("ignore::ResourceWarning")  # a client that is let go of leaves its socket to the collector
def test_whoever_stops_early_has_abandoned_the_stream(
    recording: Recording, client: openai.OpenAI, stop: Callable[[Any], None]
) -> None:
    stop(observe(name="ask")(client.chat.completions.create)(**CALL))
    gc.collect()
    span = recording.span()
    assert span.attributes["driftline.stream.abandoned"] is True
    assert span.status == "unset"
    assert "gen_ai.usage.input_tokens" not in span.attributes
    assert span.attributes["driftline.span.kind"] == "call"
    assert ANSWER.startswith(output_of(span))


def test_a_stream_that_breaks_is_an_error_with_what_came(recording: Recording, provider: Provider) -> None:
    provider.streams([*CHAT_CHUNKS[:3], {"error": {"message": "overloaded", "code": "server_error"}}])
    with openai.OpenAI(base_url=f"{provider.url}/v1", api_key="test", max_retries=0) as client:
        stream = observe(name="ask")(client.chat.completions.create)(**CALL)
        with pytest.raises(openai.APIError):
            list(stream)
    span = recording.span()
    assert span.status == "error"
    assert span.attributes["error.type"] == "openai.APIError"
    assert span.attributes["driftline.span.kind"] == "call"
    assert output_of(span)


async def test_a_cancelled_reader_is_no_error(recording: Recording, provider: Provider) -> None:
    async with openai.AsyncOpenAI(base_url=f"{provider.url}/v1", api_key="test", max_retries=0) as client:
        stream = await observe(name="ask")(client.chat.completions.create)(**CALL)

        async def read() -> None:
            async for _ in stream:
                await asyncio.sleep(60)

        task = asyncio.create_task(read())
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await stream.close()
    assert recording.span().attributes["driftline.stream.abandoned"] is True


def test_the_stream_helper_of_the_openai_client(recording: Recording, client: openai.OpenAI) -> None:
    @observe
    def open_stream() -> Any:
        return client.chat.completions.stream(model="gpt-4o-mini", messages=ASKED)

    with open_stream() as stream:
        for _ in stream:
            pass
        assert stream.get_final_completion().choices[0].message.content == ANSWER
    check_whole(recording.span())


def test_the_stream_helper_of_the_anthropic_client(recording: Recording) -> None:
    with serving() as provider:
        provider.streams(MESSAGE_EVENTS, named=True)
        with anthropic.Anthropic(base_url=provider.url, api_key="test", max_retries=0) as client:

            @observe
            def open_stream() -> Any:
                return client.messages.stream(model="claude-sonnet-5-5", max_tokens=100, messages=ASKED)

            with open_stream() as stream:
                said = "".join(stream.text_stream)
    span = recording.span()
    assert said
    assert said in span.attributes["gen_ai.output.messages"]
    assert span.attributes["driftline.span.kind"] == "call"
    assert span.attributes["gen_ai.usage.output_tokens"] > 0


def test_a_step_that_hands_a_stream_on_does_not_bill_it_twice(recording: Recording, client: openai.OpenAI) -> None:
    @observe(name="inner")
    def inner() -> Any:
        return client.chat.completions.create(**CALL)

    @observe(name="outer")
    def outer() -> Iterator[str]:
        for chunk in inner():
            if chunk.choices and chunk.choices[0].delta.content:
                yield chunk.choices[0].delta.content

    assert "".join(outer()) == ANSWER
    check_whole(recording.span("inner"))
    found = recording.span("outer").attributes
    assert found["driftline.span.kind"] == "workflow"
    assert "gen_ai.usage.input_tokens" not in found
    assert found["driftline.answer.model"] == recording.span("inner").attributes["gen_ai.response.model"]


def test_a_stream_whose_class_allows_no_subclass_is_handed_on_unseen(recording: Recording) -> None:
    class Final:
        __module__ = "openai.streams"

        def __init_subclass__(cls) -> None:
            raise TypeError("no subclasses, please")

        def __next__(self) -> str:
            return "a"

    stream = Final()
    assert observe(name="ask")(lambda: stream)() is stream
    assert next(stream) == "a"
    assert recording.span().status == "unset"


def test_feedback_on_a_stream_knows_its_model(recording: Recording, client: openai.OpenAI) -> None:
    handles: list[Any] = []

    @observe
    def ask() -> Any:
        handles.append(current())
        return client.chat.completions.create(**CALL)

    list(ask())
    wait_until(lambda: handles[0].info.model is not None)
    recording.spans()
