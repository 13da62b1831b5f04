"""LangChain's messages, and the results that hold them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from driftline import semconv
from driftline.capture import chat
from driftline.capture.chat import message_parts
from driftline.capture.parts import content_parts
from driftline.capture.providers import named
from driftline.capture.reasons import in_words_of_chat
from driftline.capture.result import UNKNOWN, Result, Usage, counted
from driftline.fields import items, members, text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from driftline.content import Message
    from driftline.messages import Part

_REASONS: Final = ("finish_reason", "stop_reason", "done_reason", "status")
_MODELS: Final = ("model_name", "model", "model_id")
_OWN_IDS: Final = ("run-", "lc_run-")


def read(value: object) -> Result:
    """Read an AIMessage, or the chunks of one added up; one that no model is named for, an application wrote itself."""
    of = members(value)
    about = members(of.get("response_metadata"))
    reason = finish_reason(about)
    found: Message = {"role": "assistant", "parts": parts(of)}
    if reason:
        found["finish_reason"] = reason
    from_model = bool(about) or of.get("usage_metadata") is not None
    return Result(
        operation=semconv.CHAT if from_model else None,
        model=model(about),
        provider=named(about.get("model_provider")),
        response_id=response_id(of, about),
        finish_reasons=(reason,) if reason else (),
        service_tier=text(about.get("service_tier")),
        usage=usage(of.get("usage_metadata")),
        messages=(found,),
    )


def read_generations(value: object) -> Result:
    """Read an LLMResult or ChatResult: all generations of all prompts, as far as they were one call.

    Each message has the tokens of its own prompt, and repeats them when a prompt has several generations.
    """
    of = members(value)
    listed = items(of.get("generations"))
    # A ChatResult is one prompt's.
    groups = [items(group) for group in listed] if listed and isinstance(listed[0], list) else [listed]
    results = [[_generation(generation) for generation in group] for group in groups]
    firsts = [group[0] for group in results if group]
    everything = [result for group in results for result in group]
    output = members(of.get("llm_output"))
    first = firsts[0] if firsts else Result()
    spent = total([result.usage for result in firsts])
    return Result(
        operation=semconv.CHAT if first.operation or output else None,
        model=first.model or model(output),
        provider=first.provider,
        response_id=first.response_id,
        finish_reasons=tuple([reason for result in everything for reason in result.finish_reasons]),
        service_tier=first.service_tier,
        usage=chat.usage(output.get("token_usage")) if spent == UNKNOWN else spent,
        messages=tuple([message for result in everything for message in result.messages]),
    )


def _generation(generation: object) -> Result:
    of = members(generation)
    message = of.get("message")
    if message is not None:
        return read(message)
    return Result(messages=({"role": "assistant", "parts": content_parts(of.get("text"))},))


def total(usages: Sequence[Usage]) -> Usage:
    """Add up tokens; a count that none has stays unknown."""
    if not usages:
        return UNKNOWN
    columns = [[number for number in column if number is not None] for column in zip(*usages, strict=True)]
    return Usage(*(sum(column) if column else None for column in columns))


def parts(of: Mapping[str, Any]) -> list[Part]:
    """Translate what a message says; a call that its content holds too is told once."""
    also = members(of.get("additional_kwargs"))
    calls = of.get("tool_calls")
    found = message_parts({**also, "content": of.get("content") or None, "tool_calls": None, "function_call": None})
    if calls:
        found = [part for part in found if part["type"] != "tool_call"]
        found += message_parts({"tool_calls": calls})
    return found


def finish_reason(about: Mapping[str, Any]) -> str | None:
    """Why it stopped; each provider's integration names it otherwise."""
    return next((reason for name in _REASONS if (reason := in_words_of_chat(about.get(name)))), None)


def model(about: Mapping[str, Any]) -> str | None:
    """The model that answered."""
    return next((found for name in _MODELS if (found := text(about.get(name)))), None)


def response_id(of: Mapping[str, Any], about: Mapping[str, Any]) -> str | None:
    """The provider's id, not the one that LangChain gives each run."""
    found = text(about.get("id")) or text(of.get("id"))
    return None if found is None or found.startswith(_OWN_IDS) else found


def usage(source: object) -> Usage:
    """Read LangChain's own count, which has cached and reasoning tokens within their sums."""
    if source is None:
        return UNKNOWN
    of = members(source)
    taken = members(of.get("input_token_details"))
    return counted(
        of.get("input_tokens"),
        of.get("output_tokens"),
        taken.get("cache_read"),
        taken.get("cache_creation"),
        members(of.get("output_token_details")).get("reasoning"),
    )
