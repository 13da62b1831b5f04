"""What a stream brought lately, in a bounded number of blocks: fine where it is new, coarse where it is old.

It says since when a change has been there, and how large it is, without asking the store.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

BLOCKS: Final = 192
_FINEST: Final = 10.0
"""Seconds that a block has at least, however often one looks. In a block of a minute, what came before a change that is
found within it would be counted with what came since, and its level told as half-way."""


@dataclass
class Trail:
    """Blocks of time, oldest first.

    Attributes:
        begins: of each block, in seconds of Unix time.
        sums: of each block: observations, then the sum of each question's y.
        end: of the last block.
    """

    begins: list[float] = field(default_factory=list)
    sums: list[list[float]] = field(default_factory=list)
    end: float = 0.0

    def add(self, begin: float, end: float, n: float, totals: list[float]) -> None:
        """Append what arrived in a time; also nothing, so that time without data is known as such."""
        self.end = end
        if self.begins and begin - self.begins[-1] < _FINEST:
            self.sums[-1] = [a + b for a, b in zip(self.sums[-1], [n, *totals], strict=True)]
            return
        self.begins.append(begin)
        self.sums.append([n, *totals])
        if len(self.begins) > BLOCKS:
            self._merge()

    def columns(self, question: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Observations and sum of y of one question, by block; empty before anything was added."""
        if not self.sums:
            return np.zeros(0), np.zeros(0)
        sums = np.array(self.sums)
        return sums[:, 0], sums[:, 1 + question]

    def _merge(self) -> None:
        """Join the two neighbours whose length is least for their age."""
        begins = np.array([*self.begins, self.end])
        lengths, ages = begins[2:] - begins[:-2], self.end - begins[:-2]
        at = int(np.argmin(lengths / ages))
        self.sums[at : at + 2] = [[a + b for a, b in zip(self.sums[at], self.sums[at + 1], strict=True)]]
        del self.begins[at + 1]
