"""The possible means of a baseline, and how strongly the baseline speaks against each.

A detector must not believe its baseline's mean: it was estimated. So it asks, for each mean p of a lattice, whether the
data are those of a stream that was and stayed at p, and takes the answer that is kindest to the stream
(docs/drift-method.md).
Cells lie on one lattice of logits for all streams, so that they share the tables of ``bets``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

COARSEST: Final = 0.05
"""Step of the lattice in logits, halved until it is ``_FINE`` standard errors of the baseline's mean."""
HALVINGS: Final = 4
_FINE: Final = 0.2
"""In place of the study's 0.5: a band as wide as that costs 0.4 nats on small shifts (docs/benchmarks.md)."""
_BELOW: Final = 3.5
"""Standard errors below the baseline's mean at which the lattice begins."""
REJECTED: Final = 1e8
"""Evidence of the baseline against a mean from which on the mean is given up: wrong at most once in as many streams."""
LOWEST_LOGIT, HIGHEST_LOGIT = -12.0, 12.0

_BETS: Final = (2.0, 1.0)
"""In standard errors of the baseline's mean: the best bet against a mean x errors off is x (docs/benchmarks.md)."""
_CONSTANT: Final = 0.2
"""Part of the capital that bets nothing: what the evidence is worth at means that the baseline cannot tell apart."""
_CAP: Final = 0.9
"""Largest part of the capital that one observation can lose."""
_EXPONENT: Final = 600.0


@dataclass(frozen=True)
class Lattice:
    """The cells of one stream; cell i is the band of means between sig(p_i) and sig(p_i + step).

    Attributes:
        halvings: of the coarsest step.
        first: place of the first cell on the lattice of all streams: its logit over the step.
        cells: how many there are.
        bets: of the baseline against each mean, in standard deviations of a flag with that mean, shape (bets,).
    """

    halvings: int
    first: int
    cells: int
    bets: tuple[float, ...]

    @property
    def step(self) -> float:
        """Distance of cells in logits."""
        return step_of(self.halvings)

    def means(self, shift: int = 0) -> NDArray[np.float64]:
        """Lower end of each cell's band, moved by so many cells, shape (cells,)."""
        return sigmoid((np.arange(self.cells) + self.first + shift) * self.step)


def step_of(halvings: int) -> float:
    """Step of a lattice in logits."""
    return float(COARSEST / 2**halvings)


def sigmoid(logits: NDArray[np.floating]) -> NDArray[np.float64]:
    """Means of logits."""
    means: NDArray[np.float64] = 1.0 / (1.0 + np.exp(-logits))
    return means


def logit(mean: float) -> float:
    """Logit of a mean, kept within the lattice's ends."""
    return min(max(math.log(mean / (1 - mean)), LOWEST_LOGIT), HIGHEST_LOGIT)


def log_capital(
    counts: NDArray[np.float64], values: NDArray[np.float64], means: NDArray[np.float64], bets: tuple[float, ...]
) -> NDArray[np.float64]:
    """Logarithm of what each bet on "the mean is below" has made of 1, shape (means, bets).

    Args:
        counts: of y, shape (levels,).
        values: of the levels, same shape.
        means: that the baseline is tested against, shape (means,).
        bets: in standard deviations of a flag with that mean; they may not depend on what came of flags, or the
            evidence against the true mean would be more than 1 on average.
    """
    deviations = np.sqrt(means * (1 - means))
    stakes = np.minimum(np.array(bets) / deviations[:, None], _CAP / (1 - means)[:, None])
    gains = np.log1p(stakes[:, :, None] * (means[:, None, None] - values))
    made: NDArray[np.float64] = gains @ counts
    return made


def evidence(log_capitals: NDArray[np.float64]) -> NDArray[np.float64]:
    """What the baseline says against each cell's mean: expectation at most 1 where it is the true one, shape (cells,).

    The lowest cell keeps the constant alone, so that it speaks for all means below it too.
    """
    found = _CONSTANT + (1 - _CONSTANT) * np.exp(np.minimum(log_capitals, _EXPONENT)).mean(axis=-1)
    found[0] = _CONSTANT
    return np.asarray(found, float)


def build(counts: NDArray[np.float64], values: NDArray[np.float64], overdispersion: float) -> Lattice:
    """The lattice of a baseline: from a little below its mean to the first one that it rejects.

    Args:
        counts: of y by level, shape (levels,).
        values: of the levels, shape (levels,).
        overdispersion: factor on the variance of sums, at least 1.
    """
    n = float(counts.sum())
    mean = (float(counts @ values) + 0.5) / (n + 1)
    seen = float(counts @ values) / n
    spread = float(counts @ values**2) / n - seen**2
    variance = max(spread, 0.1 * mean * (1 - mean)) * overdispersion
    error = math.sqrt(variance / n)
    halvings = 0
    while halvings < HALVINGS and step_of(halvings) > _FINE * error / (mean * (1 - mean)):
        halvings += 1
    step = step_of(halvings)
    # Flags scatter as their mean says, so that it is 1; of scores it is estimated, which matters to second order.
    scatter = max(spread / (seen * (1 - seen)), 0.1) if 0 < seen < 1 else 1.0
    bets = tuple(bet * math.sqrt(overdispersion / (n * scatter)) for bet in _BETS)
    first = math.floor(logit(max(mean - _BELOW * error, mean / 8)) / step)
    whole = Lattice(halvings, first, math.floor(HIGHEST_LOGIT / step) - first + 1, bets)
    least = math.floor(logit(mean) / step) + 1 - first
    return replace(whole, cells=_first_rejected(whole, counts / overdispersion, values, least) + 1)


def _first_rejected(whole: Lattice, counts: NDArray[np.float64], values: NDArray[np.float64], least: int) -> int:
    """The first cell whose mean the counts reject: evidence grows with the mean, so the way is halved."""
    low, high = least, whole.cells - 1
    while low < high:
        middle = (low + high) // 2
        mean = sigmoid(np.array([(middle + whole.first) * whole.step]))
        capital = np.exp(np.minimum(log_capital(counts, values, mean, whole.bets), _EXPONENT)).mean()
        low, high = (low, middle) if (1 - _CONSTANT) * capital > REJECTED else (middle + 1, high)
    return low
