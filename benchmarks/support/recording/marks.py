"""Marks in prompts and answers, by which a sink tells the calls that arrived without reading a wire format."""

from __future__ import annotations

import re

ASKED, ANSWERED, OTHERS = "call", "done", "pool"
"""What a mark begins with: in a prompt and in an answer of a burst, and in all others."""

LENGTH = 12
_LETTERS = str.maketrans("0123456789", "abcdefghij")
"""No digits, which redaction might take for a telephone number."""

_MARK = re.compile(f"-(?<=({ASKED}|{ANSWERED}|{OTHERS})-)([a-j]{{7}})".encode())
"""Looks for the hyphen and then back, which takes a twentieth of the time of looking for three words."""


def mark(kind: str, number: int) -> str:
    """The mark of a call, ``LENGTH`` characters."""
    return f"{kind}-{number:07}".translate(_LETTERS)


class Marks:
    """The calls that were seen in bytes, by what their marks begin with."""

    def __init__(self) -> None:
        self.seen: dict[bytes, set[bytes]] = {kind.encode(): set() for kind in (ASKED, ANSWERED, OTHERS)}

    def add(self, body: bytes) -> None:
        """Look for marks in uncompressed bytes of any format."""
        for kind, number in _MARK.findall(body):
            self.seen[kind].add(number)

    def counts(self) -> dict[str, int]:
        """Distinct marks, by what they begin with."""
        return {kind.decode(): len(numbers) for kind, numbers in self.seen.items()}
