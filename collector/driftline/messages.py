"""Messages in the shape of the GenAI conventions: their parts, and how they are written out and cut to size."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from typing import TYPE_CHECKING, Any, Final

from driftline.content import Budget, Message, plain, to_json
from driftline.fields import text

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
    kept: list[Message] = []
    for message in reversed(messages) if newest_first else messages:
        if budget.chars <= 0 or budget.nodes <= 0:
            budget.truncated = True
            break
        about = {key: _label(value) for key, value in message.items() if key != "parts"}
        kept.append({**about, "parts": [_fit(part, budget) for part in message["parts"]]})
    if newest_first:
        kept.reverse()
    return json.dumps(kept, ensure_ascii=False, separators=(",", ":")), budget.truncated


def _fit(part: Part, budget: Budget) -> Part:
    if part.get("type") == "blob" and "content" in part:
        part = {**part, **describe_binary(part["content"]), "content": None}
    return {key: _fit_value(key, value, budget) for key, value in part.items() if value is not None}


def _fit_value(key: str, value: object, budget: Budget) -> Any:
    if key in _NAMES:
        return value if isinstance(value, int) else _label(value)
    if key == "arguments" and isinstance(value, str) and len(value) <= budget.chars:
        return _parsed(value, budget)
    if isinstance(value, str):
        return budget.cut(value)
    return plain(value, budget) if key in _VALUES else to_json(value, budget)


def _label(value: object) -> str:
    return Budget(_MAX_LABEL).cut(str(value))


def _parsed(arguments: str, budget: Budget) -> Any:
    try:
        return plain(json.loads(arguments), budget)
    except (ValueError, RecursionError):
        return budget.cut(arguments)


def describe_binary(content: object) -> Part:
    """Size in bytes and the first 16 hexadecimal digits of the SHA-256 of binary content, so that it can be told apart.

    Args:
        content: bytes, or a text of base64; a text that is no base64 is taken for the content itself.
    """
    data = content if isinstance(content, bytes) else _decoded(text(content) or "")
    return {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()[:16]} if data else {}


def _decoded(encoded: str) -> bytes:
    try:
        return base64.b64decode(encoded, altchars=b"-_" if "-" in encoded or "_" in encoded else None, validate=True)
    except (ValueError, binascii.Error):
        return encoded.encode("utf-8", "replace")
