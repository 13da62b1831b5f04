"""Messages of the real Anthropic client against a local server: whole answers and streams."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import anthropic
import pytest
from pydantic import BaseModel

from driftline.capture import understand
from driftline.capture.result import Usage
from provider_bodies import ANSWER, MESSAGE_BLOCKS, MESSAGE_EVENTS, QUESTION, message_body
from provider_server import added_up

if TYPE_CHECKING:
    from collections.abc import Iterator

    from provider_server import Provider

MODEL = "claude-sonnet-5-5"
OPTIONS: dict[str, Any] = {
    "model": "claude-sonnet-5-5",
    "max_tokens": 1024,
    "messages": [{"role": "user", "content": QUESTION}],
}
USAGE = Usage(input=1120, output=48, cache_read=1000, cache_write=100, reasoning=16)
STREAMED = [
    {"type": "reasoning", "content": "Look it up."},
    {"type": "text", "content": ANSWER},
    {"type": "tool_call", "id": "toolu_1", "name": "track", "arguments": '{"parcel": 7}'},
]


@pytest.fixture
def client(provider: Provider) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=provider.url, api_key="test", max_retries=0) as found:
        yield found


def test_a_message_with_cached_tokens_within_its_input(client: anthropic.Anthropic, provider: Provider) -> None:
    provider.answers(message_body())
    result = understand(client.messages.create(**OPTIONS))
    assert (result.operation, result.provider, result.model) == ("chat", "anthropic", MODEL)
    assert (result.response_id, result.finish_reasons) == ("msg_01XFDUDYJgAACzvnptvVoYEL", ("stop",))
    assert result.usage == USAGE
    assert result.messages == (
        {"role": "assistant", "parts": [{"type": "text", "content": ANSWER}], "finish_reason": "stop"},
    )


def test_thinking_tools_and_the_providers_own_tools(client: anthropic.Anthropic, provider: Provider) -> None:
    provider.answers(message_body(content=MESSAGE_BLOCKS, stop_reason="tool_use"))
    answer = client.messages.create(**OPTIONS)
    result = understand(answer)
    assert result.finish_reasons == ("tool_calls",)
    parts = result.messages[0]["parts"]
    assert parts[:5] == [
        {"type": "reasoning", "content": "Look it up."},
        {"type": "reasoning", "content": ""},
        {"type": "text", "content": ANSWER},
        {"type": "tool_call", "id": "toolu_1", "name": "track", "arguments": {"parcel": 7}},
        {"type": "server_tool_call", "id": "srvtoolu_1", "name": "web_search", "arguments": {"query": "parcel"}},
    ]
    assert (parts[5]["type"], parts[5]["id"]) == ("server_tool_call_response", "srvtoolu_1")
    assert parts[5]["response"][0]["content"]["title"] == "Parcels"
    call = answer.content[3]
    assert isinstance(call, anthropic.types.ToolUseBlock)
    call.input["parcel"] = 8
    assert parts[3]["arguments"] == {"parcel": 7}, "what the application changes later was recorded"


@pytest.mark.parametrize(
    ("stop", "reason"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("refusal", "content_filter"),
        ("pause_turn", "pause_turn"),
        ("one_of_tomorrow", "one_of_tomorrow"),
    ],
)
def test_stop_reasons_in_the_words_of_finish_reasons(
    client: anthropic.Anthropic, provider: Provider, stop: str, reason: str
) -> None:
    provider.answers(message_body(stop_reason=stop))
    assert understand(client.messages.create(**OPTIONS)).finish_reasons == (reason,)


@pytest.mark.parametrize(
    ("start", "cloud"), [("msg_bdrk_01", "aws.bedrock"), ("msg_vrtx_01", "gcp.vertex_ai"), ("msg_01", "anthropic")]
)
def test_answers_through_another_cloud_are_known_by_their_id(
    client: anthropic.Anthropic, provider: Provider, start: str, cloud: str
) -> None:
    provider.answers(message_body(id=start))
    assert understand(client.messages.create(**OPTIONS)).provider == cloud


def test_beta_messages_and_structured_answers(client: anthropic.Anthropic, provider: Provider) -> None:
    class Parcel(BaseModel):
        city: str

    provider.answers(message_body(content=[{"type": "text", "text": '{"city": "Ulm"}'}]))
    for answer in (
        client.beta.messages.create(**OPTIONS),
        client.messages.parse(**OPTIONS, output_format=Parcel),
    ):
        result = understand(answer)
        assert result.usage == USAGE
        assert result.messages[0]["parts"] == [{"type": "text", "content": '{"city": "Ulm"}'}]


def test_a_raw_response_that_was_not_parsed_stays_so(client: anthropic.Anthropic, provider: Provider) -> None:
    provider.answers(message_body())
    raw = client.messages.with_raw_response.create(**OPTIONS)
    assert understand(raw).operation is None
    raw.parse()
    assert understand(raw).usage == USAGE


def test_a_dict_of_the_same_shape_names_no_provider() -> None:
    result = understand(message_body())
    assert (result.operation, result.provider, result.usage) == ("chat", None, USAGE)


def test_a_stream_of_raw_events(client: anthropic.Anthropic, provider: Provider) -> None:
    provider.streams(MESSAGE_EVENTS, named=True)
    result = added_up(client.messages.create(**OPTIONS, stream=True))
    assert (result.operation, result.provider, result.model) == ("chat", "anthropic", MODEL)
    assert (result.response_id, result.finish_reasons) == ("msg_01XFDUDYJgAACzvnptvVoYEL", ("tool_calls",))
    assert result.usage == USAGE
    assert result.messages == ({"role": "assistant", "parts": STREAMED, "finish_reason": "tool_calls"},)


def test_a_stream_of_the_clients_helper_counts_each_piece_once(client: anthropic.Anthropic, provider: Provider) -> None:
    provider.streams(MESSAGE_EVENTS, named=True)
    with client.messages.stream(**OPTIONS) as events:
        result = added_up(events)
    assert result.messages[0]["parts"] == STREAMED
    assert result.usage == USAGE


def test_what_opens_a_stream_is_left_alone(client: anthropic.Anthropic) -> None:
    assert understand(client.messages.stream(**OPTIONS)).messages == ()


def test_an_async_stream_that_is_given_up_has_the_input_that_was_told_first(provider: Provider) -> None:
    async def first(number: int) -> list[object]:
        provider.streams(MESSAGE_EVENTS, named=True)
        async with anthropic.AsyncAnthropic(base_url=provider.url, api_key="test", max_retries=0) as client:
            events = await client.messages.create(**OPTIONS, stream=True)
            found: list[object] = [await anext(events) for _ in range(number)]
            await events.close()
        return found

    result = added_up(asyncio.run(first(3)))
    assert result.messages == ({"role": "assistant", "parts": [{"type": "reasoning", "content": "Look "}]},)
    assert result.finish_reasons == ()
    assert (result.usage.input, result.usage.cache_read) == (1120, 1000)


def test_tokens_that_come_only_once_stay() -> None:
    end = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 48}}
    result = added_up([MESSAGE_EVENTS[0], end])
    assert (result.usage.input, result.usage.output) == (1120, 48)


@pytest.mark.parametrize(
    "event",
    [
        {"type": "content_block_delta", "index": 5, "delta": {"type": "text_delta", "text": "lost"}},
        {"type": "content_block_delta", "index": None, "delta": None},
        {"type": "content_block_start", "index": 9, "content_block": None},
        {"type": "message_delta", "delta": None, "usage": None},
        {"type": "message_start", "message": None},
        {"type": None},
        None,
    ],
)
def test_nonsense_among_events_harms_nothing(event: object) -> None:
    result = added_up([MESSAGE_EVENTS[0], event, *MESSAGE_EVENTS[1:]])
    assert all(part in result.messages[0]["parts"] for part in STREAMED)
    assert result.usage == USAGE
