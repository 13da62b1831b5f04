"""What clients were asked for, of arguments as the export thread gets them."""

from __future__ import annotations

from typing import Any

import pytest
from google.genai import types

from driftline.capture.inputs import request_attributes, request_model, system_instructions
from driftline.frozen import Room, freeze
from provider_bodies import QUESTION

MESSAGES = [{"role": "user", "content": QUESTION}]


def attributes(**arguments: Any) -> dict[str, Any]:
    return dict(request_attributes(freeze(arguments, Room(10_000))))


def test_the_options_of_chat_completions() -> None:
    found = attributes(
        model="gpt-4o-mini",
        messages=MESSAGES,
        temperature=0,
        top_p=0.9,
        max_completion_tokens=100,
        seed=7,
        stream=True,
        n=2,
        stop="END",
        frequency_penalty=0.5,
        presence_penalty=-0.5,
        reasoning_effort="low",
        service_tier="flex",
        response_format={"type": "json_object"},
    )
    assert found == {
        "gen_ai.request.model": "gpt-4o-mini",
        "gen_ai.request.temperature": 0.0,
        "gen_ai.request.top_p": 0.9,
        "gen_ai.request.max_tokens": 100,
        "gen_ai.request.seed": 7,
        "gen_ai.request.stream": True,
        "gen_ai.request.choice.count": 2,
        "gen_ai.request.stop_sequences": ("END",),
        "gen_ai.request.frequency_penalty": 0.5,
        "gen_ai.request.presence_penalty": -0.5,
        "gen_ai.request.reasoning.level": "low",
        "openai.request.service_tier": "flex",
        "gen_ai.output.type": "json",
    }
    assert type(found["gen_ai.request.temperature"]) is float


def test_the_options_of_responses() -> None:
    found = attributes(
        model="gpt-4.1-mini",
        input=QUESTION,
        max_output_tokens=50,
        reasoning={"effort": "high"},
        previous_response_id="resp_0",
        text={"format": {"type": "json_schema", "name": "x", "schema": {}}},
    )
    assert found == {
        "gen_ai.request.model": "gpt-4.1-mini",
        "gen_ai.request.max_tokens": 50,
        "gen_ai.request.reasoning.level": "high",
        "gen_ai.request.previous_response.id": "resp_0",
        "gen_ai.output.type": "json",
    }


def test_the_options_of_anthropic() -> None:
    found = attributes(
        model="claude", messages=MESSAGES, max_tokens=1024, top_k=5, stop_sequences=["a", "b"], stream=False
    )
    assert found == {
        "gen_ai.request.model": "claude",
        "gen_ai.request.max_tokens": 1024,
        "gen_ai.request.top_k": 5,
        "gen_ai.request.stop_sequences": ("a", "b"),
    }


def test_the_options_of_google() -> None:
    config = types.GenerateContentConfig(
        temperature=0.2,
        top_k=40.0,
        candidate_count=1,
        max_output_tokens=10,
        response_mime_type="application/json",
        thinking_config=types.ThinkingConfig(thinking_level=types.ThinkingLevel.LOW),
    )
    found = attributes(model="gemini-2.5-flash", contents=QUESTION, config=config)
    assert found == {
        "gen_ai.request.model": "gemini-2.5-flash",
        "gen_ai.request.temperature": 0.2,
        "gen_ai.request.top_k": 40,
        "gen_ai.request.max_tokens": 10,
        "gen_ai.request.reasoning.level": "LOW",
        "gen_ai.output.type": "json",
    }


def test_the_options_of_embeddings() -> None:
    found = attributes(model="text-embedding-3-small", input=["a"], dimensions=256, encoding_format="base64")
    assert found["gen_ai.embeddings.dimension.count"] == 256
    assert found["gen_ai.request.encoding_formats"] == ("base64",)


@pytest.mark.parametrize("name", ["kwargs", "request", "params"])
def test_options_in_a_dict_of_their_own(name: str) -> None:
    found = attributes(**{name: {"model": "gpt-4o-mini", "messages": MESSAGES, "temperature": 1}, "retries": 3})
    assert found == {"gen_ai.request.model": "gpt-4o-mini", "gen_ai.request.temperature": 1.0}
    assert request_model({name: {"model": "gpt-4o-mini", "messages": MESSAGES}}) == "gpt-4o-mini"


@pytest.mark.parametrize(
    "arguments",
    [
        {"question": QUESTION, "temperature": 1},
        {"model": "T", "engine": "V8", "seed": 1},
        {"messages": MESSAGES, "n": 2},
    ],
)
def test_what_is_no_call_of_a_client_has_no_options(arguments: dict[str, Any]) -> None:
    assert attributes(**arguments) == {}


def test_a_model_alone_is_what_was_asked_for() -> None:
    assert request_model({"question": QUESTION, "model": "gpt-4o-mini"}) == "gpt-4o-mini"
    assert request_model({"question": QUESTION}) is None
    assert request_model({"model": 7}) is None


def test_nonsense_in_options_is_left_out() -> None:
    found = attributes(
        model="m",
        messages=MESSAGES,
        temperature="hot",
        max_tokens=-1,
        seed=True,
        stop=[7],
        n=None,
        response_format=7,
        reasoning=[],
        top_k=1.5,
    )
    assert found == {"gen_ai.request.model": "m"}


@pytest.mark.parametrize(
    "arguments",
    [
        {"messages": MESSAGES, "system": "Be brief."},
        {
            "messages": MESSAGES,
            "system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
        },
        {"input": QUESTION, "instructions": "Be brief."},
        {"contents": QUESTION, "config": {"system_instruction": "Be brief."}},
        {"contents": QUESTION, "config": types.GenerateContentConfig(system_instruction="Be brief.")},
        {
            "contents": QUESTION,
            "config": types.GenerateContentConfig(
                system_instruction=types.Content(parts=[types.Part.from_text(text="Be brief.")])
            ),
        },
        {
            "contents": QUESTION,
            "config": types.GenerateContentConfig(system_instruction=types.Part.from_text(text="Be brief.")),
        },
    ],
)
def test_instructions_beside_the_conversation(arguments: dict[str, Any]) -> None:
    found = system_instructions(freeze({"model": "m", **arguments}, Room(10_000)))
    assert found == [{"type": "text", "content": "Be brief."}]


def test_without_a_call_there_are_no_instructions() -> None:
    assert system_instructions({"system": "Linux", "model": "T"}) == []
    assert system_instructions({"model": "m", "messages": [{"role": "system", "content": "Be brief."}]}) == []
