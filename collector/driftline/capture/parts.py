"""The parts of a message's content, as the providers' APIs and LangChain type them, in the conventions' shape.

Supporting another type is adding a row. Parts that none knows keep their own name and are recorded as data.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from driftline.fields import items, members, text
from driftline.frozen import Room, freeze
from driftline.messages import Part, blob_part, reasoning_part, refusal_part, text_part, tool_call_part, uri_part

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

LONGEST: Final = 65_536
"""Characters kept of one text of data, and of all texts that a stream brings."""


def frozen(value: object) -> Any:
    """What may be kept of a value that the application can still change."""
    return value if value is None or type(value) is str else freeze(value, Room(LONGEST))


def content_parts(content: object) -> list[Part]:
    """Translate a message's content: a text, or a list of texts and typed parts, as objects or dicts."""
    said = text(content)
    if said is not None:
        return [text_part(said)]
    return [content_part(part) for part in items(content)]


def content_part(part: object) -> Part:
    """Translate one part."""
    said = text(part)
    if said is not None:
        return text_part(said)
    of = members(part)
    kind = text(of.get("type"))
    if kind is None:
        return untyped_part(of)
    known = _TYPES.get(kind)
    if known is not None:
        return known(of)
    if kind.endswith("_tool_result"):  # Anthropic's server tools, each under its own name
        return _server_result(of)
    return {"type": kind, "content": frozen(part)}


def is_part(value: object) -> bool:
    """Whether a value looks like a part of a message."""
    of = members(value)
    return text(of.get("type")) in _TYPES or text(of.get("text")) is not None or any(name in of for name, _ in _UNTYPED)


def untyped_part(of: Mapping[str, Any]) -> Part:
    """Translate a part of google-genai, which says what it is by the one member that it has."""
    said = text(of.get("text"))
    if said is not None:
        return reasoning_part(said) if of.get("thought") is True else text_part(said)
    for name, translate in _UNTYPED:
        value = of.get(name)
        if value is not None:
            return translate(members(value))
    return {"type": "unknown", "content": frozen({key: value for key, value in of.items() if value is not None})}


def said_in(parts: object) -> str:
    """The texts of Responses' summaries and of reasoning's content, under each other."""
    return "\n".join(filter(None, (text(members(part).get("text")) for part in items(parts))))


def _text(of: Mapping[str, Any]) -> Part:
    return text_part(text(of.get("text")) or text(of.get("content")) or "")


def _refusal(of: Mapping[str, Any]) -> Part:
    return refusal_part(text(of.get("refusal")) or text(of.get("content")) or "")


def _reasoning(of: Mapping[str, Any]) -> Part:
    said = text(of.get("thinking")) or text(of.get("reasoning")) or text(of.get("content"))
    return reasoning_part(said or said_in([*items(of.get("summary")), *items(of.get("content"))]))


def _image_url(of: Mapping[str, Any]) -> Part:
    image = of.get("image_url")
    url = text(image) or text(members(image).get("url"))
    return _file(of) if url is None else uri_part("image", url)


def _sourced(of: Mapping[str, Any]) -> Part:
    """An image or document of Anthropic, which names its source, or of LangChain, which has it beside its type."""
    modality = text(of.get("type")) or "document"
    source = members(of.get("source")) or of
    mime_type = text(source.get("media_type")) or text(source.get("mime_type"))
    for name in ("base64", "data"):
        data = source.get(name)
        if data is not None and source.get("type") != "text":
            return blob_part(mime_type, data, modality)
    url = text(source.get("url"))
    if url is not None:
        return uri_part(modality, url)
    if source.get("file_id") is not None:
        return _file(source)
    said = text(source.get("data")) or text(source.get("text"))
    return text_part(said) if said is not None else {"type": modality, "content": frozen(of)}


def _input_audio(of: Mapping[str, Any]) -> Part:
    audio = members(of.get("input_audio"))
    return blob_part(f"audio/{text(audio.get('format')) or 'unknown'}", audio.get("data"), "audio")


def _file(of: Mapping[str, Any]) -> Part:
    inner = members(of.get("file")) or of
    data = text(inner.get("file_data")) or text(inner.get("base64")) or text(inner.get("data"))
    name = text(inner.get("filename")) or text(inner.get("name"))
    if data is not None:
        part = uri_part("document", data) if data.startswith("data:") else blob_part(None, data, "document")
        return {**part, "name": name, "mime_type": part["mime_type"] or text(inner.get("mime_type"))}
    url = text(inner.get("file_url")) or text(inner.get("url"))
    return uri_part("document", url) if url else {"type": "file", "file_id": text(inner.get("file_id")), "name": name}


