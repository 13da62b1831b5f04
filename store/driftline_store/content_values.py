"""Content as it was sent to plain Python values: JSON, structured OTLP values, flattened keys."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from google.protobuf.message import DecodeError
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValueList

if TYPE_CHECKING:
    from collections.abc import Iterable

ARRAY: Final = "otlp-array:"
"""Start of a content column that holds the bytes of an OTLP ``ArrayValue`` in base64."""

KEY_VALUES: Final = "otlp-kvlist:"
"""Start of a content column that holds the bytes of an OTLP ``KeyValueList`` in base64."""

STRUCTURED: Final = (ARRAY, KEY_VALUES)

_DATA_URI: Final = re.compile(r"data:([\w.+-]+/[\w.+-]+)[\w;=.-]*;base64,([A-Za-z0-9+/_=-]*)")
_BASE64_RUN: Final = re.compile(r"(?<=\")[A-Za-z0-9+/]{256,}={0,2}(?=\")")
_FLATTENED: Final = re.compile(r"llm\.(?:input|output)_messages\.\d+\.message\.|gen_ai\.(?:prompt|completion)\.\d+\.")


def parse(content: str) -> object:
    """The value that a content column encodes; the text itself when it encodes none. Never raises."""
    try:
        if content.startswith(ARRAY):
            return _items(ArrayValue.FromString(_base64(content, ARRAY)).values)
        if content.startswith(KEY_VALUES):
            return _members(KeyValueList.FromString(_base64(content, KEY_VALUES)))
        value = json.loads(content) if content.lstrip()[:1] in {"[", "{"} else content
    except (ValueError, RecursionError, DecodeError):
        return content
    return unflatten(value) if isinstance(value, dict) and any(map(_FLATTENED.match, value)) else value


def _base64(content: str, prefix: str) -> bytes:
    return base64.b64decode(content.removeprefix(prefix), validate=True)


def _items(values: Iterable[AnyValue]) -> list[Any]:
    return [_value(value) for value in values]


def _members(members: KeyValueList) -> dict[str, Any]:
    return {member.key: _value(member.value) for member in members.values}


def _value(value: AnyValue) -> Any:
    match value.WhichOneof("value"):
        case "array_value":
            return _items(value.array_value.values)
        case "kvlist_value":
            return _members(value.kvlist_value)
        case None:
            return None
        case kind:
            return getattr(value, kind)


def unflatten(flat: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Messages in the OpenAI shape from keys such as ``llm.input_messages.0.message.role``.

    OpenInference writes them so; OpenLLMetry's are ``gen_ai.prompt.0.role``.
    """
    tree: dict[str, Any] = {}
    for key, value in flat.items():
        *path, last = key.split(".")
        node = tree
        for step in path:
            inner = node.setdefault(step, {})
            node = inner if isinstance(inner, dict) else {}
        node.setdefault(last, value)
    llm = member(tree, "llm")
    sides = (member(llm, "input_messages"), member(llm, "output_messages"))
    messages = [_message(member(entry, "message")) for side in sides for entry in _in_order(side)]
    gen_ai = member(tree, "gen_ai")
    indexed = (member(gen_ai, "prompt"), member(gen_ai, "completion"))
    return messages + [_indexed_message(entry) for side in indexed for entry in _in_order(side)]


def _message(flat: Mapping[str, Any]) -> dict[str, Any]:
    message = {key: value for key, value in flat.items() if not isinstance(value, dict)}
    message = {"role": "", "content": None} | message
    if contents := _in_order(member(flat, "contents")):
        message["content"] = [_part(member(entry, "message_content")) for entry in contents]
    if calls := _in_order(member(flat, "tool_calls")):
        message["tool_calls"] = [member(entry, "tool_call") for entry in calls]
    if "function_call_name" in flat:
        arguments = flat.get("function_call_arguments_json")
        message["function_call"] = {"name": flat["function_call_name"], "arguments": arguments}
    return message


def _indexed_message(flat: Mapping[str, Any]) -> dict[str, Any]:
    """A message of OpenLLMetry: its calls lie flat, its parts are a text of JSON."""
    message = {key: value for key, value in flat.items() if not isinstance(value, dict)}
    content = message.get("content")
    if isinstance(content, str) and content.startswith("[{"):
        message["content"] = parse(content)
    calls = [dict(call) for call in _in_order(member(flat, "tool_calls"))]
    return {"role": "", "content": None} | message | ({"tool_calls": calls} if calls else {})


def _part(flat: Mapping[str, Any]) -> dict[str, Any]:
    url = member(member(flat, "image"), "image").get("url")
    return dict(flat) if url is None else {"type": "image_url", "image_url": url}


def _in_order(indexed: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    # Indices are decimal texts of any size, so the longer one is the later one.
    keys = sorted(indexed, key=lambda key: (len(key), key))
    return [indexed[key] for key in keys if isinstance(indexed[key], dict)]


def member(value: object, key: str) -> Mapping[str, Any]:
    """A member that should be an object; an empty one if it is not."""
    found = value.get(key) if isinstance(value, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def binary(kind: str, size: int) -> str:
    """What is shown in place of bytes: their kind and size."""
    if size <= 0:
        return f"[{kind}]"
    unit, scale = ("B", 1) if size < 1000 else ("kB", 1000) if size < 1_000_000 else ("MB", 1_000_000)
    return f"[{kind}, {size / scale:.0f} {unit}]"


def readable(text: str) -> str:
    """A text with embedded base64 data told instead of shown, and only characters that can be sent on."""
    if ";base64," in text:
        text = _DATA_URI.sub(lambda found: binary(found[1], len(found[2]) * 3 // 4), text)
    # JSON can hold halves of surrogate pairs, which no UTF-8 has.
    return text.encode("utf-8", "replace").decode("utf-8")


def as_text(value: object) -> str:
    """Any parsed value as text: texts as they are, nothing as '', the rest as JSON. Never raises."""
    if isinstance(value, str):
        return readable(value)
    if isinstance(value, bytes):
        return binary("binary", len(value))
    if value is None:
        return ""
    try:
        text = json.dumps(value, ensure_ascii=False, default=as_text)
    except (ValueError, RecursionError):
        return "[nested too deeply to show]"
    return readable(_BASE64_RUN.sub(lambda found: binary("binary", len(found[0]) * 3 // 4), text))
