"""What functions were asked, of arguments as the export thread gets them: copies in plain dicts, lists and texts."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from google.genai import types

from driftline.capture.inputs import input_messages
from driftline.frozen import Room, freeze
from driftline.messages import render
from provider_bodies import ANSWER, QUESTION

PNG = b"\x89PNG\r\n\x1a\n"
BASE64 = "iVBORw0KGgo="
DESCRIBED = {"size": 8, "sha256": hashlib.sha256(PNG).hexdigest()[:16]}


def asked(**arguments: Any) -> list[dict[str, Any]]:
    """The messages as they are written, from arguments as they are copied."""
    messages = input_messages(freeze(arguments, Room(10_000)))
    return list(json.loads(render(messages, 10_000, newest_first=True)[0]))


def user(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"role": "user", "parts": list(parts)}


def text(content: str) -> dict[str, Any]:
    return {"type": "text", "content": content}


@pytest.mark.parametrize(
    "arguments",
    [
        {"question": QUESTION},
        {"messages": [{"role": "user", "content": QUESTION}], "model": "gpt-4o-mini", "temperature": 0},
        {"model": "gpt-4.1-mini", "input": QUESTION, "instructions": "Be brief."},
        {"model": "gpt-4.1-mini", "input": [{"role": "user", "content": [{"type": "input_text", "text": QUESTION}]}]},
        {"model": "gemini-2.5-flash", "contents": QUESTION},
        {"model": "gemini-2.5-flash", "contents": types.Part.from_text(text=QUESTION)},
        {"model": "gemini-2.5-flash", "contents": [types.UserContent(parts=[types.Part.from_text(text=QUESTION)])]},
        {"kwargs": {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": QUESTION}]}},
        {"history": [], "prompt": QUESTION, "model": "gpt-4o-mini"},
        {"message": {"role": "user", "content": QUESTION}},
        {"prompt": {"messages": [{"content": QUESTION, "type": "human", "id": None}]}},
        {"messages": [{"role": "user", "parts": [{"type": "text", "content": QUESTION}]}]},
    ],
)
def test_a_question_however_it_is_asked(arguments: dict[str, Any]) -> None:
    assert asked(**arguments) == [user(text(QUESTION))]


def test_a_history_comes_before_the_question() -> None:
    history = [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Hi!"}]
    for arguments in (
        {"question": QUESTION, "history": history},
        {"model": "m", "input": QUESTION, "history": history},
    ):
        assert [message["parts"][0]["content"] for message in asked(**arguments)] == ["Hello", "Hi!", QUESTION]


def test_a_system_message_stays_where_it_is() -> None:
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": QUESTION}]
    assert [message["role"] for message in asked(messages=messages)] == ["system", "user"]


def test_anything_else_is_data() -> None:
    (message,) = asked(city="Ulm", count=2)
    assert json.loads(message["parts"][0]["content"]) == {"city": "Ulm", "count": 2}
    assert asked() == []


def test_several_conversations_are_data() -> None:
    chat = [{"role": "user", "content": QUESTION}]
    (message,) = asked(left=chat, right=chat)
    assert json.loads(message["parts"][0]["content"])["left"][0]["content"] == QUESTION


def test_the_turns_of_anthropic() -> None:
    call = {"type": "tool_use", "id": "toolu_1", "name": "track", "input": {"parcel": 7}}
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": [{"type": "text", "text": "in Ulm"}]}
    found = asked(
        model="claude",
        messages=[
            {"role": "user", "content": QUESTION},
            {"role": "assistant", "content": [{"type": "thinking", "thinking": "Look it up.", "signature": "x"}, call]},
            {"role": "user", "content": [result]},
        ],
    )
    assert found[1:] == [
        {
            "role": "assistant",
            "parts": [
                {"type": "reasoning", "content": "Look it up."},
                {"type": "tool_call", "id": "toolu_1", "name": "track", "arguments": {"parcel": 7}},
            ],
        },
        user({"type": "tool_call_response", "id": "toolu_1", "response": "in Ulm"}),
    ]


def test_the_items_of_responses() -> None:
    found = asked(
        model="gpt-4.1-mini",
        input=[
            {"role": "user", "content": QUESTION},
            {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "Look it up."}]},
            {"type": "function_call", "call_id": "call_1", "name": "track", "arguments": '{"parcel": 7}'},
            {"type": "function_call_output", "call_id": "call_1", "output": "in Ulm"},
        ],
    )
    assert found[1:] == [
        {"role": "assistant", "parts": [{"type": "reasoning", "content": "Look it up."}]},
        {
            "role": "assistant",
            "parts": [{"type": "tool_call", "id": "call_1", "name": "track", "arguments": {"parcel": 7}}],
        },
        {"role": "tool", "parts": [{"type": "tool_call_response", "id": "call_1", "response": "in Ulm"}]},
    ]


def test_the_contents_of_google() -> None:
    contents: list[Any] = [
        QUESTION,
        types.Part.from_bytes(data=PNG, mime_type="image/png"),
        types.ModelContent(parts=[types.Part.from_function_call(name="track", args={"parcel": 7})]),
        types.UserContent(parts=[types.Part.from_function_response(name="track", response={"city": "Ulm"})]),
        types.Part.from_uri(file_uri="gs://bucket/a.mp4", mime_type="video/mp4"),
    ]
    assert asked(model="gemini-2.5-flash", contents=contents) == [
        user(text(QUESTION), {"type": "blob", "modality": "image", "mime_type": "image/png", **DESCRIBED}),
        {"role": "assistant", "parts": [{"type": "tool_call", "name": "track", "arguments": {"parcel": 7}}]},
        user({"type": "tool_call_response", "response": {"city": "Ulm"}}),
        user({"type": "uri", "modality": "video", "uri": "gs://bucket/a.mp4", "mime_type": "video/mp4"}),
    ]


@pytest.mark.parametrize(
    ("part", "modality", "mime_type"),
    [
        ({"type": "image_url", "image_url": {"url": f"data:image/png;base64,{BASE64}"}}, "image", "image/png"),
        ({"type": "input_image", "image_url": f"data:image/png;base64,{BASE64}"}, "image", "image/png"),
        ({"type": "input_audio", "input_audio": {"data": BASE64, "format": "wav"}}, "audio", "audio/wav"),
        (
            {"type": "file", "file": {"file_data": f"data:application/pdf;base64,{BASE64}"}},
            "document",
            "application/pdf",
        ),
        (
            {"type": "input_file", "file_data": f"data:application/pdf;base64,{BASE64}"},
            "document",
            "application/pdf",
        ),
        (
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": BASE64}},
            "image",
            "image/png",
        ),
        (
            {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": BASE64}},
            "document",
            "application/pdf",
        ),
        ({"type": "image", "base64": BASE64, "mime_type": "image/png"}, "image", "image/png"),
        ({"type": "image", "source_type": "base64", "data": BASE64, "mime_type": "image/png"}, "image", "image/png"),
        ({"type": "blob", "mime_type": "image/png", "content": BASE64}, "image", "image/png"),
        ({"inlineData": {"mimeType": "image/png", "data": BASE64}}, "image", "image/png"),
        ({"inline_data": {"mime_type": "image/png", "data": PNG}}, "image", "image/png"),
    ],
)
def test_binary_content_is_its_kind_size_and_hash(part: dict[str, Any], modality: str, mime_type: str) -> None:
    ((message),) = asked(messages=[{"role": "user", "content": [part]}])
    assert message["parts"] == [{"type": "blob", "modality": modality, "mime_type": mime_type, **DESCRIBED}]


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (
            {"type": "image", "source": {"type": "url", "url": "https://example.org/a.png"}},
            {"type": "uri", "modality": "image", "uri": "https://example.org/a.png"},
        ),
        (
            {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "Parcels."}},
            {"type": "text", "content": "Parcels."},
        ),
        ({"type": "file", "file": {"file_id": "file-1"}}, {"type": "file", "file_id": "file-1"}),
        ({"type": "input_image", "file_id": "file-1"}, {"type": "file", "file_id": "file-1"}),
        (
            {"type": "document", "source": {"type": "file", "file_id": "file-1"}},
            {"type": "file", "file_id": "file-1"},
        ),
        (
            {"type": "from_tomorrow", "spin": 1},
            {"type": "from_tomorrow", "content": '{"type": "from_tomorrow", "spin": 1}'},
        ),
    ],
)
def test_what_is_elsewhere_or_unknown(part: dict[str, Any], expected: dict[str, Any]) -> None:
    (message,) = asked(messages=[{"role": "user", "content": [part]}])
    assert message["parts"] == [expected]


def test_a_picture_that_a_tool_answered_is_not_written_out() -> None:
    source = {"type": "base64", "media_type": "image/png", "data": BASE64}
    result = {"type": "tool_result", "tool_use_id": "t", "content": [{"type": "image", "source": source}]}
    (message,) = asked(messages=[{"role": "user", "content": [result]}])
    (part,) = message["parts"]
    assert part["response"][0]["mime_type"] == "image/png"
    assert BASE64 not in json.dumps(message)


@pytest.mark.parametrize(
    "messages",
    [
        [{"role": "user"}],
        [{"role": 7, "content": QUESTION}],
        [None],
        [[]],
        [["user"]],
        ["user", "assistant"],
        [{"role": "user", "content": QUESTION}, 7],
        {"messages": 7},
    ],
)
def test_what_is_no_conversation_is_data(messages: object) -> None:
    (message,) = asked(value=messages)
    assert message["role"] == "user"
    assert message["parts"][0]["type"] == "text"


def test_a_message_with_nonsense_inside_is_still_read() -> None:
    content = [None, 7, {"type": None}, {"type": "image_url"}, {"type": "tool_use", "input": None}, {"text": ANSWER}]
    (message,) = asked(messages=[{"role": "user", "content": content, "tool_calls": [None, {"function": 7}]}])
    assert text(ANSWER) in message["parts"]


def test_roles_are_cut_and_cleaned_like_other_names() -> None:
    (message,) = asked(messages=[{"role": "\ud800" + "r" * 1000, "content": QUESTION}])
    assert message["role"] == "?" + "r" * 255 + "…"