def _call(of: Mapping[str, Any]) -> Part:
    arguments = next((of[key] for key in ("arguments", "input", "args") if of.get(key) is not None), None)
    call_id = of.get("call_id") or of.get("id")
    return tool_call_part(call_id, of.get("name"), frozen(arguments))


def _server_call(of: Mapping[str, Any]) -> Part:
    return {**_call(of), "type": "server_tool_call"}


def _result(of: Mapping[str, Any]) -> Part:
    return _response("tool_call_response", of)


def _server_result(of: Mapping[str, Any]) -> Part:
    return _response("server_tool_call_response", of)


def _response(kind: str, of: Mapping[str, Any]) -> Part:
    result = next((of[key] for key in ("response", "result", "output", "content") if of.get(key) is not None), None)
    call_id = next(
        (found for key in ("tool_use_id", "tool_call_id", "call_id", "id") if (found := text(of.get(key)))), None
    )
    return {"type": kind, "id": call_id, "response": tool_result(result)}


def tool_result(result: object) -> Any:
    """What a tool answered: a text, or a list of parts, whose texts are joined when there is nothing else."""
    if not isinstance(result, list | tuple):
        return frozen(result)
    parts = content_parts(result)
    if all(part["type"] == "text" for part in parts):
        return "\n".join(part["content"] for part in parts)
    return [described(part) for part in parts]


def described(part: Part) -> Part:
    """A part within another: without binary content, which only parts of messages are measured for."""
    return {**part, "content": None} if part["type"] == "blob" else part


def _blob(of: Mapping[str, Any]) -> Part:
    mime_type = text(of.get("mime_type")) or text(of.get("mimeType"))
    return blob_part(mime_type, of.get("content") if "content" in of else of.get("data"), text(of.get("modality")))


def _linked(of: Mapping[str, Any]) -> Part:
    mime_type = text(of.get("mime_type")) or text(of.get("mimeType"))
    uri = text(of.get("file_uri")) or text(of.get("fileUri")) or text(of.get("uri")) or ""
    modality = text(of.get("modality")) or (mime_type or "file").split("/", 1)[0]
    return {**uri_part(modality, uri), "mime_type": mime_type}


def _code(of: Mapping[str, Any]) -> Part:
    arguments = {"language": text(of.get("language")), "code": text(of.get("code"))}
    return {"type": "server_tool_call", "id": text(of.get("id")), "name": "code_execution", "arguments": arguments}


def _code_result(of: Mapping[str, Any]) -> Part:
    return {"type": "server_tool_call_response", "id": text(of.get("id")), "response": text(of.get("output"))}


_TYPES: Final[dict[str, Callable[[Mapping[str, Any]], Part]]] = {
    "text": _text,
    "input_text": _text,
    "output_text": _text,
    "summary_text": _text,
    "refusal": _refusal,
    "thinking": _reasoning,
    "reasoning": _reasoning,
    "redacted_thinking": _reasoning,  # encrypted: only that there was some
    "image_url": _image_url,
    "input_image": _image_url,
    "image": _sourced,
    "document": _sourced,
    "audio": _sourced,
    "video": _sourced,
    "input_audio": _input_audio,
    "file": _file,
    "input_file": _file,
    "tool_call": _call,
    "tool_use": _call,
    "function_call": _call,
    "custom_tool_call": _call,
    "server_tool_use": _server_call,
    "server_tool_call": _server_call,
    "mcp_tool_use": _server_call,
    "tool_result": _result,
    "tool_call_response": _result,
    "function_call_output": _result,
    "custom_tool_call_output": _result,
    "server_tool_call_response": _server_result,
    "blob": _blob,
    "uri": _linked,
}
"""What is made of a part, by the type that it says it has."""

_UNTYPED: Final[tuple[tuple[str, Callable[[Mapping[str, Any]], Part]], ...]] = tuple(
    (spelling, translate)
    for names, translate in (
        (("function_call", "functionCall"), _call),
        (("function_response", "functionResponse"), _result),
        (("inline_data", "inlineData"), _blob),
        (("file_data", "fileData"), _linked),
        (("executable_code", "executableCode"), _code),
        (("code_execution_result", "codeExecutionResult"), _code_result),
    )
    for spelling in names
)
"""What is made of a part of google-genai, by the member that it has; dicts may spell it as the API does."""
