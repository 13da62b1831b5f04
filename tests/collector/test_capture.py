"""Reading results: OpenAI's own objects, dicts of their shape, and everything else."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any
from unittest.mock import MagicMock

import httpx2
import openai
import pytest
from openai.types.chat import ChatCompletion
from openai.types.responses import Response

from collector_support import chat_body, embedding_body, response_body
from driftline import observe
from driftline.capture import understand

if TYPE_CHECKING:
    from openai.types import CreateEmbeddingResponse

    from collector_support import Recording

USAGE = {
    "gen_ai.usage.input_tokens": 142,
    "gen_ai.usage.output_tokens": 48,
    "gen_ai.usage.cache_read.input_tokens": 64,
    "gen_ai.usage.reasoning.output_tokens": 16,
}


def attributes(value: object) -> dict[str, Any]:
    return dict(understand(value).call_attributes())


def test_a_chat_completion(completion: ChatCompletion) -> None:
    assert attributes(completion) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.response.model": "gpt-4o-mini-2024-07-18",
        "gen_ai.response.id": "chatcmpl-1",
        "gen_ai.response.finish_reasons": ("stop",),
        **USAGE,
    }


def test_a_dict_shaped_like_a_chat_completion_names_no_provider() -> None:
    found = attributes(chat_body())
    assert "gen_ai.provider.name" not in found
    assert found.items() >= USAGE.items()


def test_a_dict_may_name_its_provider_and_tier() -> None:
    found = attributes(chat_body(provider="Mistral_AI", service_tier="flex"))
    assert found["gen_ai.provider.name"] == "mistral_ai"
    assert found["openai.response.service_tier"] == "flex"


def test_several_choices_tool_calls_and_refusals() -> None:
    call = {"id": "call_1", "type": "function", "function": {"name": "track", "arguments": '{"parcel":7}'}}
    custom = {"id": "call_2", "type": "custom", "custom": {"name": "sql", "input": "SELECT 1"}}
    choices = [
        {
            "index": 0,
            "finish_reason": "tool_calls",
            "message": {"role": "assistant", "tool_calls": [call, custom]},
        },
        {"index": 1, "finish_reason": "content_filter", "message": {"role": "assistant", "refusal": "No."}},
    ]
    result = understand(ChatCompletion.model_validate(chat_body(choices=choices)))
    assert result.finish_reasons == ("tool_calls", "content_filter")
    assert result.messages[0]["parts"] == [
        {"type": "tool_call", "id": "call_1", "name": "track", "arguments": '{"parcel":7}'},
        {"type": "tool_call", "id": "call_2", "name": "sql", "arguments": "SELECT 1"},
    ]
    assert result.messages[1]["parts"] == [{"type": "refusal", "content": "No."}]


def test_a_response(response: Response) -> None:
    assert attributes(response) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.response.model": "gpt-4.1-mini",
        "gen_ai.response.id": "resp_1",
        "gen_ai.response.finish_reasons": ("tool_calls",),
        "gen_ai.usage.input_tokens": 100,
        "gen_ai.usage.output_tokens": 30,
        "gen_ai.usage.cache_read.input_tokens": 40,
        "gen_ai.usage.cache_write.input_tokens": 8,
        "gen_ai.usage.reasoning.output_tokens": 10,
    }
    (message,) = understand(response).messages
    assert [part["type"] for part in message["parts"]] == ["reasoning", "text", "tool_call"]


def test_a_dict_shaped_like_a_response() -> None:
    assert attributes(response_body())["gen_ai.usage.input_tokens"] == 100


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"output": []}, "stop"),
        ({"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}, "length"),
        ({"status": "incomplete", "incomplete_details": {"reason": "content_filter"}}, "content_filter"),
        ({"status": "failed"}, "error"),
    ],
)
def test_a_responses_status_in_the_words_of_finish_reasons(changes: dict[str, Any], reason: str) -> None:
    assert understand(Response.model_validate(response_body(**changes))).finish_reasons == (reason,)


def test_embeddings_without_their_vectors(embedding: CreateEmbeddingResponse, recording: Recording) -> None:
    assert attributes(embedding) == {
        "gen_ai.operation.name": "embeddings",
        "gen_ai.provider.name": "openai",
        "gen_ai.response.model": "text-embedding-3-small",
        "gen_ai.usage.input_tokens": 7,
    }
    assert attributes(embedding_body())["gen_ai.operation.name"] == "embeddings"
    observe(lambda: embedding)()
    assert "gen_ai.output.messages" not in recording.span().attributes


def test_a_text_completion() -> None:
    body = chat_body(object="text_completion", choices=[{"index": 0, "text": "Once", "finish_reason": "length"}])
    result = understand(body)
    assert result.operation == "text_completion"
    assert result.messages[0]["parts"] == [{"type": "text", "content": "Once"}]


@pytest.mark.parametrize(
    "value",
    [
        {"choices": []},
        {"object": "list", "data": []},
        {"object": "response", "output": "text"},
        {"choices": [{"price": 1}]},
        MagicMock(),
        "chat.completion",
        7,
        object(),
        {"object": ["unhashable"]},
    ],
)
def test_what_is_no_models_result(value: object) -> None:
    assert understand(value).operation is None


def test_nonsense_in_a_completion_is_left_out() -> None:
    body = chat_body(
        model=None,
        id=5,
        usage={
            "prompt_tokens": -1,
            "completion_tokens": True,
            "prompt_tokens_details": {"cached_tokens": "64"},
        },
    )
    assert attributes(body) == {"gen_ai.operation.name": "chat", "gen_ai.response.finish_reasons": ("stop",)}


def test_unknown_usage_is_not_zero() -> None:
    assert not any(key.startswith("gen_ai.usage") for key in attributes(chat_body(usage=None)))


def test_a_call_records_its_output_and_the_model_asked_for(recording: Recording, completion: ChatCompletion) -> None:
    @observe
    def ask(messages: list[dict[str, str]], model: str) -> ChatCompletion:
        return completion

    ask([{"role": "user", "content": "Where?"}], model="gpt-4o-mini")
    span = recording.span()
    assert span.attributes["driftline.span.kind"] == "call"
    assert span.attributes["gen_ai.request.model"] == "gpt-4o-mini"
    assert span.attributes["gen_ai.response.finish_reasons"] == ("stop",)
    assert json.loads(span.attributes["gen_ai.output.messages"]) == [
        {
            "role": "assistant",
            "parts": [{"type": "text", "content": "It is on its way."}],
            "finish_reason": "stop",
        }
    ]


def test_tool_results_and_images_in_the_input(recording: Recording) -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 4000}}
    linked = {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}
    call = {"id": "c", "type": "function", "function": {"name": "track", "arguments": '{"parcel": 7}'}}

    @observe
    def ask(messages: list[dict[str, Any]]) -> None: ...

    ask(
        [
            {"role": "user", "content": [{"type": "text", "text": "What is this?"}, image, linked]},
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "c", "content": "in Ulm"},
        ]
    )
    first, second, third = json.loads(recording.span().attributes["gen_ai.input.messages"])
    assert first["parts"] == [
        {"type": "text", "content": "What is this?"},
        {
            "type": "blob",
            "modality": "image",
            "mime_type": "image/png",
            "size": 3000,
            "sha256": hashlib.sha256(bytes(3000)).hexdigest()[:16],
        },
        {"type": "uri", "modality": "image", "uri": "https://example.org/a.png"},
    ]
    assert second["parts"] == [{"type": "tool_call", "id": "c", "name": "track", "arguments": {"parcel": 7}}]
    assert third["parts"] == [{"type": "tool_call_response", "id": "c", "response": "in Ulm"}]


def status_error(kind: type[openai.APIStatusError], status: int, code: str | None) -> openai.APIStatusError:
    request = httpx2.Request("POST", "http://localhost/v1")
    return kind("refused", response=httpx2.Response(status, request=request), body={"code": code})


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (
            status_error(openai.RateLimitError, 429, "rate_limit_exceeded"),
            ("openai.RateLimitError", 429, "rate_limit_exceeded"),
        ),
        (
            status_error(openai.BadRequestError, 400, "context_length_exceeded"),
            ("openai.BadRequestError", 400, "context_length_exceeded"),
        ),
        (status_error(openai.InternalServerError, 503, None), ("openai.InternalServerError", 503, None)),
        (
            openai.APITimeoutError(httpx2.Request("POST", "http://localhost")),
            ("openai.APITimeoutError", None, None),
        ),
    ],
)
def test_errors_of_the_openai_sdk_are_failed_calls(
    recording: Recording, error: openai.APIError, expected: tuple[str, int | None, str | None]
) -> None:
    @observe
    def ask(model: str) -> None:
        raise error

    with pytest.raises(type(error)) as caught:
        ask("gpt-4o")
    assert caught.value is error
    span = recording.span()
    found = tuple(
        span.attributes.get(key) for key in ("error.type", "http.response.status_code", "driftline.error.code")
    )
    assert found == expected
    assert span.status == "error"
    assert span.attributes["gen_ai.operation.name"] == "chat"
    assert span.attributes["gen_ai.request.model"] == "gpt-4o"


def test_an_error_that_carries_a_paid_answer_is_billed(recording: Recording, completion: ChatCompletion) -> None:
    @observe
    def parse() -> None:
        raise openai.LengthFinishReasonError(completion=completion)

    with pytest.raises(openai.LengthFinishReasonError):
        parse()
    span = recording.span()
    assert span.status == "error"
    assert span.attributes["gen_ai.usage.input_tokens"] == 142


def test_a_status_error_of_a_web_framework_is_no_call(recording: Recording) -> None:
    class HTTPException(Exception):  # noqa: N818 - as frameworks name it
        status_code = 404

    @observe
    def view() -> None:
        raise HTTPException("not found")

    with pytest.raises(HTTPException):
        view()
    span = recording.span()
    assert span.attributes["driftline.span.kind"] == "step"
    assert span.attributes["http.response.status_code"] == 404


def test_an_error_whose_text_raises(recording: Recording) -> None:
    class Broken(Exception):  # noqa: N818
        def __str__(self) -> str:
            raise RuntimeError("even this")

        @property
        def code(self) -> str:
            raise RuntimeError("and this")

    @observe
    def fail() -> None:
        raise Broken

    with pytest.raises(Broken):
        fail()
    assert recording.span().status_message == ""


def test_a_long_error_text_is_cut(recording: Recording) -> None:
    @observe
    def fail() -> None:
        raise ValueError("x" * 10_000)

    with pytest.raises(ValueError, match="xxx"):
        fail()
    assert len(recording.span().status_message) == 501
