"""Where rows of the table find something in a text, and the text with something else put there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from driftline.privacy.screen import as_bytes, may_be

if TYPE_CHECKING:
    import re
    from collections.abc import Iterator, Sequence

    from driftline.privacy.pattern import Pattern
    from driftline.privacy.screen import Scan

_AROUND: Final = 64

Place = tuple[int, int, int]
"""Start, the row's place among the rows, end."""


def replace(scan: Scan, rows: Sequence[Pattern]) -> str:
    """Put the rows' replacements where they find something; the same object when they find nothing.

    Where two overlap, the row that comes first has it. Nothing that is found reaches into an escape: when a line end
    stands as a backslash and an ``n`` before an address, the ``n`` stays.
    """
    text = scan.text
    if "\\" in scan.rest:
        scan = scan.without_escapes()
    found = [place for number, row in enumerate(rows) for place in _places(row, number, scan)]
    if not found:
        return text
    parts: list[str] = []
    done = 0
    for start, number, end in _without_overlaps(found):
        parts += text[done:start], rows[number].replacement
        done = end
    return "".join([*parts, text[done:]])


def _without_overlaps(found: list[Place]) -> list[Place]:
    chosen: list[Place] = []
    for place in sorted(found):
        while chosen and chosen[-1][2] > place[0] and chosen[-1][1] > place[1]:
            chosen.pop()
        if not chosen or chosen[-1][2] <= place[0]:
            chosen.append(place)
    return chosen


def _places(row: Pattern, number: int, scan: Scan) -> Iterator[Place]:
    if row.digits and not row.anchors:
        matches = _at_numbers(row, scan)
    else:
        matches = _at_anchors(row, scan) if row.anchors else row.regex.finditer(scan.text)
    part = "secret" if "secret" in row.regex.groupindex else 0
    for found in matches:
        start = found.start(part)
        count = row.check(found[part])
        if count:
            yield start, number, start + count


def _at_anchors(row: Pattern, scan: Scan) -> Iterator[re.Match[str]]:
    where = scan.lower if row.caseless or row.assigned else scan.raw
    for anchor in map(as_bytes, row.anchors):
        done = 0
        at = where.find(anchor)
        while at >= 0:
            found = row.regex.match(scan.text, max(at, done) - _before(row, scan.text[max(at - _AROUND, done) : at]))
            if found:
                done = found.end()
                yield found
            at = where.find(anchor, max(at + 1, done))


def _at_numbers(row: Pattern, scan: Scan) -> Iterator[re.Match[str]]:
    for first, last, shape in scan.numbers:
        if not may_be(row, shape):
            continue
        start, end = first, last
        if row.lead:
            start -= _before(row, scan.text[max(start - _AROUND, 0) : start])
            behind = scan.text[end : end + _AROUND]
            end += len(behind) - len(behind.lstrip(row.lead))
        # What turns out to be none may hold the beginning of one, and an expression looks two characters ahead.
        while found := row.regex.search(scan.text, start, end + 2):
            start = found.start() + 1
            yield found


def _before(row: Pattern, text: str) -> int:
    """How many characters at the end of a text may belong to what follows it."""
    return len(text) - len(text.rstrip(row.lead)) if row.lead else 0
