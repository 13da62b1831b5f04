"""Texts that arrive in pieces, kept up to a limit that all texts of one stream share."""

from __future__ import annotations

from typing import Final

from driftline.content import CUT

MOST: Final = 65_536
"""Characters kept of one stream. Longer ones still count for tokens and time; their text ends with a mark."""

_FOLD: Final = 256
"""Pieces after which they are joined: a list of single characters takes a hundred times their memory."""


class Room:
    """How many characters a stream may still keep."""

    __slots__ = ("left",)

    def __init__(self, most: int = MOST) -> None:
        self.left = most


class Text:
    """One text, growing at its end."""

    __slots__ = ("_cut", "_pieces", "_room")

    def __init__(self, room: Room) -> None:
        self._room = room
        self._pieces: list[str] = []
        self._cut = False

    def add(self, piece: object) -> None:
        """Append a piece; what is no text is left out."""
        if type(piece) is not str:
            if not isinstance(piece, str):
                return
            piece = str.__str__(piece)
        if not piece:
            return
        left = self._room.left - len(piece)
        if left < 0:
            self._cut = True
            piece = piece[: self._room.left]
        self._room.left = max(left, 0)
        self._pieces.append(piece)
        if len(self._pieces) >= _FOLD:
            self._pieces = ["".join(self._pieces)]

    def __bool__(self) -> bool:
        return bool(self._pieces)

    def __str__(self) -> str:
        return "".join(self._pieces) + (CUT if self._cut else "")
