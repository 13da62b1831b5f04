"""LiteLLM's objects, rebuilt from what the real ones held (tests/fixtures), since LiteLLM takes too long to install."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from driftline.capture import understand
from driftline.capture.errors import error_attributes, failed_call, is_model_error
from driftline.capture.result import Usage
from provider_bodies import ANSWER, MODEL
from provider_server import added_up

CAPTURED: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "fixtures" / "clients" / "litellm.json").read_text(encoding="utf-8")
)
USAGE = Usage(input=142, output=48, cache_read=64, reasoning=16)
ANTHROPIC_USAGE = Usage(input=1120, output=48, cache_read=1000, cache_write=100, reasoning=16)
_classes: dict[tuple[str, ...], type] = {}


def replica(captured: Any) -> Any:
    """An object with the classes' names, members, extra members and private ones of a captured one."""
    if isinstance(captured, list):
        return [replica(item) for item in captured]
    if not isinstance(captured, dict):
        return captured
    if "class" not in captured:
        return {key: replica(value) for key, value in captured.items()}
    made = _class(tuple(captured["class"]), Exception if "text" in captured else object)
    found = made(*([captured["text"]] if "text" in captured else []))
    vars(found).update(replica(captured["members"]))
    if "extra" in captured:
        found.__pydantic_extra__ = replica(captured["extra"])
        found.__pydantic_private__ = replica(captured["private"])
    return found


def _class(names: tuple[str, ...], root: type) -> type:
    if not names:
        return root
    if names not in _classes:
        module, _, name = names[0].partition(":")
        slots = ("__pydantic_extra__", "__pydantic_private__") if len(names) == 1 and root is object else ()
        members = {"__module__": module, "__slots__": slots} if slots else {"__module__": module}
        _classes[names] = type(name, (_class(names[1:], root),), members)
    return _classes[names]


def test_a_completion_names_the_provider_behind_it() -> None:
    result = understand(replica(CAPTURED["chat"]))
    assert (result.operation, result.provider, result.model) == ("chat", "openai", MODEL)
    assert (result.response_id, result.finish_reasons, result.usage) == ("chatcmpl-1", ("stop",), USAGE)
    assert result.messages[0]["parts"] == [{"type": "text", "content": ANSWER}]


def test_an_answer_of_anthropic_in_openais_shape() -> None:
    result = understand(replica(CAPTURED["anthropic"]))
    assert (result.provider, result.model, result.usage) == ("anthropic", "claude-sonnet-5-5", ANTHROPIC_USAGE)
    assert result.messages[0]["parts"] == [
        {"type": "reasoning", "content": "Look it up."},
        {"type": "text", "content": ANSWER},
        {"type": "tool_call", "id": "toolu_1", "name": "track", "arguments": '{"parcel": 7}'},
    ]


def test_a_stream_names_the_model_that_answered() -> None:
    result = added_up(replica(CAPTURED["chat_stream"]))
    assert (result.operation, result.provider, result.model) == ("chat", "openai", MODEL)
    assert (result.finish_reasons, result.usage, result.service_tier) == (("stop",), USAGE, "default")
    assert result.messages[0]["parts"] == [{"type": "text", "content": ANSWER}]


def test_calls_of_tools_in_a_stream() -> None:
    result = added_up(replica(CAPTURED["tool_stream"]))
    assert [(part["name"], part["arguments"]) for part in result.messages[0]["parts"]] == [
        ("track", '{"parcel": 7}'),
        ("weather", '{"city": "Ulm"}'),
    ]


def test_a_stream_of_anthropic_in_openais_shape() -> None:
    result = added_up(replica(CAPTURED["anthropic_stream"]))
    assert (result.provider, result.usage) == ("anthropic", ANTHROPIC_USAGE)
    assert [part["type"] for part in result.messages[0]["parts"]] == ["reasoning", "text", "tool_call"]


def test_an_embedding() -> None:
    result = understand(replica(CAPTURED["embedding"]))
    assert (result.operation, result.provider, result.usage.input) == ("embeddings", "openai", 7)


@pytest.mark.parametrize(
    ("name", "kind", "status", "code"),
    [
        ("error_context_window", "litellm.ContextWindowExceededError", 400, None),
        ("error_quota", "litellm.RateLimitError", 429, "insufficient_quota"),
    ],
)
def test_errors(name: str, kind: str, status: int, code: str | None) -> None:
    error = replica(CAPTURED[name])
    found = dict(error_attributes(error))
    assert found["error.type"] == kind
    assert found["http.response.status_code"] == status
    assert found.get("driftline.error.code") == code
    assert is_model_error(error)
    assert failed_call(error).provider == "openai"
