"""95 % intervals of proportions and of weighted means, over whole columns at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Column = NDArray[np.float64]

Z: Final = 1.959963984540054
"""Quantile 0.975 of the standard normal distribution."""

UNSEEN: Final = Z**2 / 2
"""Bad answers that are allowed for although none was seen: as many as Wilson's interval adds to a proportion."""


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


def weighted_mean(
    mean: Column, variance: Column, effective: Column, *, unseen: float = UNSEEN
) -> tuple[Column, Column]:
    """Interval of a weighted mean of scores in [0, 1].

    Wilson's interval for as many yes/no answers as would be as certain (Franco, Little, Louis and Slud (2019),
    "Comparative study of confidence intervals for proportions in complex sample surveys", JSSAM 7): ``effective``
    over the design effect, the variance as a share of the one that yes/no answers with this mean would have. Unlike
    ± z·se it is lopsided towards the middle as the sampling distribution is, so it covers at high pass rates.

    A variance from few answers misses the bad ones that happened not to be among them. So a design effect below 1 is
    drawn towards 1 by the weight of ``unseen`` bad answers beside those that the sample speaks for.

    Args:
        mean: the estimate.
        variance: of the estimate, as found in the sample.
        effective: answers of equal weights that the sample is worth, such as Kish's ``(sum w)² / sum w²``.
        unseen: how many bad answers to allow for.

    Returns:
        Low and high, within [0, 1]; NaN where there is no estimate.
    """
    # Sums of few weights can round to none, and the engine divides by 0.
    is_known = np.isfinite(mean) & np.isfinite(variance) & np.isfinite(effective) & (effective > 0)
    mean, variance, effective = (np.where(is_known, of, np.nan) for of in (np.clip(mean, 0, 1), variance, effective))
    seen = effective * mean * (1 - mean)
    # Rounding can leave the variance of equal scores a little below 0.
    found = effective**2 * np.maximum(variance, 0)
    drawn = (found + unseen) / (seen + unseen)
    design_effect = np.fmax(drawn, np.divide(found, seen, out=np.zeros_like(drawn), where=seen > 1e-9))
    return wilson(mean, effective / design_effect)
