"""Messages in the shape of the GenAI conventions: their parts, and how they are written out and cut to size."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from driftline.content import Budget, Message, plain, to_json
from driftline.fields import text
from driftline.privacy import describe_binary

if TYPE_CHECKING:
    from collections.abc import Sequence

Part = dict[str, Any]

_MAX_LABEL: Final = 256
_NAMES: Final = frozenset({"type", "id", "name", "modality", "mime_type", "size", "sha256"})
_VALUES: Final = frozenset({"arguments", "response"})
"""Members that are written as JSON values, not as texts of JSON."""


def text_message(role: str, content: str) -> Message:
    """A message of one piece of text."""
    return {"role": role, "parts": [text_part(content)]}


def text_part(content: str) -> Part:
    """A part that is text."""
    return {"type": "text", "content": content}


def reasoning_part(content: str) -> Part:
    """A part that the model thought before it answered."""
    return {"type": "reasoning", "content": content}


def refusal_part(content: str) -> Part:
    """A part by which the model says that it will not answer."""
    return {"type": "refusal", "content": content}


def tool_call_part(call_id: object, name: object, arguments: object) -> Part:
    """A part by which the model calls a tool; arguments as the provider sent them, mostly a JSON text."""
    return {"type": "tool_call", "id": text(call_id), "name": text(name), "arguments": arguments}


def blob_part(mime_type: str | None, content: object, modality: str | None = None) -> Part:
    """A part that is binary; what is written of it later is its kind, size and hash.

    Args:
        mime_type: such as ``image/png``.
        content: bytes, or a text of base64.
        modality: image, audio, video or document; by default what the kind begins with.
    """
    modality = modality or (mime_type or "").split("/", 1)[0] or None
    return {"type": "blob", "modality": modality, "mime_type": mime_type, "content": content}


def uri_part(modality: str, uri: str) -> Part:
    """A part that is somewhere else: at a link, or in a data URL."""
    if not uri.startswith("data:"):
        return {"type": "uri", "modality": modality, "uri": uri}
    head, _, data = uri[5:].partition(",")
    return blob_part(head.split(";", 1)[0][:100] or None, data, modality)


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
    kept: list[str] = []
    for message in reversed(messages) if newest_first else messages:
        if budget.chars <= 0 or budget.nodes <= 0:
            budget.truncated = True
            break
        kept.append(_message(message, budget))
    if newest_first:
        kept.reverse()
    return f"[{','.join(kept)}]", budget.truncated


def render_parts(parts: Sequence[Part], limit: int) -> tuple[str, bool]:
    """Write parts that are no message's as JSON, such as the system's instructions; otherwise as ``render``."""
    budget = Budget(limit)
    return f"[{_parts(parts, budget)}]", budget.truncated


_written: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_quoted: Final = json.encoder.encode_basestring  # setting up an encoder for one text takes longer than writing it


def _message(message: Message, budget: Budget) -> str:
    head = "".join([f"{_quoted(key)}:{_quoted(_label(value))}," for key, value in message.items() if key != "parts"])
    return f'{{{head}"parts":[{_parts(message["parts"], budget)}]}}'


def _parts(parts: Sequence[Part], budget: Budget) -> str:
    return ",".join([_part(part, budget) for part in parts])


def _part(part: Part, budget: Budget) -> str:
    kind = part.get("type")
    if kind == "text" and len(part) == 2 and type(part.get("content")) is str:  # what nearly all parts are
        return f'{{"type":"text","content":{_quoted(budget.cut(part["content"]))}}}'
    if kind == "blob" and "content" in part:
        part = {**part, **_description(part), "content": None}
    return _written({key: _fit_value(key, value, budget) for key, value in part.items() if value is not None})


def _description(part: Part) -> Part:
    content = part["content"]
    if not isinstance(content, bytes | str) or not content:
        return {}
    return {**describe_binary(content, part.get("mime_type"))}


def _fit_value(key: str, value: object, budget: Budget) -> Any:
    if key in _NAMES:
        return value if isinstance(value, int) else _label(value)
    if key == "arguments" and isinstance(value, str) and len(value) <= budget.chars:
        return _parsed(value, budget)
    if isinstance(value, str):
        return budget.cut(value)
    return plain(value, budget) if key in _VALUES else to_json(value, budget)


def _label(value: object) -> str:
    if type(value) is str and len(value) <= _MAX_LABEL and value.isascii():
        return value
    return Budget(_MAX_LABEL).cut(str(value))


def _parsed(arguments: str, budget: Budget) -> Any:
    try:
        return plain(json.loads(arguments), budget)
    except (ValueError, RecursionError):
        return budget.cut(arguments)
