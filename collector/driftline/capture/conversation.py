"""Messages that were sent to a model, of any of the libraries, in the conventions' shape."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from driftline.capture.chat import message_parts
from driftline.capture.langchain import parts as langchain_parts
from driftline.capture.parts import content_part, content_parts, tool_result
from driftline.capture.responses import item_parts
from driftline.fields import items, members, text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from driftline.content import Message
    from driftline.messages import Part

_LANGCHAIN: Final = {
    "human": "user",
    "HumanMessageChunk": "user",
    "ai": "assistant",
    "AIMessageChunk": "assistant",
    "system": "system",
    "SystemMessageChunk": "system",
    "developer": "system",
    "tool": "tool",
    "ToolMessageChunk": "tool",
    "function": "tool",
    "chat": "user",
}
"""Types of LangChain's messages, and first halves of its pairs, by role."""

_PAIRED: Final = frozenset({*_LANGCHAIN, "user", "assistant"})
_ITEMS: Final = {
    "function_call": "assistant",
    "custom_tool_call": "assistant",
    "reasoning": "assistant",
    "function_call_output": "tool",
    "custom_tool_call_output": "tool",
}
"""Types of the Responses API's items that are no messages, by who makes them."""

_ROLES: Final = {"model": "assistant"}
_SAID: Final = frozenset({"content", "parts", "tool_calls", "function_call", "refusal"})


def conversation(value: object) -> list[Message] | None:
    """The messages of a conversation: one message, a list of them or what holds such a list. None for anything else."""
    found = _list(value)
    if found is not None:
        return found
    of = members(value)
    one = message(of)
    if one is not None:
        return [one]
    return _list(of.get("messages")) if of else None  # LangChain's prompt values and histories


def _list(value: object) -> list[Message] | None:
    entries = items(value)
    messages = [_pair(entry) or message(members(entry)) for entry in entries]
    return [found for found in messages if found is not None] if messages and None not in messages else None


def message(of: Mapping[str, Any]) -> Message | None:
    """Translate one message or item; None if it is none."""
    role = text(of.get("role"))
    kind = text(of.get("type"))
    if role is not None and not _SAID.isdisjoint(of):
        return {"role": _ROLES.get(role, role), "parts": _parts(role, of)}
    if kind in _LANGCHAIN and "content" in of:
        return _of_langchain(_LANGCHAIN[kind], of)
    if kind in _ITEMS:
        return {"role": _ITEMS[kind], "parts": item_parts(of)}
    return None


def _parts(role: str, of: Mapping[str, Any]) -> list[Part]:
    if "parts" in of:  # google-genai's, and the conventions' own
        return [content_part(part) for part in items(of["parts"])]
    if role == "tool" and of.get("tool_call_id") is not None:
        return [_response(of)]
    return message_parts(of)


def _response(of: Mapping[str, Any]) -> Part:
    call_id = text(of.get("tool_call_id"))
    return {"type": "tool_call_response", "id": call_id, "response": tool_result(of.get("content"))}


def _of_langchain(role: str, of: Mapping[str, Any]) -> Message:
    if role == "tool":
        return {"role": role, "parts": [_response(of)]}
    return {"role": text(of.get("role")) or role, "parts": langchain_parts(of)}


def _pair(entry: object) -> Message | None:
    """A message as LangChain's prompts take it: its role and its text."""
    pair = items(entry)
    if len(pair) != 2 or text(pair[0]) not in _PAIRED:
        return None
    return {"role": _LANGCHAIN.get(pair[0], pair[0]), "parts": content_parts(pair[1])}
