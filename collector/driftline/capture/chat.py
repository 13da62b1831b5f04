"""OpenAI's chat completion and the older text completion, as object or dict; LiteLLM's, which has their shape."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from driftline import semconv
from driftline.capture.parts import content_parts, frozen
from driftline.capture.providers import provider_of, tier_of
from driftline.capture.result import UNKNOWN, Result, Usage, counted
from driftline.fields import items, members, text
from driftline.messages import Part, blob_part, reasoning_part, refusal_part, text_part, tool_call_part, uri_part

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from driftline.content import Message

_CHAT = "chat.completion"
_TEXT = "text_completion"


def matches(of: Mapping[str, Any]) -> bool:
    """Whether it is a completion: it says so itself, or it has choices with messages."""
    choices = items(of.get("choices"))
    kind = text(of.get("object"))
    if kind in {_CHAT, _TEXT}:
        return isinstance(of.get("choices"), list)
    return bool(choices) and kind is None and text(members(members(choices[0]).get("message")).get("role")) is not None


def read(value: object) -> Result:
    """Read model, usage, finish reasons and messages of all choices."""
    of = members(value)
    choices = [members(choice) for choice in items(of.get("choices"))]
    provider, model = provider_of(value, of, choices)
    messages = tuple([_message(choice) for choice in choices])
    return Result(  # by position, since names would take a tenth of all this
        semconv.TEXT_COMPLETION if text(of.get("object")) == _TEXT else semconv.CHAT,
        model,
        provider,
        text(of.get("id")),
        tuple([message["finish_reason"] for message in messages if "finish_reason" in message]),
        tier_of(of),
        usage(of.get("usage")),
        messages,
    )


def usage(source: Any) -> Usage:
    """Read the tokens of a completion; UNKNOWN when it does not say."""
    if source is None:
        return UNKNOWN
    try:  # the client's own classes hold all of it
        of, prompt = source.__dict__, source.__dict__["prompt_tokens_details"].__dict__
        said = of["completion_tokens_details"].__dict__
    except (AttributeError, KeyError):
        of = members(source)
        prompt, said = members(of.get("prompt_tokens_details")), members(of.get("completion_tokens_details"))
    return counted(
        of.get("prompt_tokens"),
        of.get("completion_tokens"),
        prompt.get("cached_tokens"),
        prompt.get("cache_write_tokens"),
        said.get("reasoning_tokens"),
    )


def _message(choice: Mapping[str, Any]) -> Message:
    source = choice.get("message")
    if source is None:
        message: Message = {"role": "assistant", "parts": [text_part(text(choice.get("text")) or "")]}
    else:
        of = members(source)
        message = {"role": text(of.get("role")) or "assistant", "parts": message_parts(of)}
    reason = text(choice.get("finish_reason"))
    if reason:
        message["finish_reason"] = reason
    return message


def message_parts(of: Mapping[str, Any]) -> list[Part]:
    """Translate all that a message of chat completions says: content, refusal, calls, reasoning and audio."""
    content = of.get("content")
    parts = [text_part(content)] if type(content) is str else content_parts(content)
    if any(map(of.get, _BESIDE)):
        for name, translate in _BESIDE.items():
            value = of.get(name)
            if value:
                translate(value, parts)
    return parts


def _add_reasoning(value: object, parts: list[Part]) -> None:
    said = text(value)
    if said is not None and all(part["type"] != "reasoning" for part in parts):
        parts.insert(0, reasoning_part(said))


def _add_refusal(value: object, parts: list[Part]) -> None:
    said = text(value)
    if said is not None:
        parts.append(refusal_part(said))


def _add_calls(value: object, parts: list[Part]) -> None:
    for call in items(value):
        of = members(call)
        target = of.get("function") or of.get("custom")
        if target is None:  # LangChain's, which are flat
            parts.append(tool_call_part(of.get("id"), of.get("name"), frozen(of.get("args"))))
            continue
        inner = members(target)
        arguments = inner.get("arguments")
        parts.append(
            tool_call_part(
                of.get("id"), inner.get("name"), frozen(inner.get("input") if arguments is None else arguments)
            )
        )


def _add_legacy_call(value: object, parts: list[Part]) -> None:
    of = members(value)
    if text(of.get("name")):
        parts.append(tool_call_part(None, of.get("name"), frozen(of.get("arguments"))))


def _add_audio(value: object, parts: list[Part]) -> None:
    of = members(value)
    said = text(of.get("transcript"))
    if said:
        parts.append(text_part(said))
    if of.get("data") is not None:
        parts.append(blob_part(None, of.get("data"), "audio"))


def _add_images(value: object, parts: list[Part]) -> None:
    for image in items(value):
        url = text(members(members(image).get("image_url")).get("url"))
        if url:
            parts.append(uri_part("image", url))


_BESIDE: Final[dict[str, Callable[[Any, list[Part]], None]]] = {
    "reasoning_content": _add_reasoning,  # DeepSeek, vLLM, LiteLLM
    "reasoning": _add_reasoning,  # OpenRouter, Groq
    "refusal": _add_refusal,
    "tool_calls": _add_calls,
    "function_call": _add_legacy_call,
    "audio": _add_audio,
    "images": _add_images,
}
"""What a message can hold beside its content, and what is made of it; OpenAI-compatible providers add to it."""
