"""LangChain's messages as its OpenAI and Anthropic models made them (tests/fixtures), in the real classes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from langchain_core.documents import Document
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage, SystemMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult, Generation, LLMResult

from driftline.capture import understand
from driftline.capture.inputs import input_messages
from driftline.capture.result import Usage
from driftline.frozen import Room, freeze
from provider_bodies import ANSWER, MODEL, QUESTION
from provider_server import added_up

CAPTURED: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "fixtures" / "clients" / "langchain.json").read_text(encoding="utf-8")
)
USAGE = Usage(input=142, output=48, cache_read=64, reasoning=16)
ANTHROPIC_USAGE = Usage(input=1120, output=48, cache_read=1000, cache_write=100, reasoning=16)
CALL = {"type": "tool_call", "id": "call_1", "name": "track", "arguments": {"parcel": 7}}


def message(name: str) -> AIMessage:
    return AIMessage(**CAPTURED[name])


def chunks(name: str) -> list[AIMessageChunk]:
    return [AIMessageChunk(**chunk) for chunk in CAPTURED[name]]


def test_an_answer_of_openai() -> None:
    result = understand(message("openai"))
    assert (result.operation, result.provider, result.model) == ("chat", "openai", MODEL)
    assert (result.response_id, result.finish_reasons, result.usage) == ("chatcmpl-1", ("stop",), USAGE)
    assert result.messages == (
        {"role": "assistant", "parts": [{"type": "text", "content": ANSWER}], "finish_reason": "stop"},
    )


def test_a_call_of_a_tool_is_kept_as_it_was() -> None:
    answer = message("openai_tool")
    result = understand(answer)
    answer.tool_calls[0]["args"]["parcel"] = 8
    assert result.messages[0]["parts"][-1] == CALL
    assert result.finish_reasons == ("tool_calls",)


def test_a_response_with_reasoning_and_a_call_that_its_content_holds_too() -> None:
    result = understand(message("responses"))
    assert (result.response_id, result.finish_reasons) == ("resp_1", ("stop",))
    assert result.usage == Usage(input=100, output=30, cache_read=40, cache_write=8, reasoning=10)
    assert result.messages[0]["parts"] == [
        {"type": "reasoning", "content": "Look it up."},
        {"type": "text", "content": "Tomorrow."},
        CALL,
    ]


def test_an_answer_of_anthropic() -> None:
    result = understand(message("anthropic"))
    assert (result.operation, result.provider, result.usage) == ("chat", "anthropic", ANTHROPIC_USAGE)
    assert result.response_id == "msg_01XFDUDYJgAACzvnptvVoYEL"
    kinds = [part["type"] for part in result.messages[0]["parts"]]
    assert kinds == ["reasoning", "reasoning", "text", "server_tool_call", "server_tool_call_response", "tool_call"]


def test_a_message_that_the_application_wrote_is_no_call() -> None:
    result = understand(AIMessage("We are closed."))
    assert result.operation is None
    assert result.messages[0]["parts"] == [{"type": "text", "content": "We are closed."}]


def test_generations_count_each_prompts_tokens_once() -> None:
    group: list[Any] = [ChatGeneration(message=message("openai")), ChatGeneration(message=message("openai"))]
    result = understand(LLMResult(generations=[group, group], llm_output={"model_name": MODEL}))
    assert (result.operation, result.model) == ("chat", MODEL)
    assert result.usage == Usage(input=284, output=96, cache_read=128, reasoning=32)
    assert result.finish_reasons == ("stop",) * 4
    assert len(result.messages) == 4


def test_a_chat_result_is_one_prompts() -> None:
    group = [ChatGeneration(message=message("openai")), ChatGeneration(message=message("openai"))]
    assert understand(ChatResult(generations=group)).usage == USAGE


def test_a_result_without_chat_is_text() -> None:
    output = {"model_name": "davinci", "token_usage": {"prompt_tokens": 7, "completion_tokens": 3}}
    result = understand(LLMResult(generations=[[Generation(text=ANSWER)]], llm_output=output))
    assert (result.operation, result.model, result.usage) == ("chat", "davinci", Usage(input=7, output=3))
    assert result.messages == ({"role": "assistant", "parts": [{"type": "text", "content": ANSWER}]},)


def test_a_stream_of_openai() -> None:
    result = added_up(chunks("openai_stream"))
    assert (result.operation, result.provider, result.model) == ("chat", "openai", MODEL)
    assert (result.finish_reasons, result.usage) == (("stop",), USAGE)
    assert result.messages[0]["parts"] == [{"type": "text", "content": ANSWER}]
    generations = [ChatGenerationChunk(message=chunk) for chunk in chunks("openai_stream")]
    assert added_up(generations) == result


def test_calls_of_tools_in_a_stream() -> None:
    result = added_up(chunks("openai_tool_stream"))
    assert [(part["id"], part["name"], part["arguments"]) for part in result.messages[0]["parts"]] == [
        ("call_1", "track", '{"parcel": 7}'),
        ("call_2", "weather", '{"city": "Ulm"}'),
    ]


@pytest.mark.parametrize(
    ("name", "text", "usage"),
    [
        ("anthropic_stream", ANSWER, ANTHROPIC_USAGE),
        ("responses_stream", "Tomorrow.", Usage(input=100, output=30, cache_read=40, cache_write=8, reasoning=10)),
    ],
)
def test_streams_of_typed_parts(name: str, text: str, usage: Usage) -> None:
    result = added_up(chunks(name))
    said = result.messages[0]["parts"]
    assert said[:2] == [{"type": "reasoning", "content": "Look it up."}, {"type": "text", "content": text}]
    assert (said[2]["name"], said[2]["arguments"]) == ("track", '{"parcel": 7}')
    assert result.usage == usage


def test_chunks_that_were_added_up_say_the_same_as_their_stream() -> None:
    first, *rest = chunks("openai_stream")
    whole = understand(sum(rest, first))
    assert (whole.usage, whole.finish_reasons) == (USAGE, ("stop",))
    assert whole.messages == added_up(chunks("openai_stream")).messages


def test_messages_as_arguments() -> None:
    asked = [
        SystemMessage("Be brief."),
        HumanMessage([{"type": "text", "text": QUESTION}, {"type": "image", "url": "https://example.org/a.png"}]),
        message("openai_tool"),
        ToolMessage("in Ulm", tool_call_id="call_1"),
        ("human", "And now?"),
    ]
    found = input_messages({"messages": freeze(asked, Room(1000))})
    assert found == [
        {"role": "system", "parts": [{"type": "text", "content": "Be brief."}]},
        {
            "role": "user",
            "parts": [
                {"type": "text", "content": QUESTION},
                {"type": "uri", "modality": "image", "uri": "https://example.org/a.png"},
            ],
        },
        {"role": "assistant", "parts": [CALL]},
        {"role": "tool", "parts": [{"type": "tool_call_response", "id": "call_1", "response": "in Ulm"}]},
        {"role": "user", "parts": [{"type": "text", "content": "And now?"}]},
    ]


def test_documents_as_arguments_of_a_step_are_data() -> None:
    documents = [Document("Parcels take two days.", metadata={"source": "faq"})]
    (found,) = input_messages(freeze({"question": QUESTION, "documents": documents}, Room(1000)))
    content = found["parts"][0]["content"]
    assert content["question"] == QUESTION
    assert content["documents"][0]["page_content"] == "Parcels take two days."
    assert content["documents"][0]["metadata"] == {"source": "faq"}
