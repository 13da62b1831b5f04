"""What a client was asked for: model, sampling, limits, instructions. Used on the export thread, on copies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from driftline import semconv
from driftline.capture.parts import content_part, content_parts
from driftline.fields import clean, count, items, members, text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from driftline.messages import Part

Attribute = str | int | float | bool | tuple[str, ...]

CONVERSATIONS: Final = ("messages", "contents", "input", "prompt")
"""Arguments by which clients take what is said, and which make a call of a model recognisable."""

_MAX_NAME: Final = 256
_MOST_STOPS: Final = 16


def client_call(arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """The arguments of a client's call: these, or those that one of them holds, as ``**kwargs`` or a request does."""
    if is_call(arguments):
        return arguments
    inner = (value for value in arguments.values() if isinstance(value, dict) and is_call(value))
    return next(inner, arguments)


def is_call(arguments: Mapping[str, Any]) -> bool:
    """Whether arguments look like a client's: a model, and what is said to it."""
    return text(arguments.get("model")) is not None and any(arguments.get(name) is not None for name in CONVERSATIONS)


def request_model(arguments: Mapping[str, Any]) -> str | None:
    """The model that was asked for, when the function takes one."""
    return text(client_call(arguments).get("model"))


def request_attributes(arguments: Mapping[str, Any]) -> Iterator[tuple[str, Attribute]]:
    """The attributes of a request, if the arguments look like a client's call: a model, and what is said to it."""
    call = client_call(arguments)
    if not is_call(call):
        return
    yield semconv.REQUEST_MODEL, _name(call["model"]) or ""
    # google-genai has all but these in an object of its own; LangChain's and others' models take a dict of options.
    options = {**members(call.get("config")), **call}
    for key, names, convert in _OPTIONS:
        for name in names:
            value = options.get(name)
            converted = None if value is None else convert(value)
            if converted is not None:
                yield key, converted
                break


def system_instructions(arguments: Mapping[str, Any]) -> list[Part]:
    """Instructions that a client takes beside the conversation; system messages within it stay there."""
    call = client_call(arguments)
    if not is_call(call):
        return []
    config = members(call.get("config"))
    for value in (call.get("system"), call.get("instructions"), config.get("system_instruction")):
        if value is not None:
            content = members(value)
            if "parts" in content:
                return content_parts(content["parts"])
            return [content_part(value)] if content else content_parts(value)
    return []


def _name(value: object) -> str | None:
    found = text(value)
    return clean(found[:_MAX_NAME]) if found else None


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _whole(value: object) -> int | None:
    return int(value) if isinstance(value, float) and value.is_integer() else count(value)


def _true(value: object) -> bool | None:
    return True if value is True else None


def _several(value: object) -> int | None:
    number = count(value)
    return None if number == 1 else number


def _texts(value: object) -> tuple[str, ...] | None:
    found = [value] if isinstance(value, str) else items(value)[:_MOST_STOPS]
    return tuple(name for name in map(_name, found) if name) or None


def _effort(value: object) -> str | None:
    of = members(value)
    return _name(value) or _name(of.get("effort")) or _name(of.get("thinking_level"))


def _format(value: object) -> str | None:
    """The kind of answer, of whatever says its format: a text, or something with a type; a class or schema is JSON."""
    of = members(value)
    kind = text(value) or text(of.get("type")) or text(members(of.get("format")).get("type"))
    if kind is None:
        return "json" if of and "format" not in of else None
    return _FORMATS.get(kind)


_FORMATS: Final = {
    "text": "text",
    "text/plain": "text",
    "json_object": "json",
    "json_schema": "json",
    "application/json": "json",
}

_OPTIONS: Final[tuple[tuple[str, tuple[str, ...], Callable[[object], Attribute | None]], ...]] = (
    (semconv.REQUEST_STREAM, ("stream",), _true),
    (semconv.REQUEST_TEMPERATURE, ("temperature",), _number),
    (semconv.REQUEST_TOP_P, ("top_p",), _number),
    (semconv.REQUEST_TOP_K, ("top_k",), _whole),
    (semconv.REQUEST_MAX_TOKENS, ("max_completion_tokens", "max_output_tokens", "max_tokens"), _whole),
    (semconv.REQUEST_SEED, ("seed",), _whole),
    (semconv.REQUEST_FREQUENCY_PENALTY, ("frequency_penalty",), _number),
    (semconv.REQUEST_PRESENCE_PENALTY, ("presence_penalty",), _number),
    (semconv.REQUEST_CHOICES, ("n", "candidate_count"), _several),
    (semconv.REQUEST_STOP, ("stop", "stop_sequences"), _texts),
    (semconv.REQUEST_REASONING, ("reasoning_effort", "reasoning", "output_config", "thinking_config"), _effort),
    (semconv.REQUEST_PREVIOUS, ("previous_response_id",), _name),
    (semconv.REQUEST_TIER, ("service_tier",), _name),
    (semconv.OUTPUT_TYPE, ("response_format", "text", "response_mime_type"), _format),
    (semconv.REQUEST_ENCODINGS, ("encoding_format",), _texts),
    (semconv.EMBEDDING_DIMENSIONS, ("dimensions", "output_dimensionality"), _whole),
)
"""Attribute, the names by which clients take it, and how its value is read; the first name that has one wins."""
