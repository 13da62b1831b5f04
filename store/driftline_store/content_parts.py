"""One part of a message, in the shape of any of the conventions, to the piece that it is for a reader."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from driftline_store.content_values import as_text, binary, member


@dataclass(frozen=True, slots=True)
class ToolCall:
    """The model asks for a tool.

    Attributes:
        arguments: JSON where the sender gave an object, else the text that it gave.
    """

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a tool answered."""

    id: str
    result: str


@dataclass(frozen=True, slots=True)
class Text:
    """Something said; refusals are."""

    text: str


@dataclass(frozen=True, slots=True)
class Reasoning:
    """Something thought before it was said."""

    text: str


@dataclass(frozen=True, slots=True)
class Attachment:
    """Something that is no text: an image, a file, a link to one; with its kind and size, not its bytes."""

    description: str


Piece = Text | Reasoning | ToolCall | ToolResult | Attachment

_TEXT: Final = frozenset({"", "text", "input_text", "output_text", "summary_text", "refusal"})
_REASONING: Final = frozenset({"reasoning", "thinking"})
_CALL: Final = frozenset({"tool_call", "function_call", "tool_use", "server_tool_call", "function", "tool-call"})
_RESULT: Final = frozenset(
    {"tool_call_response", "function_call_output", "tool_result", "server_tool_call_response", "tool-result"}
)
TOOL_KINDS: Final = _CALL | _RESULT
"""Types of parts that stand for a message when they are alone."""
_MIME: Final = ("mime_type", "media_type", "mediaType", "mimeType")
_WORDS: Final = ("content", "text", "refusal", "thinking", "summary")


def piece(part: object) -> Piece:
    """The piece that a part is; what has no known shape becomes text. Never raises."""
    if not isinstance(part, Mapping):
        return Text(as_text(part))
    kind = as_text(part.get("type"))
    if kind in _REASONING:
        return Reasoning(_text_of(_first(part, _WORDS)))  # often only its encrypted form is sent
    if kind in _CALL:
        return tool_call(part)
    if kind in _RESULT:
        found = _first(part, ("response", "result", "output", "content"))
        # The Vercel AI SDK says beside a result whether it is text or JSON.
        value = found.get("value") if isinstance(found, Mapping) and found.keys() == {"type", "value"} else found
        return ToolResult(_first_text(part, ("id", "call_id", "tool_use_id", "toolCallId")), _text_of(value))
    if kind in _TEXT:
        return Text(_words(part))
    attachment = _attachment(kind, part)
    return Attachment(attachment) if attachment else Text(as_text(dict(part)))


def tool_call(part: Mapping[str, Any]) -> ToolCall:
    """A tool call of the conventions, or of OpenAI with its name and arguments one level down."""
    target = member(part, "function") or member(part, "custom") or part
    arguments = _first(target, ("arguments", "input", "args", "parameters"))
    name = _first_text(target, ("name", "toolName"))
    return ToolCall(_first_text(part, ("id", "call_id", "toolCallId")), name, as_text(arguments))


def _words(part: Mapping[str, Any]) -> str:
    found = _first(part, _WORDS)
    return as_text(dict(part)) if found is None else _text_of(found)


def _text_of(value: object) -> str:
    """A text, or a list of texts and text parts as one."""
    if isinstance(value, list) and all(isinstance(item, str) or _is_text(item) for item in value):
        return "\n".join(as_text(item if isinstance(item, str) else _first(item, _WORDS)) for item in value)
    return as_text(value)


def _is_text(item: object) -> bool:
    return isinstance(item, Mapping) and any(isinstance(item.get(key), str) for key in _WORDS)


def _attachment(kind: str, part: Mapping[str, Any]) -> str:
    """What is shown of a part that carries or names something else than text; '' if it does not."""
    source = member(part, "source")
    audio = member(part, "input_audio")
    mime = _first_text(part, ("mime_type", "media_type", "mediaType", "mimeType")) or _first_text(
        source, ("media_type",)
    )
    if kind == "blob" or source.get("type") == "base64":
        data = _first(part, ("content", "data")) or source.get("data")
        told = part.get("size")
        size = told if isinstance(told, int) and not data else _decoded_size(data)
        return binary(mime or as_text(part.get("modality")) or "binary", size)
    if audio:
        return binary(f"audio/{as_text(audio.get('format')) or 'unknown'}", _decoded_size(audio.get("data")))
    sent = _first(part, ("image", "data")) if kind in {"image", "file"} else None
    if isinstance(sent, str) and not sent.startswith(("http://", "https://", "data:")):
        return binary(mime or kind, _decoded_size(sent))
    where = as_text(sent) or _first_text(part, ("uri", "url")) or _url(part.get("image_url")) or _url(source)
    if where.startswith("["):  # a data URI, told already
        return where
    if where:
        return f"[{mime or as_text(part.get('modality')) or kind}: {where}]"
    named = _first_text(part, ("file_id", "filename"))
    return f"[{kind}: {named}]" if named else ""


def _url(value: object) -> str:
    return as_text(value.get("url")) if isinstance(value, Mapping) else as_text(value)


def _decoded_size(data: object) -> int:
    if isinstance(data, bytes):
        return len(data)
    return len(data) * 3 // 4 if isinstance(data, str) else 0


def _first(part: Mapping[str, Any], keys: tuple[str, ...]) -> Any:
    return next((part[key] for key in keys if part.get(key) is not None), None)


def _first_text(part: Mapping[str, Any], keys: tuple[str, ...]) -> str:
    return as_text(_first(part, keys))
