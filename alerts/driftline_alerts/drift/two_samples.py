"""The difference of two samples of counts, as an estimate with a variance: of means, quantiles and ranks."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from driftline_alerts.drift.confidence import half_width
from driftline_alerts.drift.moments import Moments

if TYPE_CHECKING:
    from driftline_alerts.drift.moments import Column

RANK_SCALE: Final = 0.05
"""Difference of a probability from one half that an interval of ranks is to be narrowest at."""

_BAND: Final = (0.0125, 0.025)
"""How far to both sides of a quantile, in probability, its density is looked for: less far from more data."""

_IN_BAND: Final = 10


@dataclass(frozen=True, slots=True)
class Difference:
    """B against A.

    Attributes:
        a: value of A.
        b: value of B.
        change: B minus A; of quantiles the logarithm of B over A.
        variance: of ``change``; infinite where it cannot be known.
    """

    a: float
    b: float
    change: float
    variance: float


def of_means(values: Column, a: Column, b: Column) -> Difference:
    """Of two means of ``values`` in [0, 1], by their counts; shape (levels,) each, none empty."""
    first, second = (Moments.of_counts(values, counts) for counts in (a, b))
    variance = sum(one.with_one_more().variance / one.n for one in (first, second))
    return Difference(first.mean, second.mean, second.mean - first.mean, variance)


def of_quantiles(edges: Column, a: Column, b: Column, q: float) -> Difference:
    """Of the ``q``-quantiles of two histograms, as a ratio.

    A quantile varies as the share below it does, over the density there (Siddiqui, M. M. (1960), "Distribution of
    quantiles in samples from a bivariate population", J. Res. NBS 64B), which is estimated from how far apart the
    quantiles a little below and above are.

    Args:
        edges: logarithm of the lower end of each bin, and the upper end of the last; shape (bins + 1,).
        a: counts of the one by bin, without gaps between bins; shape (bins,).
        b: counts of the other.
        q: inside (0, 1).
    """
    at, variance = [], 0.0
    for counts in (a, b):
        band = min(float(np.clip(_IN_BAND / counts.sum(), *_BAND)), q / 2, (1 - q) / 2)
        below, middle, above = (_quantile(edges, counts, one) for one in (q - band, q, q + band))
        variance += q * (1 - q) / counts.sum() * ((above - below) / (2 * band)) ** 2
        at.append(middle)
    return Difference(math.exp(at[0]), math.exp(at[1]), at[1] - at[0], variance)


def _quantile(edges: Column, counts: Column, q: float) -> float:
    """As if a bin's values were spread evenly over it."""
    return float(np.interp(q * counts.sum(), np.concatenate([[0.0], np.cumsum(counts)]), edges))


def cohens_d(values: Column, a: Column, b: Column) -> float:
    """Difference of the means in standard deviations; 0 where nothing varies.

    Cohen, J. (1988), "Statistical power analysis for the behavioral sciences": 0.2 is small, 0.5 medium, 0.8 large.
    """
    first, second = (Moments.of_counts(values, counts) for counts in (a, b))
    deviation = math.sqrt((first.variance + second.variance) / 2)
    return (second.mean - first.mean) / deviation if deviation else 0.0


@dataclass(frozen=True, slots=True)
class Ranks:
    """Probability that one of B is above one of A, half of it where they are equal, with an interval for all looks."""

    theta: float
    low: float
    high: float


def mann_whitney(a: Column, b: Column, *, alpha: float = 0.05) -> Ranks:
    """Ranks of B among A from ordered counts; shape (levels,) each, none empty.

    Variance by placements: DeLong, E. R., DeLong, D. M. and Clarke-Pearson, D. L. (1988), "Comparing the areas under
    two or more correlated receiver operating characteristic curves", Biometrics 44.
    """
    below_a, below_b = ((np.cumsum(counts) - counts / 2) / counts.sum() for counts in (a, b))
    theta = float(b @ below_a / b.sum())
    spread_b = float(b @ (below_a - theta) ** 2) / b.sum()
    spread_a = float(a @ (1 - below_b - theta) ** 2) / a.sum()
    # Where all of one are above all of the other, nothing varies, and yet it is not known for ever.
    floor = 0.25 / (a.sum() + b.sum())
    half = half_width((spread_b + floor) / b.sum() + (spread_a + floor) / a.sum(), RANK_SCALE, alpha=alpha)
    return Ranks(theta, max(theta - half, 0.0), min(theta + half, 1.0))
