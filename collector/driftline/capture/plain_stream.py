"""Streams that are nobody's model's: pieces of text, which are joined, and other values, which are listed."""

from __future__ import annotations

from typing import Any, Final

from driftline.capture.gathered import MOST, Room, Text
from driftline.capture.result import Result
from driftline.content import CUT
from driftline.frozen import Room as Copies
from driftline.frozen import freeze
from driftline.messages import text_message

_MOST_ITEMS: Final = 256


class Texts:
    """Pieces of one text; what comes among them and is none is left out."""

    __slots__ = ("_text",)

    def __init__(self) -> None:
        self._text = Text(Room())

    def add(self, chunk: object) -> None:
        """Append a piece."""
        self._text.add(chunk)

    def result(self) -> Result:
        """The text so far, as a step's output."""
        return Result(messages=(text_message("assistant", str(self._text)),))


class Items:
    """Values one after the other: copies of the first ones, as far as there is room."""

    __slots__ = ("_items", "_room")

    def __init__(self) -> None:
        self._room = Copies(MOST)
        self._items: list[Any] = []

    def add(self, chunk: object) -> None:
        """Copy a value."""
        if len(self._items) < _MOST_ITEMS and self._room.nodes > 0 and self._room.size < MOST:
            self._items.append(freeze(chunk, self._room))
        elif self._items[-1] is not CUT:
            self._items.append(CUT)

    def result(self) -> Result:
        """The values so far, as a step's output."""
        part = {"type": "text", "content": self._items}
        return Result(messages=({"role": "assistant", "parts": [part]},))
