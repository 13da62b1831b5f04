"""The Responses API of the real OpenAI client against a local server: whole answers and streams."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import openai
import pytest

from collector_support import response_body
from driftline.capture import understand
from driftline.capture.result import UNKNOWN, Usage
from provider_bodies import QUESTION, response_events
from provider_server import added_up

if TYPE_CHECKING:
    from collections.abc import Iterator

    from provider_server import Provider

USAGE = Usage(input=100, output=30, cache_read=40, cache_write=8, reasoning=10)
SAID = [
    {"type": "reasoning", "content": "Look it up."},
    {"type": "text", "content": "Tomorrow."},
    {"type": "tool_call", "id": "call_1", "name": "track", "arguments": '{"parcel": 7}'},
]


@pytest.fixture
def client(provider: Provider) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{provider.url}/v1", api_key="test", max_retries=0) as found:
        yield found


def events_of(client: openai.OpenAI, provider: Provider, events: list[dict[str, Any]]) -> Any:
    provider.streams(events, named=True)
    return client.responses.create(model="gpt-4.1-mini", input=QUESTION, stream=True)


def test_a_response(client: openai.OpenAI, provider: Provider) -> None:
    provider.answers(response_body(service_tier="priority"))
    result = understand(client.responses.create(model="gpt-4.1-mini", input=QUESTION))
    assert (result.operation, result.provider, result.model) == ("chat", "openai", "gpt-4.1-mini")
    assert (result.response_id, result.finish_reasons, result.service_tier) == ("resp_1", ("tool_calls",), "priority")
    assert result.usage == USAGE
    assert result.messages == ({"role": "assistant", "parts": SAID, "finish_reason": "tool_calls"},)


def test_a_refusal_and_a_search_of_the_provider(client: openai.OpenAI, provider: Provider) -> None:
    search = {
        "type": "web_search_call",
        "id": "ws_1",
        "status": "completed",
        "action": {"type": "search", "query": "parcel"},
    }
    refusal = {"type": "refusal", "refusal": "I cannot help."}
    message = {"type": "message", "id": "m", "role": "assistant", "status": "completed", "content": [refusal]}
    provider.answers(response_body(output=[search, message]))
    result = understand(client.responses.create(model="gpt-4.1-mini", input=QUESTION))
    assert result.finish_reasons == ("stop",)
    assert result.messages[0]["parts"] == [
        {"type": "web_search_call", "id": "ws_1"},
        {"type": "refusal", "content": "I cannot help."},
    ]


def test_a_stream_to_its_end(client: openai.OpenAI, provider: Provider) -> None:
    result = added_up(events_of(client, provider, response_events(response_body())))
    assert (result.model, result.response_id, result.finish_reasons) == ("gpt-4.1-mini", "resp_1", ("tool_calls",))
    assert result.usage == USAGE
    assert result.messages[0]["parts"] == SAID


def test_a_stream_that_is_given_up_has_what_had_come(client: openai.OpenAI, provider: Provider) -> None:
    result = added_up(events_of(client, provider, response_events(response_body())[:-1]))
    assert (result.operation, result.provider, result.model) == ("chat", "openai", "gpt-4.1-mini")
    assert (result.response_id, result.finish_reasons, result.usage) == ("resp_1", (), UNKNOWN)
    assert result.messages[0]["parts"] == SAID


def test_a_stream_that_is_cut_short_by_its_limit(client: openai.OpenAI, provider: Provider) -> None:
    final = response_body(status="incomplete", incomplete_details={"reason": "max_output_tokens"})
    result = added_up(events_of(client, provider, response_events(final, "incomplete")))
    assert result.finish_reasons == ("length",)


def test_a_stream_that_fails_keeps_what_was_said(client: openai.OpenAI, provider: Provider) -> None:
    error = {"code": "server_error", "message": "The model failed."}
    final = response_body(status="failed", error=error, output=[], usage=None)
    result = added_up(events_of(client, provider, response_events(final, "failed")))
    assert (result.finish_reasons, result.usage) == (("error",), UNKNOWN)
    assert result.messages[0]["parts"] == SAID
    assert result.messages[0]["finish_reason"] == "error"


def test_the_clients_helper(client: openai.OpenAI, provider: Provider) -> None:
    provider.streams(response_events(response_body()), named=True)
    with client.responses.stream(model="gpt-4.1-mini", input=QUESTION) as events:
        result = added_up(events)
    assert result.usage == USAGE
    assert result.messages[0]["parts"] == SAID


def test_events_out_of_order_and_without_their_items() -> None:
    events: list[dict[str, Any]] = [
        {"type": "response.output_text.delta", "output_index": 1, "delta": "morrow."},
        {"type": "response.function_call_arguments.delta", "output_index": 2, "delta": "{}"},
        {"type": "response.refusal.delta", "output_index": 0, "delta": "No."},
        {"type": "response.output_text.delta", "output_index": None, "delta": None},
        {"type": "response.output_item.added", "output_index": 3, "item": None},
        {"type": None},
    ]
    result = added_up(events)
    kinds = [part["type"] for part in result.messages[0]["parts"]]
    assert kinds == ["refusal", "text", "text", "tool_call"]
