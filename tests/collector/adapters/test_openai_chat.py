"""Chat completions of the real OpenAI client against a local server: whole answers and streams."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import openai
import pytest
from pydantic import BaseModel

from collector_support import chat_body, embedding_body
from driftline.capture import understand
from driftline.capture.result import UNKNOWN, Usage
from provider_bodies import ANSWER, AZURE_CHUNKS, CHAT_CHUNKS, MODEL, QUESTION, REFUSAL_CHUNKS, TOOL_CHUNKS, chat_chunk
from provider_server import added_up

if TYPE_CHECKING:
    from collections.abc import Iterator

    from provider_server import Provider

ASKED: list[Any] = [{"role": "user", "content": QUESTION}]
USAGE = Usage(input=142, output=48, cache_read=64, reasoning=16)


@pytest.fixture
def client(provider: Provider) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{provider.url}/v1", api_key="test", max_retries=0) as found:
        yield found


def stream(client: openai.OpenAI, provider: Provider, chunks: list[dict[str, Any]], **options: Any) -> Any:
    provider.streams(chunks, done=True)
    return client.chat.completions.create(model="gpt-4o-mini", messages=ASKED, stream=True, **options)


def test_a_completion(client: openai.OpenAI, provider: Provider) -> None:
    provider.answers(chat_body(service_tier="flex"))
    result = understand(client.chat.completions.create(model="gpt-4o-mini", messages=ASKED))
    assert (result.operation, result.provider, result.model) == ("chat", "openai", MODEL)
    assert (result.response_id, result.finish_reasons, result.service_tier) == ("chatcmpl-1", ("stop",), "flex")
    assert result.usage == USAGE
    assert result.messages == (
        {"role": "assistant", "parts": [{"type": "text", "content": ANSWER}], "finish_reason": "stop"},
    )


def test_a_structured_answer_is_its_text(client: openai.OpenAI, provider: Provider) -> None:
    class Parcel(BaseModel):
        city: str

    message = {"role": "assistant", "content": '{"city": "Ulm"}'}
    provider.answers(chat_body(choices=[{"index": 0, "finish_reason": "stop", "message": message}]))
    parsed = client.chat.completions.parse(model="gpt-4o-mini", messages=ASKED, response_format=Parcel)
    assert parsed.choices[0].message.parsed == Parcel(city="Ulm")
    result = understand(parsed)
    assert result.operation == "chat"
    assert result.messages[0]["parts"] == [{"type": "text", "content": '{"city": "Ulm"}'}]


def test_spoken_answers_have_their_words_and_not_their_sound(client: openai.OpenAI, provider: Provider) -> None:
    audio = {"id": "audio_1", "data": "UklGRg==", "expires_at": 1, "transcript": ANSWER}
    message = {"role": "assistant", "content": None, "audio": audio}
    provider.answers(chat_body(choices=[{"index": 0, "finish_reason": "stop", "message": message}]))
    result = understand(client.chat.completions.create(model="gpt-4o-audio-preview", messages=ASKED))
    assert result.messages[0]["parts"] == [
        {"type": "text", "content": ANSWER},
        {"type": "blob", "modality": "audio", "mime_type": None, "content": "UklGRg=="},
    ]


def test_reasoning_that_compatible_providers_add_comes_before_the_answer(
    client: openai.OpenAI, provider: Provider
) -> None:
    message = {"role": "assistant", "content": ANSWER, "reasoning_content": "Look it up."}
    provider.answers(chat_body(choices=[{"index": 0, "finish_reason": "stop", "message": message}]))
    result = understand(client.chat.completions.create(model="deepseek-reasoner", messages=ASKED))
    assert [part["type"] for part in result.messages[0]["parts"]] == ["reasoning", "text"]


def test_a_provider_that_names_itself(client: openai.OpenAI, provider: Provider) -> None:
    provider.answers(chat_body(provider="DeepSeek"))
    assert understand(client.chat.completions.create(model="x", messages=ASKED)).provider == "deepseek"


def test_azure_is_known_by_its_filters(provider: Provider) -> None:
    filtered = {"hate": {"filtered": True, "severity": "high"}}
    choice = {"index": 0, "finish_reason": "content_filter", "message": {"role": "assistant", "content": None}}
    provider.answers(chat_body(choices=[{**choice, "content_filter_results": filtered}]))
    with openai.AzureOpenAI(
        azure_endpoint=provider.url, api_key="test", api_version="2025-01-01", max_retries=0
    ) as client:
        result = understand(client.chat.completions.create(model="gpt-4o-mini", messages=ASKED))
    assert (result.provider, result.finish_reasons) == ("azure.ai.openai", ("content_filter",))
    assert result.messages[0]["parts"] == []


def test_a_stream_of_azure(client: openai.OpenAI, provider: Provider) -> None:
    result = added_up(stream(client, provider, AZURE_CHUNKS))
    assert (result.provider, result.model) == ("azure.ai.openai", MODEL)
    assert result.response_id == "chatcmpl-2"
    assert result.finish_reasons == ("content_filter",)


def test_a_raw_response_that_was_not_parsed_stays_so(client: openai.OpenAI, provider: Provider) -> None:
    provider.answers(chat_body())
    raw = client.chat.completions.with_raw_response.create(model="gpt-4o-mini", messages=ASKED)
    result = understand(raw)
    assert (result.operation, result.messages) == (None, ())
    assert not raw._parsed_by_type
    raw.parse()
    assert understand(raw).usage == USAGE


def test_a_text_completion_and_its_stream(client: openai.OpenAI, provider: Provider) -> None:
    def body(text: str, reason: str | None) -> dict[str, Any]:
        choice = {"index": 0, "text": text, "finish_reason": reason, "logprobs": None}
        return chat_body(object="text_completion", choices=[choice])

    provider.answers(body(ANSWER, "length"))
    whole = understand(client.completions.create(model="gpt-3.5-turbo-instruct", prompt=QUESTION))
    provider.streams([body("It is", None), body(" on its way.", "length")], done=True)
    pieces = added_up(client.completions.create(model="gpt-3.5-turbo-instruct", prompt=QUESTION, stream=True))
    assert whole == pieces
    assert (whole.operation, whole.finish_reasons) == ("text_completion", ("length",))


def test_embeddings(client: openai.OpenAI, provider: Provider) -> None:
    provider.answers(embedding_body())
    result = understand(
        client.embeddings.create(model="text-embedding-3-small", input="parcel", encoding_format="float")
    )
    assert (result.operation, result.usage.input, result.messages) == ("embeddings", 7, ())


def test_a_stream_with_usage(client: openai.OpenAI, provider: Provider) -> None:
    result = added_up(stream(client, provider, CHAT_CHUNKS, stream_options={"include_usage": True}))
    assert (result.operation, result.provider, result.model) == ("chat", "openai", MODEL)
    assert (result.response_id, result.finish_reasons, result.service_tier) == ("chatcmpl-2", ("stop",), "default")
    assert result.usage == USAGE
    assert result.messages == (
        {"role": "assistant", "parts": [{"type": "text", "content": ANSWER}], "finish_reason": "stop"},
    )


def test_usage_that_a_stream_does_not_bring_is_unknown(client: openai.OpenAI, provider: Provider) -> None:
    result = added_up(stream(client, provider, CHAT_CHUNKS[:-1]))
    assert result.usage == UNKNOWN
    assert result.finish_reasons == ("stop",)


def test_an_async_stream_that_is_given_up(provider: Provider) -> None:
    async def first_two() -> list[object]:
        provider.streams(CHAT_CHUNKS, done=True)
        async with openai.AsyncOpenAI(base_url=f"{provider.url}/v1", api_key="test", max_retries=0) as client:
            chunks = await client.chat.completions.create(model="gpt-4o-mini", messages=ASKED, stream=True)
            found = [await anext(chunks) for _ in range(2)]
            await chunks.close()
        return list(found)

    result = added_up(asyncio.run(first_two()))
    assert result.messages == ({"role": "assistant", "parts": [{"type": "text", "content": "It is"}]},)
    assert (result.finish_reasons, result.usage) == ((), UNKNOWN)


def test_calls_of_tools_are_told_apart_by_their_index(client: openai.OpenAI, provider: Provider) -> None:
    result = added_up(stream(client, provider, TOOL_CHUNKS))
    assert result.finish_reasons == ("tool_calls",)
    assert result.messages[0]["parts"] == [
        {"type": "tool_call", "id": "call_1", "name": "track", "arguments": '{"parcel": 7}'},
        {"type": "tool_call", "id": "call_2", "name": "weather", "arguments": '{"city": "Ulm"}'},
    ]


@pytest.mark.parametrize("index", [0, None])
def test_calls_without_an_index_of_their_own_are_told_apart_by_their_id(index: int | None) -> None:
    def call(call_id: str, name: str, arguments: str) -> dict[str, Any]:
        return {"index": index, "id": call_id, "function": {"name": name, "arguments": arguments}}

    calls = [call("a", "track", '{"parcel": 7}'), call("b", "weather", "{}")]
    result = added_up([chat_chunk({"tool_calls": [calls[0]]}), chat_chunk({"tool_calls": [calls[1]]})])
    assert [(part["id"], part["arguments"]) for part in result.messages[0]["parts"]] == [
        ("a", '{"parcel": 7}'),
        ("b", "{}"),
    ]


def test_a_refusal_in_pieces(client: openai.OpenAI, provider: Provider) -> None:
    result = added_up(stream(client, provider, REFUSAL_CHUNKS))
    assert result.messages[0]["parts"] == [{"type": "refusal", "content": "I cannot help."}]


def test_choices_side_by_side_in_any_order(client: openai.OpenAI, provider: Provider) -> None:
    chunks = [
        chat_chunk({"content": "On its"}, index=1),
        chat_chunk({"role": "assistant", "content": "In "}, index=0),
        chat_chunk({"content": " way."}, index=1, finish_reason="length"),
        chat_chunk({"content": "Ulm."}, index=0, finish_reason="stop"),
    ]
    result = added_up(stream(client, provider, chunks))
    assert [message["parts"][0]["content"] for message in result.messages] == ["In Ulm.", "On its way."]
    assert result.finish_reasons == ("stop", "length")


def test_the_events_of_the_clients_helper_count_once(client: openai.OpenAI, provider: Provider) -> None:
    provider.streams(CHAT_CHUNKS, done=True)
    with client.chat.completions.stream(model="gpt-4o-mini", messages=ASKED) as events:
        result = added_up(events)
    assert result.messages[0]["parts"] == [{"type": "text", "content": ANSWER}]
    assert result.usage == USAGE


def test_what_opens_a_stream_is_left_alone(client: openai.OpenAI) -> None:
    manager = client.chat.completions.stream(model="gpt-4o-mini", messages=ASKED)
    assert understand(manager).messages == ()


@pytest.mark.parametrize(
    "chunk",
    [
        {"object": "chat.completion.chunk", "choices": None},
        {"object": "chat.completion.chunk", "choices": [None, 7, {"delta": None}, {"delta": {"tool_calls": [None]}}]},
        {"object": "chat.completion.chunk", "id": 7, "model": [], "choices": [{"index": "x", "delta": {"content": 1}}]},
        {"object": "chat.completion.chunk", "choices": [], "usage": "many"},
    ],
)
def test_nonsense_in_chunks_is_left_out(chunk: dict[str, Any]) -> None:
    result = added_up([chunk, chat_chunk({"content": ANSWER})])
    assert {"type": "text", "content": ANSWER} in result.messages[0]["parts"]
    assert result.usage == UNKNOWN
