"""Takes a statement apart, as far as serving it needs: data of an insert, format, kind.

ClickHouse's own parser stops at the ``FORMAT name`` of an insert and reads the bytes after it as data. The
engine inside chDB wants head and data separately, so this module finds that place the same way: at
the top level, outside of quotes, comments and brackets.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

# The head of an insert is short; data after it may be anything, so the search never goes far.
_LONGEST_HEAD = 1_048_576
_TOKEN = re.compile(
    rb"""
      (?P<space>\s+ | --[^\n]*(?:\n|$) | \#[ !][^\n]*(?:\n|$) | /\*.*?\*/)
    | (?P<quoted>'(?:[^'\\]|\\.|'')*' | "(?:[^"\\]|\\.|"")*" | `(?:[^`\\]|\\.|``)*`)
    | (?P<word>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<open>[(\[{])
    | (?P<close>[)\]}])
    | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_SETTINGS = re.compile(rb"SETTINGS\s+\w+\s*=", re.IGNORECASE)  # a table may be named settings
_DATA_START = re.compile(rb"[ \t\f]*\r?\n?")
_LAST_FORMAT = re.compile(rb"\bFORMAT\s+([A-Za-z0-9_]+)\s*(?:;\s*|SETTINGS\s.*)?$", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True)
class Insert:
    """An insert whose rows come as data.

    Attributes:
        head: the statement up to its SETTINGS or FORMAT clause.
        settings: the SETTINGS clause, if it has one.
        format: name of the data's format.
        data: the rows in that format.
    """

    head: str
    settings: str
    format: str
    data: memoryview


def split_insert(text: bytes) -> Insert | None:
    """Separate an ``INSERT … FORMAT name`` from its data; None for every other statement.

    An insert of VALUES or of a SELECT is one of the others: the engine parses it in one piece.
    """
    first = b""
    format_follows = False
    depth = head_end = settings_at = 0
    for match in _TOKEN.finditer(text, 0, min(len(text), _LONGEST_HEAD)):
        kind = match.lastgroup
        if kind == "open":
            depth += 1
        elif kind == "close":
            depth -= 1
        if kind == "space":
            continue
        word = match.group().upper() if kind == "word" else b""
        first = first or word or b"?"
        if first != b"INSERT" or (depth == 0 and word in {b"VALUES", b"SELECT", b"WITH"}):
            return None
        if format_follows and word:
            return _insert_at(text, settings_at or head_end, head_end, match)
        if depth == 0 and _SETTINGS.match(text, match.start()):
            settings_at = match.start()
        format_follows = depth == 0 and word == b"FORMAT"
        head_end = match.start()
    return None


def _insert_at(text: bytes, settings_at: int, head_end: int, name: re.Match[bytes]) -> Insert | None:
    if name.group().upper() == b"VALUES":
        return None
    gap = _DATA_START.match(text, name.end())
    start = gap.end() if gap else name.end()
    head, settings = text[:settings_at].decode(), text[settings_at:head_end].decode()
    return Insert(head, settings, name.group().decode(), memoryview(text)[start:])


def named_format(text: bytes) -> str | None:
    """The format that a statement names at its end, if it does."""
    match = _LAST_FORMAT.search(text[-400:])
    return match.group(1).decode() if match else None


def is_blank(text: bytes) -> bool:
    """Whether there is nothing but spaces and semicolons."""
    return not text.strip(b" \t\r\n;")
