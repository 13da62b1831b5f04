"""What was said, for those who read it: the content columns ``system``, ``input`` and ``output`` as messages.

The columns hold content as the instrumentation sent it. These shapes are understood:

* JSON of the OpenTelemetry conventions: messages ``[{"role", "parts": [...]}]``, or a list of parts alone;
* JSON of OpenAI's APIs: ``[{"role", "content", "tool_calls"}]``, or a whole request or response body;
* flattened keys of OpenInference and OpenLLMetry, gathered into one JSON object;
* the Vercel AI SDK's prompts, and its answers with their tool calls beside them;
* requests and responses as Logfire keeps them, and the first OpenTelemetry events as a JSON list;
* ``otlp-array:`` and ``otlp-kvlist:`` with the base64 of a structured OTLP value, which is one of the above.

Everything else is text and shown as it is. Nothing in here raises, whatever an application has sent.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from driftline_store.content_parts import (
    TOOL_KINDS,
    Attachment,
    Piece,
    Reasoning,
    Text,
    ToolCall,
    ToolResult,
    piece,
    tool_call,
)
from driftline_store.content_values import STRUCTURED, as_text, member, parse

__all__ = ["ChatMessage", "ToolCall", "ToolResult", "decode", "plain_text"]

_ANSWER: Final = "ai.response.text"
_ANSWER_CALLS: Final = "ai.response.toolCalls"
_EVENT: Final = re.compile(r"gen_ai\.(system|user|assistant|tool)\.message|gen_ai\.choice")
_SAID: Final = frozenset({"parts", "content", "tool_calls", "function_call", "refusal"})


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """One message of a conversation.

    Attributes:
        role: who speaks: mostly system, user, assistant or tool; '' when it was not said.
        text: what is said, parts of it separated by line breaks.
        reasoning: what the model thought before.
        tool_calls: what the model asks tools for.
        tool_results: what tools answered.
        attachments: images, files and links, each as ``[image/png, 12 kB]``, never their bytes.
    """

    role: str
    text: str = ""
    reasoning: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    tool_results: tuple[ToolResult, ...] = ()
    attachments: tuple[str, ...] = ()

    def __str__(self) -> str:
        lines = [
            f"(reasoning: {self.reasoning})" if self.reasoning else "",
            self.text,
            *self.attachments,
            *(f"[calls {call.name}({call.arguments})]" for call in self.tool_calls),
            *(f"[tool result: {answer.result}]" for answer in self.tool_results),
        ]
        return "\n".join(line for line in lines if line)


def decode(content: str, role: str = "") -> list[ChatMessage]:
    """Read a content column.

    Args:
        content: as stored.
        role: of messages that do not name one, such as ``system`` for the column of that name.
    """
    if not content:
        return []
    value = parse(content)
    entries = _entries(value)
    if entries is None:
        return [ChatMessage(role, as_text(value if content.startswith(STRUCTURED) else content))]
    return _messages(entries, role)


def plain_text(content: str) -> str:
    """A content column as text for people and for the judge: messages under each other, named by role."""
    messages = decode(content)
    return "\n\n".join(f"{m.role}: {m}" if m.role and len(messages) > 1 else str(m) for m in messages)


def _entries(value: object) -> list[Any] | None:
    """The messages and parts that a value lists, or None if it is something else."""
    # An answer can be JSON of the application's own: what is not surely a convention's is shown untouched.
    if isinstance(value, Mapping):
        return _entries_of_body(value)
    if isinstance(value, list) and value and all(map(_is_event, value)):
        return [_of_event(event) for event in value]
    if isinstance(value, list) and all(_is_message(item) or _is_part(item) for item in value):
        return value
    return None


def _entries_of_body(body: Mapping[str, Any]) -> list[Any] | None:
    if _is_message(body) or as_text(body.get("type")) in TOOL_KINDS:
        return [body]
    if _ANSWER in body and _ANSWER_CALLS in body:
        calls = parse(as_text(body[_ANSWER_CALLS]))
        return [{"role": "assistant", "content": body[_ANSWER], "tool_calls": calls}]
    if isinstance(body.get("choices"), list):
        return [message for choice in body["choices"] if (message := member(choice, "message"))]
    return _entries_of_response(body) or _entries_of_request(body)


def _entries_of_response(body: Mapping[str, Any]) -> list[Any] | None:
    """The answer as Logfire keeps it, whole or put together from a stream."""
    message = member(body, "message")
    if _is_message(message):
        return [message]
    if "chunk_count" in body and isinstance(body.get("combined_chunk_content"), str):
        return [{"role": "assistant", "content": body["combined_chunk_content"]}]
    return None


def _entries_of_request(body: Mapping[str, Any]) -> list[Any] | None:
    of_responses = ("input", "output") if body.keys() & {"model", "tools"} else ()
    # The Vercel AI SDK's prompt is nothing but these.
    alone = ("prompt",) if body.keys() <= {"prompt", "system"} else ()
    said = next((body[key] for key in ("messages", *of_responses, *alone) if key in body), None)
    found = [{"role": "user", "content": said}] if isinstance(said, str) else None
    found = _entries(said) if isinstance(said, list) else found
    instructions = body.get("instructions", body.get("system"))
    if found is None or not isinstance(instructions, str):
        return found
    return [{"role": "system", "content": instructions}, *found]


def _is_event(item: object) -> bool:
    return isinstance(item, Mapping) and bool(_EVENT.fullmatch(as_text(item.get("event.name"))))


def _of_event(event: Mapping[str, Any]) -> dict[str, Any]:
    """The message that an event of OpenTelemetry's first conventions is about; a choice holds it inside."""
    body = parse(as_text(event.get("body")))
    event = {**event, **body} if isinstance(body, dict) else event
    said = member(event, "message") or event
    role = _EVENT.fullmatch(as_text(event.get("event.name")))
    by_name = role[1] if role and role[1] else "assistant"
    return {"content": None} | dict(said) | {"role": as_text(said.get("role")) or by_name}


