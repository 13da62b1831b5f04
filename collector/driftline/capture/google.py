"""Answers and embeddings of google-genai, as object, or as dict spelt as the API does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from driftline import semconv
from driftline.capture.parts import content_part
from driftline.capture.providers import module_of
from driftline.capture.reasons import CONTENT_FILTER, TOOL_CALLS, in_words_of_chat
from driftline.capture.result import UNKNOWN, Result, Usage
from driftline.fields import count, items, members, text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from driftline.content import Message
    from driftline.messages import Part


def either(of: Mapping[str, Any], name: str, spelt: str) -> Any:
    """A member by the SDK's name, or as the API spells it."""
    found = of.get(name)
    return of.get(spelt) if found is None else found


def matches(of: Mapping[str, Any]) -> bool:
    """Whether it has candidates with content, or says why there are none."""
    candidates = items(of.get("candidates"))
    if candidates:
        first = members(candidates[0])
        return "content" in first and ("finish_reason" in first or "finishReason" in first)
    return bool(members(either(of, "prompt_feedback", "promptFeedback")))


def read(value: object) -> Result:
    """Read model, usage, finish reasons and the parts of all candidates."""
    of = members(value)
    messages = tuple([message(members(candidate)) for candidate in items(of.get("candidates"))])
    reasons = tuple([found["finish_reason"] for found in messages if "finish_reason" in found])
    return Result(
        operation=semconv.GENERATE_CONTENT,
        model=text(either(of, "model_version", "modelVersion")),
        provider=provider_of(value, of),
        response_id=text(either(of, "response_id", "responseId")),
        finish_reasons=reasons or blocked(of),
        usage=usage(either(of, "usage_metadata", "usageMetadata")),
        messages=messages,
    )


def message(candidate: Mapping[str, Any]) -> Message:
    """Translate one candidate."""
    content = members(candidate.get("content"))
    parts = [content_part(part) for part in items(content.get("parts"))]
    found: Message = {"role": "assistant", "parts": parts}
    reason = finish_reason(candidate, parts)
    if reason:
        found["finish_reason"] = reason
    return found


def finish_reason(candidate: Mapping[str, Any], parts: list[Part]) -> str | None:
    """Why it stopped, in the words of chat completions: a model that calls a function also says STOP."""
    reason = in_words_of_chat(either(candidate, "finish_reason", "finishReason"))
    if reason == "stop" and any(part["type"] == "tool_call" for part in parts):
        return TOOL_CALLS
    return reason


def blocked(of: Mapping[str, Any]) -> tuple[str, ...]:
    """The reason why a prompt got no candidate at all."""
    feedback = members(either(of, "prompt_feedback", "promptFeedback"))
    return (CONTENT_FILTER,) if either(feedback, "block_reason", "blockReason") is not None else ()


def provider_of(value: Any, of: Mapping[str, Any]) -> str | None:
    """Which of Google's two APIs it was: only Vertex says when it was created and by which traffic."""
    if module_of(type(value)) != "google.genai":
        return None
    traffic = members(of.get("usage_metadata")).get("traffic_type")
    return "gcp.vertex_ai" if of.get("create_time") is not None or traffic is not None else "gcp.gemini"


def usage(source: object) -> Usage:
    """Read tokens. Google counts thoughts beside the output, and what its own tools fed back beside the input."""
    if source is None:
        return UNKNOWN
    of = members(source)
    prompt = count(either(of, "prompt_token_count", "promptTokenCount"))
    fed_back = count(either(of, "tool_use_prompt_token_count", "toolUsePromptTokenCount"))
    said = count(either(of, "candidates_token_count", "candidatesTokenCount"))
    thought = count(either(of, "thoughts_token_count", "thoughtsTokenCount"))
    return Usage(
        input=None if prompt is None else prompt + (fed_back or 0),
        output=None if said is None and thought is None else (said or 0) + (thought or 0),
        cache_read=count(either(of, "cached_content_token_count", "cachedContentTokenCount")),
        reasoning=thought,
    )


def read_embeddings(value: object) -> Result:
    """Read an EmbedContentResponse, which names no model and, on the Gemini API, no tokens."""
    of = members(value)
    counts = [
        members(members(embedding).get("statistics")).get("token_count") for embedding in items(of.get("embeddings"))
    ]
    known = [int(number) for number in counts if isinstance(number, int | float)]
    spent = count(members(of.get("usage_metadata")).get("prompt_token_count"))
    return Result(
        operation=semconv.EMBEDDINGS,
        provider="gcp.vertex_ai" if known else "gcp.gemini",
        usage=Usage(input=sum(known) if spent is None and known else spent),
    )
