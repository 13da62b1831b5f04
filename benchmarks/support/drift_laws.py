"""The laws that the scenarios of ``benchmarks/drift.py`` draw from: synthetic, and each with an exact likelihood.

A law is a probability for each key of a metric's sums, as the store keeps them: scores in twentieths, logarithmic bins
of a latency, 0 and 1 of a flag.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, Final

import numpy as np

from driftline_store.histogram import BASE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Samples = NDArray[np.uint8]
    """Places of keys in ``Law.keys``."""

# How a judge with marks from 0 to 10 rates good answers and bad ones.
_GOOD: Final = np.array([0, 0, 0, 0, 0, 0, 0.01, 0.03, 0.08, 0.25, 0.63])
_BAD: Final = np.array([0.14, 0.10, 0.12, 0.12, 0.12, 0.12, 0.10, 0.08, 0.06, 0.03, 0.01])
_MARKS: Final = np.arange(11) / 10
_SPREAD: Final = 0.8
"""Standard deviation of the logarithm of a latency."""
_BINS: Final = range(math.floor(-4 * _SPREAD / math.log(BASE)), math.ceil(4.5 * _SPREAD / math.log(BASE)))


@dataclass(frozen=True, eq=False)
class Law:
    """Probabilities by key.

    Attributes:
        keys: ascending, shape (keys,).
        p: probability of each, same shape.
    """

    keys: NDArray[np.int64]
    p: Array

    def draw(self, rng: np.random.Generator, shape: tuple[int, int]) -> Samples:
        """Independent samples, shape as asked."""
        edges = np.cumsum(self.p)[:-1].astype(np.float32)
        drawn = np.empty(shape, np.uint8)
        for row in drawn:
            row[:] = np.searchsorted(edges, rng.random(shape[1], np.float32), side="right")
        return drawn

    def evidence_against(self, other: Law) -> Array:
        """Logarithm of the likelihood ratio of this law to another one with the same keys, by key, shape (keys,)."""
        possible = self.p > 0
        return np.log(np.where(possible, self.p, 1e-300) / np.where(other.p > 0, other.p, 1e-300))


def scores(mean: float) -> Law:
    """Judged answers: good ones, which have 0.946 on average, and as many bad ones as give the mean."""
    good, bad = float(_GOOD @ _MARKS), float(_BAD @ _MARKS)
    share = (mean - bad) / (good - bad)
    return _of_marks(share * _GOOD + (1 - share) * _BAD)


def notch_worse(mean: float, to: float) -> Law:
    """The same answers, of which so many get a mark less that the mean falls to ``to``."""
    p = scores(mean).p[::2]
    moved = (mean - to) / 0.1 / (1 - p[0])
    worse = p * (1 - moved)
    worse[0] = p[0]
    worse[:-1] += p[1:] * moved
    return _of_marks(worse)


def flags(rate: float) -> Law:
    """Calls of which a share has the flag."""
    return Law(np.array([0, 1]), np.array([1 - rate, rate]))


def latencies(factor: float) -> Law:
    """Log-normal latencies, times a factor, in the bins of the store."""
    normal = NormalDist(math.log(factor), _SPREAD)
    ends = np.array([normal.cdf(index * math.log(BASE)) for index in _BINS[1:]])
    return Law(np.array(_BINS), np.diff(ends, prepend=0.0, append=1.0))


def _of_marks(p: Array) -> Law:
    whole = np.zeros(21)
    whole[::2] = np.maximum(p, 0)
    return Law(np.arange(21), whole / whole.sum())
