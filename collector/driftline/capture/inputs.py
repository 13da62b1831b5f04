"""What an observed function was asked: its arguments as the messages of a conversation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from driftline.capture.conversation import conversation
from driftline.capture.parts import content_part, is_part
from driftline.capture.requests import (
    CONVERSATIONS,
    client_call,
    is_call,
    request_attributes,
    request_model,
    system_instructions,
)
from driftline.fields import items, text
from driftline.messages import text_message

if TYPE_CHECKING:
    from collections.abc import Mapping

    from driftline.content import Message
    from driftline.messages import Part

__all__ = ["input_messages", "request_attributes", "request_model", "system_instructions"]

_QUESTIONS = ("question", "query", "prompt", "input", "user_input", "user_message", "message", "text")
"""Names of arguments that are asked beside a history."""


def input_messages(arguments: Mapping[str, Any]) -> list[Message]:
    """Turn arguments into messages.

    What a client's call takes as its conversation is the conversation; else the one list of messages among the
    arguments is, followed by what was asked beside it. A single text is the user's message. Anything else becomes one
    user message with the arguments as JSON.
    """
    if not arguments:
        return []
    call = client_call(arguments)
    name = next((name for name in CONVERSATIONS if call.get(name) is not None), None) if is_call(call) else None
    said = None if name is None else _said(call[name])
    chats = {other: found for other, value in arguments.items() if (found := conversation(value)) is not None}
    if said is not None and (len(chats) != 1 or name in chats):
        return said
    if len(chats) == 1:
        ((history, messages),) = chats.items()
        questions = (text(arguments[other]) for other in _QUESTIONS if other in arguments and other != history)
        return [*messages, *(text_message("user", question) for question in questions if question)]
    values = list(arguments.values())
    content = values[0] if len(values) == 1 and isinstance(values[0], str) else dict(arguments)
    return [{"role": "user", "parts": [{"type": "text", "content": content}]}]


def _said(value: object) -> list[Message] | None:
    """What a client takes: a conversation, a text, or texts and parts, of which those in a row are one message."""
    whole = conversation(value)
    if whole is not None:
        return whole
    messages: list[Message] = []
    loose: list[Part] | None = None
    for entry in items(value) or [value]:
        found = conversation(entry)
        if found is not None:
            messages += found
            loose = None
        elif isinstance(entry, str) or is_part(entry):
            if loose is None:
                loose = []
                messages.append({"role": "user", "parts": loose})
            loose.append(content_part(entry))
        else:
            return None
    return messages
