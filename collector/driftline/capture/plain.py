"""Results that are nobody's model's: text, data, and things that must not be touched."""

from __future__ import annotations

from typing import TYPE_CHECKING

from driftline.capture.parts import frozen
from driftline.capture.result import Result
from driftline.fields import members

if TYPE_CHECKING:
    from driftline.content import Message

_LAZY = ("__next__", "__anext__", "__aiter__", "__await__")


def is_lazy(kind: type) -> bool:
    """Whether only the application may consume such objects. The class is asked, so that none of their code runs."""
    return any(hasattr(kind, name) for name in _LAZY)


def read_nothing(value: object) -> Result:  # noqa: ARG001 - has the signature of every reader
    """Record no output."""
    return Result()


def read(value: object) -> Result:
    """Record text as it is and anything else as data; either way as the assistant's message."""
    message: Message = {"role": "assistant", "parts": [{"type": "text", "content": frozen(value)}]}
    return Result(messages=(message,))


def read_output(value: object) -> Result:
    """Record the output of pydantic-ai's run, and not the history and settings that the result holds too."""
    return read(members(value).get("output"))
