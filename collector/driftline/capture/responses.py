"""OpenAI's Responses API, as object or dict."""

from __future__ import annotations

from typing import TYPE_CHECKING

from driftline import semconv
from driftline.capture.result import Result, Usage, provider_of, tier_of
from driftline.fields import count, field, items, text
from driftline.messages import Part, content_parts, text_part, tool_call_part

if TYPE_CHECKING:
    from driftline.content import Message

_CALLS = frozenset({"function_call", "custom_tool_call"})


def matches(value: object) -> bool:
    """Whether it is a response: it says so itself and has a list of output items."""
    return text(field(value, "object")) == "response" and isinstance(field(value, "output"), list)


def read(value: object) -> Result:
    """Read model, usage, status and output items, which together are one answer."""
    reason = _finish_reason(value)
    parts = [part for item in items(field(value, "output")) for part in _parts(item)]
    message: Message = {"role": "assistant", "parts": parts}
    if reason:
        message["finish_reason"] = reason
    return Result(
        operation=semconv.CHAT,
        model=text(field(value, "model")),
        provider=provider_of(value),
        response_id=text(field(value, "id")),
        finish_reasons=(reason,) if reason else (),
        service_tier=tier_of(value),
        usage=_usage(field(value, "usage")),
        messages=(message,),
    )


def _finish_reason(value: object) -> str | None:
    """The reason in the words of chat completions, so that both kinds of answer count together."""
    status = text(field(value, "status"))
    if status == "incomplete":
        why = text(field(field(value, "incomplete_details"), "reason"))
        return {"max_output_tokens": "length"}.get(why or "", why or status)
    if status == "completed":
        called = any(text(field(item, "type")) in _CALLS for item in items(field(value, "output")))
        return "tool_calls" if called else "stop"
    return {"failed": "error", "cancelled": "error"}.get(status or "", status)


def _usage(usage: object) -> Usage:
    taken = field(usage, "input_tokens_details")
    return Usage(
        input=count(field(usage, "input_tokens")),
        output=count(field(usage, "output_tokens")),
        cache_read=count(field(taken, "cached_tokens")),
        cache_write=count(field(taken, "cache_write_tokens")),
        reasoning=count(field(field(usage, "output_tokens_details"), "reasoning_tokens")),
    )


def _parts(item: object) -> list[Part]:
    kind = text(field(item, "type")) or "unknown"
    if kind == "message":
        return content_parts(field(item, "content"))
    if kind in _CALLS:
        arguments = field(item, "arguments" if kind == "function_call" else "input")
        return [tool_call_part(field(item, "call_id"), field(item, "name"), arguments)]
    if kind == "reasoning":
        said = items(field(item, "summary")) + items(field(item, "content"))
        return [{**text_part(text(field(part, "text")) or ""), "type": "reasoning"} for part in said]
    # Web searches, code runs and what comes next: named, without their often large payload.
    return [{"type": kind, "id": text(field(item, "id"))}]
