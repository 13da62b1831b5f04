"""Answers of the real google-genai client against a local server: whole ones, streams and embeddings."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from google import genai
from google.genai import types

from driftline.capture import understand
from driftline.capture.result import Usage
from provider_bodies import ANSWER, GEMINI_CHUNKS, GEMINI_PARTS, QUESTION, gemini_body
from provider_server import added_up

if TYPE_CHECKING:
    from collections.abc import Iterator

    from provider_server import Provider

USAGE = Usage(input=142, output=48, cache_read=64, reasoning=16)
ASKED: dict[str, Any] = {"model": "gemini-2.5-flash", "contents": QUESTION}


@pytest.fixture
def client(provider: Provider) -> Iterator[genai.Client]:
    with genai.Client(api_key="test", http_options=types.HttpOptions(base_url=provider.url)) as found:
        yield found


def test_an_answer_with_thoughts_within_its_output(client: genai.Client, provider: Provider) -> None:
    provider.answers(gemini_body())
    result = understand(client.models.generate_content(**ASKED))
    assert (result.operation, result.provider) == ("generate_content", "gcp.gemini")
    assert (result.model, result.response_id) == ("gemini-2.5-flash", "gem-1")
    assert result.usage == USAGE
    assert result.messages == (
        {"role": "assistant", "parts": [{"type": "text", "content": ANSWER}], "finish_reason": "stop"},
    )


def test_all_kinds_of_parts(client: genai.Client, provider: Provider) -> None:
    provider.answers(gemini_body(GEMINI_PARTS))
    result = understand(client.models.generate_content(**ASKED))
    assert result.finish_reasons == ("tool_calls",)
    assert result.messages[0]["parts"] == [
        {"type": "reasoning", "content": "Look it up."},
        {"type": "text", "content": ANSWER},
        {"type": "tool_call", "id": "fc-1", "name": "track", "arguments": {"parcel": 7}},
        {"type": "blob", "modality": "image", "mime_type": "image/png", "content": b"\x89PNG\r\n\x1a\n"},
        {
            "type": "server_tool_call",
            "id": None,
            "name": "code_execution",
            "arguments": {"language": "PYTHON", "code": "print(7)"},
        },
        {"type": "server_tool_call_response", "id": None, "response": "7"},
    ]


@pytest.mark.parametrize(
    ("own", "reason"),
    [("MAX_TOKENS", "length"), ("SAFETY", "content_filter"), ("MALFORMED_FUNCTION_CALL", "malformed_function_call")],
)
def test_finish_reasons_in_the_words_of_chat(client: genai.Client, provider: Provider, own: str, reason: str) -> None:
    provider.answers(gemini_body(finishReason=own))
    assert understand(client.models.generate_content(**ASKED)).finish_reasons == (reason,)


def test_a_prompt_that_was_blocked_has_no_answer(client: genai.Client, provider: Provider) -> None:
    body = gemini_body(promptFeedback={"blockReason": "SAFETY"}, usageMetadata={"promptTokenCount": 132})
    provider.answers({key: value for key, value in body.items() if key != "candidates"})
    result = understand(client.models.generate_content(**ASKED))
    assert (result.finish_reasons, result.messages) == (("content_filter",), ())
    assert result.usage == Usage(input=132)


def test_vertex_is_known_by_what_only_it_tells(client: genai.Client, provider: Provider) -> None:
    provider.answers(gemini_body(usageMetadata={"promptTokenCount": 1, "trafficType": "ON_DEMAND"}))
    assert understand(client.models.generate_content(**ASKED)).provider == "gcp.vertex_ai"


def test_a_dict_as_the_api_sends_it_names_no_provider() -> None:
    result = understand(gemini_body(GEMINI_PARTS))
    assert (result.operation, result.provider, result.usage) == ("generate_content", None, USAGE)
    assert result.messages[0]["parts"][2]["arguments"] == {"parcel": 7}


def test_a_stream(client: genai.Client, provider: Provider) -> None:
    provider.streams(GEMINI_CHUNKS)
    result = added_up(client.models.generate_content_stream(**ASKED))
    assert (result.operation, result.provider, result.model) == ("generate_content", "gcp.gemini", "gemini-2.5-flash")
    assert (result.response_id, result.finish_reasons, result.usage) == ("gem-1", ("stop",), USAGE)
    assert result.messages[0]["parts"] == [
        {"type": "reasoning", "content": "Look it up."},
        {"type": "text", "content": ANSWER},
    ]


def test_an_async_stream_that_is_given_up(provider: Provider) -> None:
    async def first_three() -> list[object]:
        provider.streams(GEMINI_CHUNKS)
        client = genai.Client(api_key="test", http_options=types.HttpOptions(base_url=provider.url)).aio
        chunks = await client.models.generate_content_stream(**ASKED)
        found: list[object] = [await anext(chunks) for _ in range(3)]
        await chunks.aclose()  # type: ignore[attr-defined]  # it is a generator
        await client.aclose()
        return found

    result = added_up(asyncio.run(first_three()))
    assert result.finish_reasons == ()
    assert result.usage == Usage(input=132)
    assert result.messages[0]["parts"][-1] == {"type": "text", "content": "It is"}


def test_calls_and_images_in_a_stream_keep_their_place(client: genai.Client, provider: Provider) -> None:
    provider.streams([gemini_body([part], finishReason=None) for part in GEMINI_PARTS] + [gemini_body([])])
    result = added_up(client.models.generate_content_stream(**ASKED))
    provider.answers(gemini_body(GEMINI_PARTS))
    assert result == understand(client.models.generate_content(**ASKED))


def test_embeddings_without_their_vectors(client: genai.Client, provider: Provider) -> None:
    provider.answers({"embeddings": [{"values": [0.5, 0.25]}]})
    result = understand(client.models.embed_content(model="gemini-embedding-001", contents="parcel"))
    assert (result.operation, result.provider, result.messages) == ("embeddings", "gcp.gemini", ())
    assert result.usage == Usage()


def test_tokens_of_embeddings_are_summed_up() -> None:
    counted = [types.ContentEmbedding(statistics=types.ContentEmbeddingStatistics(token_count=n)) for n in (3.0, 4.0)]
    result = understand(types.EmbedContentResponse(embeddings=counted))
    assert (result.provider, result.usage.input) == ("gcp.vertex_ai", 7)