def _is_message(item: object) -> bool:
    return isinstance(item, Mapping) and "role" in item and not _SAID.isdisjoint(item)


def _is_part(item: object) -> bool:
    return isinstance(item, Mapping) and isinstance(item.get("type"), str)


def _messages(entries: list[Any], role: str) -> list[ChatMessage]:
    """Messages that say something; parts between them that belong to none make up one of their own."""
    messages: list[ChatMessage] = []
    loose: list[Piece] = []
    for entry in entries:
        if not _is_message(entry):
            loose.append(piece(entry))
            continue
        if loose:
            messages.append(_assemble(role, loose))
            loose = []
        messages.append(_message(entry, role))
    if loose:
        messages.append(_assemble(role, loose))
    return [message for message in messages if message.role or str(message)]


def _message(entry: Mapping[str, Any], role: str) -> ChatMessage:
    pieces: list[Piece] = []
    for key in ("parts", "content"):
        pieces += _pieces(entry.get(key))
    role = as_text(entry.get("role")) or role
    if role == "tool" and "tool_call_id" in entry:
        answer = "\n".join(str(_assemble("", [one])) for one in pieces)
        return ChatMessage(role, tool_results=(ToolResult(as_text(entry["tool_call_id"]), answer),))
    if refusal := as_text(entry.get("refusal")):
        pieces.append(Text(refusal))
    calls = entry.get("tool_calls")
    called = [*calls, entry.get("function_call")] if isinstance(calls, list) else [entry.get("function_call")]
    pieces += [tool_call(call) for call in called if isinstance(call, Mapping)]
    return _assemble(role, pieces)


def _pieces(content: object) -> list[Piece]:
    if content is None:
        return []
    return [piece(part) for part in content] if isinstance(content, list) else [piece(content)]


def _assemble(role: str, pieces: list[Piece]) -> ChatMessage:
    return ChatMessage(
        role,
        text="\n".join(one.text for one in pieces if isinstance(one, Text)),
        reasoning="\n".join(one.text for one in pieces if isinstance(one, Reasoning)),
        tool_calls=tuple(one for one in pieces if isinstance(one, ToolCall)),
        tool_results=tuple(one for one in pieces if isinstance(one, ToolResult)),
        attachments=tuple(one.description for one in pieces if isinstance(one, Attachment)),
    )
