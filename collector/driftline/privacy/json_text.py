"""Texts inside of JSON: each is read, handed over and written again in its place; all else stays byte for byte."""

from __future__ import annotations

import enum
import json
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_DECODER: Final = json.JSONDecoder(parse_int=str, parse_float=str, strict=False)
_TORN: Final = 8
_TORN_ESCAPE: Final = 2
"""Characters from the end within which a reader stumbles when a text was cut within a word or an escape."""

# A text, perhaps one without an end, perhaps a name; or a number long enough to be somebody's.
_TOKEN: Final = re.compile(
    r'"((?:[^"\\]++|\\u[0-9a-fA-F]{4}|\\["\\/bfnrt])*+)(?:"(\s*+:)?)?|(?<![\w.+-])-?[0-9]{4,}+(?![\w.])', re.DOTALL
)


class Kind(enum.Enum):
    """How far a text is JSON."""

    WHOLE = enum.auto()
    BEGINNING = enum.auto()
    OTHER = enum.auto()


def kind_of(text: str) -> Kind:
    """Whether it is JSON, the beginning of such that was cut off, or something else."""
    try:
        _DECODER.decode(text)
    except json.JSONDecodeError as error:
        torn = _TORN_ESCAPE if error.msg.startswith("Invalid \\escape") else _TORN
        cut = error.msg.startswith("Unterminated string") or error.pos >= len(text) - torn
        return Kind.BEGINNING if cut and error.msg != "Extra data" else Kind.OTHER
    except RecursionError:
        return Kind.OTHER
    return Kind.WHOLE


def rewrite(
    text: str, value: Callable[[str], str], name: Callable[[str], str], member: Callable[[str, str], str]
) -> str:
    """Change texts and long numbers in a JSON text; the same object when nothing changes.

    Args:
        text: JSON, or the beginning of it.
        value: gives a text that is a value anew.
        name: gives the name of an object's member anew.
        member: gives a member's value anew because of its name; what it leaves alone is for ``value``.
    """
    parts: list[str] = []
    done = 0
    last, last_end = "", -1
    for token in _TOKEN.finditer(text):
        body = token[1]
        old = token[0] if body is None else _read(body)
        if token[2] is not None:
            new, last, last_end = name(old), old, token.end()
        else:
            new = member(last, old) if _follows(text, last_end, token.start()) else old
            new = value(old) if new == old else new
            last_end = -1
        if new != old:
            start, end = token.span(0 if body is None else 1)
            parts += text[done:start], f'"{_write(new)}"' if body is None else _write(new)
            done = end
    return "".join([*parts, text[done:]]) if parts else text


def _follows(text: str, end: int, start: int) -> bool:
    return end >= 0 and (start - end < 2 or not text[end:start].strip())


def _read(body: str) -> str:
    return str(_DECODER.decode(f'"{body}"')) if "\\" in body else body


def _write(text: str) -> str:
    written = json.dumps(text, ensure_ascii=False)[1:-1]
    # UTF-8, and so the wire, has no halves of characters; escaped, JSON does.
    return written if written.isascii() or _is_whole(written) else json.dumps(text)[1:-1]


def _is_whole(text: str) -> bool:
    return text.encode("utf-8", "replace").decode("utf-8") == text
