"""What an observed function was asked: its arguments as the messages of a conversation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from driftline.fields import field, items, text
from driftline.messages import chat_message

if TYPE_CHECKING:
    from collections.abc import Mapping
    from inspect import Signature

    from driftline.content import Message


def bind(signature: Signature | None, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """Name the arguments that were passed; without ``self`` or ``cls``, which are no input.

    A call that does not fit the signature is about to fail by itself: what was passed is kept by position.
    """
    if signature is not None:
        try:
            bound = dict(signature.bind(*args, **kwargs).arguments)
        except TypeError:
            pass
        else:
            first = next(iter(bound), None)
            if first in {"self", "cls"}:
                del bound[first]
            return bound
    return {**{str(position): value for position, value in enumerate(args)}, **kwargs}


def input_messages(arguments: Mapping[str, Any]) -> list[Message]:
    """Turn arguments into messages.

    A list of chat messages among them is the conversation; a single text is the user's message;
    anything else becomes one user message with the arguments as JSON.
    """
    if not arguments:
        return []
    chats = [value for value in arguments.values() if _is_chat(value)]
    if len(chats) == 1:
        return [chat_message(message) for message in chats[0]]
    values = list(arguments.values())
    content = values[0] if len(values) == 1 and isinstance(values[0], str) else dict(arguments)
    return [{"role": "user", "parts": [{"type": "text", "content": content}]}]


def request_model(arguments: Mapping[str, Any]) -> str | None:
    """The model that was asked for, when the function takes one."""
    return text(arguments.get("model"))


def _is_chat(value: object) -> bool:
    messages = items(value)
    return bool(messages) and all(text(field(message, "role")) is not None for message in messages)
