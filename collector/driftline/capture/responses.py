"""OpenAI's Responses API, as object or dict."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from driftline import semconv
from driftline.capture.parts import content_part, content_parts
from driftline.capture.providers import provider_of, tier_of
from driftline.capture.reasons import TOOL_CALLS, in_words_of_chat
from driftline.capture.result import UNKNOWN, Result, Usage, counted
from driftline.fields import items, members, text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from driftline.content import Message
    from driftline.messages import Part

CALLS: Final = frozenset({"function_call", "custom_tool_call"})
_TRANSLATED: Final = CALLS | {"reasoning", "function_call_output", "custom_tool_call_output"}


def matches(of: Mapping[str, Any]) -> bool:
    """Whether it is a response: it says so itself and has a list of output items."""
    return text(of.get("object")) == "response" and isinstance(of.get("output"), list)


def read(value: object) -> Result:
    """Read model, usage, status and output items, which together are one answer."""
    of = members(value)
    output = items(of.get("output"))
    reason = _finish_reason(of, output)
    provider, model = provider_of(value, of)
    return Result(
        operation=semconv.CHAT,
        model=model,
        provider=provider,
        response_id=text(of.get("id")),
        finish_reasons=(reason,) if reason else (),
        service_tier=tier_of(of),
        usage=_usage(of.get("usage")),
        messages=(answer([part for item in output for part in item_parts(item)], reason),),
    )


def answer(parts: list[Part], reason: str | None) -> Message:
    """The one message that all output items make."""
    message: Message = {"role": "assistant", "parts": parts}
    if reason:
        message["finish_reason"] = reason
    return message


def item_parts(item: object) -> list[Part]:
    """Translate one item of an output, or of an input that hands it back."""
    of = members(item)
    kind = text(of.get("type")) or "unknown"
    if kind == "message":
        return content_parts(of.get("content"))
    if kind in _TRANSLATED:
        return [content_part(item)]
    # Web searches, code runs and what comes next: named, without their often large payload.
    return [{"type": kind, "id": text(of.get("id"))}]


def _finish_reason(of: Mapping[str, Any], output: Sequence[Any]) -> str | None:
    """The reason by the status, which chat completions do not have."""
    status = text(of.get("status"))
    if status == "incomplete":
        return in_words_of_chat(members(of.get("incomplete_details")).get("reason")) or status
    if status == "completed" and any(text(members(item).get("type")) in CALLS for item in output):
        return TOOL_CALLS
    return in_words_of_chat(status)


def _usage(source: object) -> Usage:
    if source is None:
        return UNKNOWN
    of = members(source)
    taken = members(of.get("input_tokens_details"))
    return counted(
        of.get("input_tokens"),
        of.get("output_tokens"),
        taken.get("cached_tokens"),
        taken.get("cache_write_tokens"),
        members(of.get("output_tokens_details")).get("reasoning_tokens"),
    )
