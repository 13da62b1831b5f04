"""Anthropic's messages, as object or dict."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from driftline import semconv
from driftline.capture.parts import content_parts
from driftline.capture.providers import module_of
from driftline.capture.reasons import in_words_of_chat
from driftline.capture.result import UNKNOWN, Result, Usage
from driftline.fields import count, members, text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from driftline.content import Message

COUNTS: Final = ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
"""The numbers of a usage."""

_PLATFORMS: Final = (("msg_bdrk_", "aws.bedrock"), ("msg_vrtx_", "gcp.vertex_ai"))
"""How the ids begin of answers that came through another cloud, which the objects do not tell otherwise."""


def matches(of: Mapping[str, Any]) -> bool:
    """Whether it is a message that a model wrote."""
    return text(of.get("type")) == "message" and isinstance(of.get("content"), list) and "stop_reason" in of


def read(value: object) -> Result:
    """Read model, usage, stop reason and content blocks."""
    of = members(value)
    reason = in_words_of_chat(of.get("stop_reason"))
    message: Message = {"role": text(of.get("role")) or "assistant", "parts": content_parts(of.get("content"))}
    if reason:
        message["finish_reason"] = reason
    spent = members(of.get("usage"))
    response_id = text(of.get("id"))
    return Result(
        operation=semconv.CHAT,
        model=text(of.get("model")),
        provider=provider_of(response_id, value),
        response_id=response_id,
        finish_reasons=(reason,) if reason else (),
        usage=usage(spent),
        messages=(message,),
    )


def provider_of(response_id: str | None, value: Any) -> str | None:
    """The provider by the id's beginning, else by the SDK; of a dict it stays unknown."""
    for start, provider in _PLATFORMS:
        if response_id is not None and response_id.startswith(start):
            return provider
    return "anthropic" if module_of(type(value)) == "anthropic" else None


def usage(spent: Mapping[str, Any]) -> Usage:
    """Read tokens. Anthropic counts cached ones beside the input; here they are part of it."""
    new = count(spent.get("input_tokens"))
    read_from = count(spent.get("cache_read_input_tokens"))
    written = count(spent.get("cache_creation_input_tokens"))
    if new is None and spent.get("output_tokens") is None:
        return UNKNOWN
    return Usage(
        None if new is None else new + (read_from or 0) + (written or 0),
        count(spent.get("output_tokens")),
        read_from,
        written,
        count(members(spent.get("output_tokens_details")).get("thinking_tokens")),
    )
