"""Which rows of the table may find something in a text, told without any regular expression.

A regular expression costs ten nanoseconds a character and more, what is here about one. All of it looks at the text
as one byte a character, so that a position in one is a position in the other.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from driftline.privacy.pattern import Pattern

COMMON: Final = b"abcdefijlmnoqrstuvwy "
"""What most of prose is made of: a text without it is a sixth as long, and lacks only what it lacked before."""

_NAMES: Final = b"CDKLPSWYZcdklpswyz:="
_NOT_NAMES: Final = bytes(set(range(256)) - set(_NAMES))
"""The same for the names that stand before a colon or an equals sign."""

_LOWER: Final = bytes(range(256)).lower().replace(b"=", b":")
_BETWEEN: Final = b"\"'\\ \t\r\n"
_DIGITS: Final = b"0123456789"
_NOT_DIGITS: Final = bytes(set(range(256)) - set(_DIGITS))
# "?" stands for characters that have no byte, among them some that separate digits.
_SEPARATORS: Final = b" .-()/+?\xa0"
_RUNS: Final = bytes(ord("0") if byte in _DIGITS else ord(" ") for byte in range(256))
_SHAPE: Final = bytes(
    ord("0") if byte in _DIGITS else ord("-") if byte in _SEPARATORS else ord(" ") for byte in range(256)
)
_FEW: Final = 7
_BEFORE: Final = 64
"""Characters before a number within which a word says what it is."""
_FEW_DIGITS: Final = b"0" * _FEW
_LETTER: Final = re.compile(r"\\[bfnrt]")
_CODE: Final = re.compile(r"\\u[0-9a-fA-F]{4}")
_CLUSTER: Final = re.compile("0[0-]{6,}+")


Number = tuple[int, int, str]
"""Digits with nothing but separators between: start, at the first digit or a parenthesis before it; end; and the
shape, ``0`` for each digit and ``-`` for each separator, after an ``A`` if a capital letter stands before."""

Anchor = tuple[str, bytes, int]
"""What must be in a shortened text, the word itself, and in bits the rows of which it is an anchor."""


def as_bytes(text: str) -> bytes:
    """One byte a character; ``?`` for those that have none."""
    return text.encode("latin-1", "replace")


class Scan:
    """A text in the forms in which things are looked for.

    Attributes:
        rest: what is left of it without what most of prose is made of.
        digits: how many digits it has.
    """

    __slots__ = ("_compact", "_lower", "_numbers", "digits", "raw", "rest", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.raw = as_bytes(text)
        rest = self.raw.translate(None, COMMON)
        self.rest = rest.decode("latin-1")
        self.digits = len(rest.translate(None, _NOT_DIGITS))
        self._compact: bytes | None = None
        self._lower: bytes | None = None
        self._numbers: list[Number] | None = None

    @property
    def lower(self) -> bytes:
        """The text in lower case, as far as ASCII goes."""
        if self._lower is None:
            self._lower = self.raw.lower()
        return self._lower

    @property
    def compact(self) -> bytes:
        """The same without quotes and spaces, and with colons for equals signs."""
        if self._compact is None:
            self._compact = self.raw.translate(_LOWER, _BETWEEN)
        return self._compact

    @property
    def numbers(self) -> list[Number]:
        """Everything with at least seven digits and nothing but separators between."""
        if self._numbers is None:
            self._numbers = []
            if self.digits >= _FEW and _FEW_DIGITS in self.raw.translate(_RUNS, _SEPARATORS):
                for found in _CLUSTER.finditer(self.raw.translate(_SHAPE).decode("latin-1")):
                    start, shape = found.start(), found[0]
                    before = self.text[max(start - 2, 0) : start]
                    opened = before.endswith("(")
                    if "A" <= before.rstrip(" -\xa0\u202f")[-1:] <= "Z":
                        shape = "A" + shape
                    self._numbers.append((start - opened, found.end(), shape))
        return self._numbers

    def without_escapes(self) -> Scan:
        """The same with line ends for what is escaped, which are in no word; positions stay."""
        other = Scan(_CODE.sub("\n" * 6, _LETTER.sub("\n" * 2, self.text)))
        other._numbers = self.numbers
        return other


class Screen:
    """The rows of a table, arranged so that what they need is asked for together."""

    def __init__(self, patterns: Sequence[Pattern]) -> None:
        self._rows = tuple((1 << place, row) for place, row in enumerate(patterns))
        self._always = sum(bit for bit, row in self._rows if not row.digits and not row.anchors)
        self._exact: dict[str, list[Anchor]] = {}
        self._assigned: list[Anchor] = []
        self._spoken: list[tuple[bytes, int]] = []
        for word, bits in self._anchors(lambda row: not row.caseless and not row.assigned):
            left = word.translate(None, COMMON).decode("latin-1")
            self._exact.setdefault(left[-1:], []).append((left, word, bits))
        for word, bits in self._anchors(lambda row: row.assigned):
            self._assigned.append((_names(word + b":"), word + b":", bits))
        self._spoken += self._anchors(lambda row: row.caseless)
        self._of_shape = lru_cache(512)(self._of_new_shape)

    def _anchors(self, kind: Callable[[Pattern], bool]) -> Iterator[tuple[bytes, int]]:
        """Anchors of rows of a kind, each with all its rows."""
        table: dict[bytes, int] = {}
        for bit, row in self._rows:
            # Of "api key" and "key", the second is in everything that the first is in.
            short = [one for one in row.anchors if not any(other in one for other in row.anchors if other != one)]
            for word in map(as_bytes, short if kind(row) else ()):
                table[word] = table.get(word, 0) | bit
        yield from table.items()

    def _of_new_shape(self, shape: str) -> tuple[int, int]:
        """How many digits a number has, and which rows may find something there."""
        return shape.count("0"), sum(bit for bit, row in self._rows if not row.anchors and may_be(row, shape))

    def suspects(self, scan: Scan) -> list[Pattern]:
        """The rows that may find something, in the table's order."""
        found, rest, raw = self._always, scan.rest, scan.raw
        for sign, anchors in self._exact.items():
            if sign in rest:
                for left, word, bits in anchors:
                    if left in rest and word in raw:
                        found |= bits
        if ":" in rest or "=" in rest:
            names = _names(raw)
            for left, word, bits in self._assigned:
                if left in names and word in scan.compact:
                    found |= bits
        most, bits = self._by_numbers(scan)
        found |= bits
        return [row for bit, row in self._rows if found & bit and row.digits <= most] if found else []

    def _by_numbers(self, scan: Scan) -> tuple[int, int]:
        """How many digits the longest number has, and which rows may find something in or before numbers."""
        numbers = scan.numbers
        if not numbers:
            return min(scan.digits, _FEW - 1), 0
        most, found = 0, 0
        for _, _, shape in numbers:
            digits, bits = self._of_shape(shape)
            most = max(most, digits)
            found |= bits
        before = scan.lower
        if len(numbers) * _BEFORE < len(before):
            before = b"\n".join([before[max(start - _BEFORE, 0) : start] for start, _, _ in numbers])
        for word, bits in self._spoken:
            if word in before:
                found |= bits
        return most, found


def may_be(row: Pattern, shape: str) -> bool:
    """Whether a number of that shape may be what a row without anchors finds."""
    return 0 < row.digits <= shape.count("0") and (not row.shapes or any(part in shape for part in row.shapes))


def _names(text: bytes) -> str:
    return text.translate(_LOWER, _NOT_NAMES).decode("latin-1")
