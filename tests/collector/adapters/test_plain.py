"""Results and streams that are nobody's model's, and objects that only look like a model's."""

from __future__ import annotations

import dataclasses
import enum
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from unittest.mock import MagicMock, create_autospec

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.types.chat import ChatCompletion
from pydantic import BaseModel

from collector_support import chat_body
from driftline.capture import understand
from driftline.capture.gathered import MOST
from driftline.messages import render
from provider_bodies import ANSWER, MESSAGE_EVENTS, chat_chunk
from provider_server import added_up

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Word(str):
    __slots__ = ()

    def __str__(self) -> str:
        raise AssertionError("the application's code ran")


class Colour(enum.StrEnum):
    RED = "red"


class Parcel(BaseModel):
    city: str


@dataclasses.dataclass
class Answer:
    text: str
    scores: list[int]


@pytest.mark.parametrize(
    ("value", "content"),
    [
        ("text", "text"),
        (Word("text"), "text"),
        (Colour.RED, "red"),
        (7, 7),
        ([1, "a"], [1, "a"]),
        (Parcel(city="Ulm"), {"city": "Ulm"}),
        (Answer("yes", [1, 2]), {"text": "yes", "scores": [1, 2]}),
        ({"object": ["unhashable"]}, {"object": ["unhashable"]}),
        ({"choices": [{"price": 1}]}, {"choices": [{"price": 1}]}),
    ],
)
def test_texts_and_data_are_the_output_of_a_step(value: object, content: object) -> None:
    result = understand(value)
    assert result.operation is None
    assert result.messages == ({"role": "assistant", "parts": [{"type": "text", "content": content}]},)


def test_what_is_changed_after_the_call_is_recorded_as_it_was() -> None:
    value = {"cities": ["Ulm"]}
    result = understand(value)
    value["cities"].append("Bonn")
    assert result.messages[0]["parts"][0]["content"] == {"cities": ["Ulm"]}


def test_lazy_things_are_not_touched() -> None:
    def numbers() -> Iterator[int]:
        yield 1

    lazy = numbers()
    assert understand(lazy).messages == ()
    assert understand(None).messages == ()
    assert list(lazy) == [1]


def test_objects_of_no_known_class_are_known_by_their_shape() -> None:
    message = SimpleNamespace(role="assistant", content=ANSWER)
    value = SimpleNamespace(choices=[SimpleNamespace(message=message, finish_reason="stop")], model="m")
    result = understand(value)
    assert (result.operation, result.model, result.provider) == ("chat", "m", None)
    assert result.messages[0]["parts"] == [{"type": "text", "content": ANSWER}]


@pytest.mark.parametrize("mock", [MagicMock(), MagicMock(spec=ChatCompletion), create_autospec(dict, instance=True)])
def test_a_mock_is_no_completion(mock: object) -> None:
    assert understand(mock).operation is None


def test_a_result_of_instructor_is_billed_for_all_its_attempts() -> None:
    parcel = Parcel(city="Ulm")
    completion = ChatCompletion.model_validate(chat_body())
    assert completion.usage is not None
    total = completion.usage.model_copy(update={"prompt_tokens": 284})
    vars(parcel).update(_raw_response=completion, _total_usage=total)  # as instructor 1.17 does
    result = understand(parcel)
    assert (result.operation, result.usage.input, result.response_id) == ("chat", 284, "chatcmpl-1")


def test_a_run_of_pydantic_ai_is_its_output() -> None:
    run = type("AgentRunResult", (), {"__module__": "pydantic_ai.run"})()
    vars(run).update(output=Parcel(city="Ulm"), _state=object())
    assert understand(run).messages[0]["parts"] == [{"type": "text", "content": {"city": "Ulm"}}]


def test_a_mock_inside_a_completion_is_left_out() -> None:
    result = understand(chat_body(usage=MagicMock(), model=MagicMock(), choices=[MagicMock(), None, 7]))
    assert (result.operation, result.model, result.usage.input) == ("chat", None, None)


def test_attributes_that_would_query_a_database_are_not_read() -> None:
    class Poll:
        def __init__(self) -> None:
            self.title = "Lunch"

        @property
        def choices(self) -> list[object]:
            raise AssertionError("a query ran")

        def __getattr__(self, name: str) -> object:
            raise AssertionError(f"a query ran for {name}")

    assert understand(Poll()).operation is None


def test_classes_that_are_made_as_a_program_goes_are_read_and_not_collected() -> None:
    from driftline import capture  # noqa: PLC0415 - looks at what it keeps

    for number in range(2000):
        understand(type(f"Made{number}", (), {})())
    assert len(capture._readers) <= 512
    assert understand(chat_body()).operation == "chat"


def test_a_subclass_of_a_known_class_is_read_like_it() -> None:
    class Ours(ChatCompletion):
        pass

    assert understand(Ours.model_validate(chat_body())).usage.input == 142


def test_a_stream_of_texts_is_joined() -> None:
    result = added_up(["It is", Word(" on"), None, " its way."])
    assert result.operation is None
    assert result.messages == ({"role": "assistant", "parts": [{"type": "text", "content": ANSWER}]},)


def test_a_stream_of_values_lists_copies_of_the_first_ones() -> None:
    value = {"n": [0]}
    result = added_up([value, 1, *({"n": n} for n in range(1000))])
    value["n"].append(9)
    (part,) = result.messages[0]["parts"]
    assert part["content"][:3] == [{"n": [0]}, 1, {"n": 0}]
    assert part["content"][-1] == "…"
    assert len(part["content"]) == 257


LONG = "z" * 1000


def _repeated(event: dict[str, Any]) -> list[dict[str, Any]]:
    return [MESSAGE_EVENTS[0], *([event] * 200)]


@pytest.mark.parametrize(
    "chunks",
    [
        [LONG] * 200,
        [chat_chunk({"content": LONG})] * 200,
        [chat_chunk({"tool_calls": [{"index": 0, "function": {"name": "f", "arguments": LONG}}]})] * 200,
        _repeated({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": LONG}}),
        [{"type": "response.output_text.delta", "output_index": 0, "delta": LONG}] * 200,
        [{"type": "response.output_text.delta", "output_index": n, "delta": LONG} for n in range(2000)],
        [chat_chunk({"content": LONG}, index=n) for n in range(2000)],
    ],
)
def test_a_long_stream_keeps_no_more_than_its_limit_and_says_so(chunks: list[object]) -> None:
    result = added_up(chunks)
    rendered, _ = render(result.messages, 10_000_000, newest_first=False)
    assert rendered.count("z") == MOST
    assert "…" in rendered


def _of_chat(piece: str) -> dict[str, Any]:
    return chat_chunk({"content": piece})


def _of_anthropic(piece: str) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": piece}}


def _of_responses(piece: str) -> dict[str, Any]:
    return {"type": "response.output_text.delta", "output_index": 0, "delta": piece}


@pytest.mark.parametrize(
    ("first", "chunk"),
    [
        ("", str),
        (chat_chunk({"role": "assistant", "content": ""}), _of_chat),
        (MESSAGE_EVENTS[0], _of_anthropic),
        ({"type": "response.created"}, _of_responses),
    ],
)
@settings(max_examples=30)
@given(pieces=st.lists(st.text(max_size=40), max_size=300))
def test_however_a_text_is_split_it_adds_up_to_itself(
    first: object, chunk: Callable[[str], object], pieces: list[str]
) -> None:
    result = added_up([first, *map(chunk, pieces)])
    texts = [part["content"] for message in result.messages for part in message["parts"]]
    assert "".join(texts) == "".join(pieces)
