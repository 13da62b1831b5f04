"""What a function's result says about the model behind it: a table of shapes and their readers.

Supporting another provider's objects is adding a row. Objects are recognised by their shape, so that
no provider's package is imported, and dicts of the same shape are understood too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from driftline.capture import chat, embeddings, plain, responses
from driftline.capture.result import Result

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["ADAPTERS", "Result", "understand"]

ADAPTERS: tuple[tuple[Callable[[object], bool], Callable[[object], Result]], ...] = (
    (chat.matches, chat.read),
    (responses.matches, responses.read),
    (embeddings.matches, embeddings.read),
    (plain.matches_nothing, plain.read_nothing),
    (plain.matches, plain.read),
)
"""Rows of (does it have this shape?, read it); the first that matches wins, the last matches all."""


def understand(value: object) -> Result:
    """Read the result of an observed function; never consumes anything lazy."""
    for matches, read in ADAPTERS:
        if matches(value):
            return read(value)
    return Result()
