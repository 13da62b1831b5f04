"""An exact test of two means against each other, from counts: for few or rare observations, at any time."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

from driftline_alerts.drift.moments import Moments

if TYPE_CHECKING:
    from driftline_alerts.drift.moments import Column

_BETS: Final = 10
_LEAST_BET: Final = 0.05
_CAP: Final = 0.9
_COMMON: Final = 121
"""Common means that are tried, between six standard errors below the pooled mean and six above."""

_STEEPEST: Final = 600.0


def e_value(values: Column, a: Column, b: Column) -> float:
    """Evidence that the means of two samples differ: at least 20 by chance in at most 1 of 20 comparisons, ever.

    For each common mean, one bets on A being below it and B above, and the reverse; the least of what is won over all
    common means is kept. It holds for any distribution on [0, 1], any sizes and any number of looks (k-sample
    e-values: Turner, R., Ly, A. and Grünwald, P. (2024), "Generic e-variables for exact sequential k-sample tests that
    allow for optional stopping", J. Stat. Plan. Inference 230; bets as Waudby-Smith, I. and Ramdas, A. (2024),
    "Estimating means of bounded random variables by betting", JRSS B 86).

    Args:
        values: what is counted, in [0, 1]; shape (levels,).
        a: counts of the one; same shape.
        b: counts of the other.

    Returns:
        At most e^600; 1 where one has no data.
    """
    if not a.any() or not b.any():
        return 1.0
    common = _common_means(values, a, b)
    up_a, down_a = _capital(values, a, common)
    up_b, down_b = _capital(values, b, common)
    least = float(np.logaddexp(up_a + down_b, down_a + up_b).min()) - math.log(2)
    return math.exp(min(least, _STEEPEST))


def _common_means(values: Column, a: Column, b: Column) -> Column:
    """Where the minimum lies: near the pooled mean, and between those of the two."""
    both = Moments.of_counts(values, a + b).with_one_more()
    reach = 6 * math.sqrt(both.variance / min(a.sum(), b.sum()))
    means = [Moments.of_counts(values, counts).mean for counts in (a, b)]
    low = max(min(both.mean - reach, *means), both.mean / 50)
    high = min(max(both.mean + reach, *means), 1 - (1 - both.mean) / 50)
    return np.linspace(low, high, _COMMON)


def _capital(values: Column, counts: Column, mean: Column) -> tuple[Column, Column]:
    """Logarithm of what bets on a mean above, and on one below, have won; shape (means,) each."""
    seen = counts > 0
    centred, counts = values[seen] - mean[:, None], counts[seen]
    share = np.arange(_BETS) / (_BETS - 1)
    won = []
    for sign, most in ((1.0, _CAP / mean), (-1.0, _CAP / (1 - mean))):
        bets = _LEAST_BET * (most / _LEAST_BET)[:, None] ** share
        growth = np.log1p(sign * bets[:, :, None] * centred[:, None, :]) @ counts
        won.append(np.logaddexp.reduce(growth, axis=1) - math.log(_BETS))
    return won[0], won[1]
