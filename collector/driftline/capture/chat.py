"""OpenAI's chat completion (and the older text completion), as object or dict."""

from __future__ import annotations

from typing import TYPE_CHECKING

from driftline import semconv
from driftline.capture.result import Result, Usage, provider_of, tier_of
from driftline.fields import count, field, items, text
from driftline.messages import chat_message, text_message

if TYPE_CHECKING:
    from driftline.content import Message

_CHAT = "chat.completion"
_TEXT = "text_completion"


def matches(value: object) -> bool:
    """Whether it is a completion: it says so itself, or it has choices with messages."""
    kind = text(field(value, "object"))
    if kind in {_CHAT, _TEXT}:
        return isinstance(field(value, "choices"), list)
    choices = items(field(value, "choices"))
    return bool(choices) and kind is None and text(field(field(choices[0], "message"), "role")) is not None


def read(value: object) -> Result:
    """Read model, usage, finish reasons and messages of all choices."""
    choices = items(field(value, "choices"))
    is_text = text(field(value, "object")) == _TEXT
    return Result(
        operation=semconv.TEXT_COMPLETION if is_text else semconv.CHAT,
        model=text(field(value, "model")),
        provider=provider_of(value),
        response_id=text(field(value, "id")),
        finish_reasons=tuple(filter(None, (text(field(choice, "finish_reason")) for choice in choices))),
        service_tier=tier_of(value),
        usage=_usage(field(value, "usage")),
        messages=tuple(_message(choice) for choice in choices),
    )


def _usage(usage: object) -> Usage:
    prompt = field(usage, "prompt_tokens_details")
    return Usage(
        input=count(field(usage, "prompt_tokens")),
        output=count(field(usage, "completion_tokens")),
        cache_read=count(field(prompt, "cached_tokens")),
        cache_write=count(field(prompt, "cache_write_tokens")),
        reasoning=count(field(field(usage, "completion_tokens_details"), "reasoning_tokens")),
    )


def _message(choice: object) -> Message:
    source = field(choice, "message")
    message = text_message("assistant", text(field(choice, "text")) or "") if source is None else chat_message(source)
    reason = text(field(choice, "finish_reason"))
    return {**message, "finish_reason": reason} if reason else message
