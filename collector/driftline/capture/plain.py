"""Results that are nobody's model's: text, data, and things that must not be touched."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

from driftline.capture.pieces import LONGEST
from driftline.capture.result import Result
from driftline.frozen import Room, freeze

if TYPE_CHECKING:
    from driftline.content import Message


def matches_nothing(value: object) -> bool:
    """Whether there is nothing to record: None, or something lazy that only the application may consume.

    Only the class is asked, so that no code of the object runs.
    """
    kind = type(value)
    lazy = hasattr(kind, "__next__") or hasattr(kind, "__anext__") or hasattr(kind, "__aiter__")
    return value is None or lazy or inspect.isawaitable(value)


def read_nothing(value: object) -> Result:  # noqa: ARG001 - has the signature of every reader
    """Record no output."""
    return Result()


def matches(value: object) -> bool:  # noqa: ARG001 - has the signature of every predicate
    """Matches everything."""
    return True


def read(value: object) -> Result:
    """Record text as it is and anything else as JSON; either way as the assistant's message."""
    message: Message = {"role": "assistant", "parts": [{"type": "text", "content": freeze(value, Room(LONGEST))}]}
    return Result(messages=(message,))
