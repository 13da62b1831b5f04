"""Size, mean and variance of a sample, from its counts or its sums."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Column = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Moments:
    """What is known of a sample of values in [0, 1].

    Attributes:
        n: how many values.
        mean: of them; 0 where there are none.
        variance: of them, with ``n`` as its divisor.
    """

    n: float
    mean: float
    variance: float

    @classmethod
    def of_sums(cls, n: float, total: float, squares: float) -> Moments:
        """From the number of values, their sum and the sum of their squares."""
        if n <= 0:
            return cls(0.0, 0.0, 0.0)
        mean = total / n
        # Rounding can leave the variance of equal values a little below 0.
        return cls(n, mean, max(squares / n - mean * mean, 0.0))

    @classmethod
    def of_counts(cls, values: Column, counts: Column) -> Moments:
        """From how often each of ``values`` was seen; both of shape (levels,)."""
        return cls.of_sums(float(counts.sum()), float(counts @ values), float(counts @ values**2))

    def with_one_more(self) -> Moments:
        """The same with one more observation, which is half a 0 and half a 1.

        A rate of which no case was seen is not known to be 0, nor are scores that were all equal known to stay so.
        """
        n = self.n + 1
        mean = (self.n * self.mean + 0.5) / n
        squares = self.n * (self.variance + self.mean**2) + 0.5
        return Moments(n, mean, squares / n - mean**2)
