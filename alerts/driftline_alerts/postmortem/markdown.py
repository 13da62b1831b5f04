"""Text of others in Markdown: shown as it is, and never obeyed."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_SPECIAL: Final = re.compile(r"([\\`*_{}\[\]<>|~&#!$])")
_LONGEST: Final = 1_500
"""Characters of an example that are shown."""


def plain(text: str) -> str:
    """One line of text without any effect: no emphasis, link, image, HTML, table, formula or mention."""
    escaped = _SPECIAL.sub(r"\\\1", _one_line(text))
    # What looks like an address becomes a link by itself, and a name after an @ a message to somebody.
    return escaped.replace("://", ":\\//").replace("www.", "www\\.").replace("@", "@\u200b")


def code(text: str) -> str:
    """One line of text as code, in which nothing has an effect."""
    line = _one_line(text)
    fence = "`" * (_longest_run(line) + 1)
    return f"{fence} {line} {fence}" if line.startswith("`") or line.endswith("`") else f"{fence}{line}{fence}"


def block(text: str) -> list[str]:
    """Text of several lines as a block of code, shortened where it is long."""
    shown = "".join(sign if sign == "\n" or _is_shown(sign) else " " for sign in text[:_LONGEST])
    fence = "`" * max(_longest_run(shown) + 1, 3)
    return [f"{fence}text", *shown.split("\n"), *(["…"] if len(text) > _LONGEST else []), fence]


def _one_line(text: str) -> str:
    return " ".join("".join(sign if _is_shown(sign) else " " for sign in text).split())


def _is_shown(sign: str) -> bool:
    """Whether it is no control, direction or other invisible character, and can be encoded."""
    return unicodedata.category(sign) not in {"Cc", "Cf", "Cs", "Zl", "Zp"}


def _longest_run(text: str) -> int:
    return max(map(len, re.findall("`+", text)), default=0)
