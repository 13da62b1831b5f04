"""95 % intervals of proportions and of weighted means, over whole columns at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Column = NDArray[np.float64]

Z: Final = 1.959963984540054
"""Quantile 0.975 of the standard normal distribution."""

ENOUGH: Final = 30
"""Effective judged answers from which the sampling variance itself can be trusted."""


def wilson(p: Column, n: Column) -> tuple[Column, Column]:
    """Score interval of a proportion ``p`` of ``n``.

    Wilson, E. B. (1927), "Probable inference, the law of succession, and statistical inference", JASA 22.
    Unlike p ± z·se it stays inside [0, 1] and is honest for 0 of n and for few.

    Returns:
        Low and high; NaN where n is 0 or p is not a proportion.
    """
    valid = (n > 0) & (p >= 0) & (p <= 1)
    p, n = np.where(valid, p, np.nan), np.where(valid, n, np.nan)
    centre = (p + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z / (1 + Z**2 / n) * np.sqrt(p * (1 - p) / n + Z**2 / (4 * n**2))
    # At 0 and 1 the ends meet p, but for rounding.
    return np.clip(np.minimum(centre - half, p), 0, 1), np.clip(np.maximum(centre + half, p), 0, 1)


def weighted_mean(mean: Column, variance: Column, effective: Column) -> tuple[Column, Column]:
    """Interval of a weighted mean of scores in [0, 1].

    Normal, with the linearised variance of Hájek's estimator (Särndal, Swensson and Wretman (1992), "Model
    Assisted Survey Sampling", 5.7). From few answers, or from answers that are all alike, that variance is
    too small or even 0: there the widest variance that scores with this mean can have, ``mean (1 - mean)``,
    is taken instead, which is Wilson's interval.

    Args:
        mean: the estimate.
        variance: of the estimate.
        effective: Kish's effective sample size, ``(sum w)² / sum w²``.

    Returns:
        Low and high, clipped to [0, 1]; NaN where there is no estimate.
    """
    # Rounding can leave the variance of equal scores a little beside 0, on either side.
    alike = ~(variance > 1e-12)
    half = Z * np.sqrt(np.where(alike, 0.0, variance))
    low, high = wilson(np.clip(mean, 0, 1), effective)
    few = alike | (effective < ENOUGH)
    return np.where(few, low, np.clip(mean - half, 0, 1)), np.where(few, high, np.clip(mean + half, 0, 1))
