"""Text that anybody may have written, made fit to be shown: what it says stays, what steers a screen goes."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

_STEERING: Final = frozenset({"Cc", "Cs"})
"""Categories of Unicode: controls, and halves of characters, which cannot be encoded."""

_UNSEEN: Final = frozenset(
    # Bidirectional marks, embeddings, overrides and isolates (Unicode Standard Annex 9), which show text in another
    # order than it has, and what has no width. Joiners stay, as some scripts and emoji cannot be written without.
    "\u061c\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2061\u2062\u2063\u2064\u2066\u2067\u2068\u2069\ufeff\u00ad"
)
_TAGS: Final = range(0xE0000, 0xE0080)
"""Characters that repeat ASCII and are not shown."""


_TELLING: Final = ("feature", "prompt_version", "model")

_FIRST_LINE: Final = 200
"""Characters."""


def clean(text: str) -> str:
    """One line, its words apart by single blanks, without what steers a screen or cannot be seen."""
    kept = (character for character in " ".join(text.split()) if _is_shown(character))
    return " ".join("".join(kept).split())


def short(text: str, most: int) -> str:
    """The begin of a text, with an ellipsis where something is missing.

    Args:
        text: of any length.
        most: characters of the result.
    """
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"


def first_line(text: str) -> str:
    """The first line that says something, short; '' where none does."""
    return short(next(filter(None, map(clean, text.splitlines())), ""), _FIRST_LINE)


def place(segment: Iterable[tuple[str, str]]) -> str:
    """A segment as people say it; what it does not state is left out."""
    return ", ".join(f"{clean(name)} {kept}" for name, value in segment if (kept := clean(value))) or "everything"


def briefly(segment: Iterable[tuple[str, str]]) -> str:
    """The same for a headline, which is cut where it is long: of a feature what tells most comes first, and alone."""
    values = dict(segment)
    told = [(name, values[name]) for name in _TELLING if name in values]
    return place(told if values.get("feature") else segment)


def _is_shown(character: str) -> bool:
    if character in _UNSEEN or ord(character) in _TAGS:
        return False
    return unicodedata.category(character) not in _STEERING
