"""Messages in the shape of the GenAI conventions, made from OpenAI-like ones and cut to size."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from driftline.content import Budget, Message, plain, to_json
from driftline.fields import field, items, text

if TYPE_CHECKING:
    from collections.abc import Sequence

Part = dict[str, Any]

_TEXT_TYPES = frozenset({"text", "input_text", "output_text"})
_IMAGE_TYPES = frozenset({"image_url", "input_image"})


def text_message(role: str, content: str) -> Message:
    """A message of one piece of text."""
    return {"role": role, "parts": [text_part(content)]}


def text_part(content: str) -> Part:
    """A part that is text."""
    return {"type": "text", "content": content}


def tool_call_part(call_id: object, name: object, arguments: object) -> Part:
    """A part by which the model calls a tool; arguments as the provider sent them, mostly a JSON text."""
    return {"type": "tool_call", "id": text(call_id), "name": text(name), "arguments": arguments}


def chat_message(source: object) -> Message:
    """Translate one message of the chat completions API, as object or dict."""
    role = text(field(source, "role")) or "user"
    content = field(source, "content")
    if role == "tool":
        return {
            "role": role,
            "parts": [{"type": "tool_call_response", "id": text(field(source, "tool_call_id")), "response": content}],
        }
    parts = content_parts(content)
    refusal = text(field(source, "refusal"))
    if refusal:
        parts.append({"type": "refusal", "content": refusal})
    for call in items(field(source, "tool_calls")):
        target = field(call, "function") or field(call, "custom")
        arguments = field(target, "arguments")
        parts.append(
            tool_call_part(
                field(call, "id"),
                field(target, "name"),
                field(target, "input") if arguments is None else arguments,
            )
        )
    legacy = field(source, "function_call")
    if legacy is not None and text(field(legacy, "name")):
        parts.append(tool_call_part(None, field(legacy, "name"), field(legacy, "arguments")))
    return {"role": role, "parts": parts}


def content_parts(content: object) -> list[Part]:
    """Translate a message's content: a text, or a list of typed parts."""
    if isinstance(content, str):
        return [text_part(content)]
    return [_content_part(part) for part in items(content)]


def _content_part(part: object) -> Part:
    if isinstance(part, str):
        return text_part(part)
    kind = text(field(part, "type")) or "unknown"
    if kind in _TEXT_TYPES:
        return text_part(text(field(part, "text")) or "")
    if kind == "refusal":
        return {"type": "refusal", "content": text(field(part, "refusal")) or ""}
    if kind in _IMAGE_TYPES:
        image = field(part, "image_url")
        return _image_part(text(image) or text(field(image, "url")) or "")
    return {"type": kind, "content": part}


def _image_part(url: str) -> Part:
    if url.startswith("data:"):
        # The bytes of an image say nothing to a reader of text and would fill the budget.
        mime = url[5:].split(";", 1)[0].split(",", 1)[0][:100]
        return {"type": "blob", "modality": "image", "mime_type": mime, "content": ""}
    return {"type": "uri", "modality": "image", "uri": url}


def render(messages: Sequence[Message], limit: int, *, newest_first: bool) -> tuple[str, bool]:
    """Write messages as JSON, keeping at most ``limit`` characters of content.

    Args:
        messages: may hold any object as content.
        limit: in characters, all messages together.
        newest_first: whether the last messages or the first ones are kept when not all fit.

    Returns:
        The JSON text and whether anything was cut.
    """
    budget = Budget(limit)
    kept: list[Message] = []
    for message in reversed(messages) if newest_first else messages:
        if budget.chars <= 0 or budget.nodes <= 0:
            budget.truncated = True
            break
        kept.append({**message, "parts": [_fit(part, budget) for part in message["parts"]]})
    if newest_first:
        kept.reverse()
    return json.dumps(kept, ensure_ascii=False, separators=(",", ":")), budget.truncated


def _fit(part: Part, budget: Budget) -> Part:
    return {key: _fit_value(key, value, budget) for key, value in part.items() if value is not None}


def _fit_value(key: str, value: object, budget: Budget) -> Any:
    if key in {"type", "id", "name", "modality", "mime_type"}:
        return Budget(256).cut(str(value))
    if key == "arguments" and isinstance(value, str) and len(value) <= budget.chars:
        return _parsed(value, budget)
    if isinstance(value, str):
        return budget.cut(value)
    return plain(value, budget) if key == "arguments" else to_json(value, budget)


def _parsed(arguments: str, budget: Budget) -> Any:
    try:
        return plain(json.loads(arguments), budget)
    except (ValueError, RecursionError):
        return budget.cut(arguments)
