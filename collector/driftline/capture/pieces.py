"""Streams that are nobody's model's: pieces of text, or any other values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from driftline.capture.result import Result
from driftline.frozen import Room, freeze

if TYPE_CHECKING:
    from driftline.content import Message

LONGEST: Final = 65_536
"""Characters of one text that are kept, beyond what any setting records by default."""


class Pieces:
    """Texts are joined; of anything else a list is made."""

    __slots__ = ("_pieces", "_room")

    def __init__(self) -> None:
        self._room = Room(LONGEST)
        self._pieces: list[Any] = []

    def add(self, chunk: object) -> None:
        """Keep a copy of one piece, as long as there is room."""
        if self._room.nodes > 0 and self._room.size < 2 * LONGEST:
            self._room.nodes -= 1
            self._pieces.append(freeze(chunk, self._room))

    def result(self) -> Result:
        """What has come so far, as the assistant's message."""
        pieces = self._pieces
        if not pieces:
            return Result()
        content: Any = "".join(pieces) if all(type(piece) is str for piece in pieces) else pieces
        message: Message = {"role": "assistant", "parts": [{"type": "text", "content": content}]}
        return Result(messages=(message,))
