"""How much more a stream's sums vary than those of independent values would."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from driftline_alerts.drift.hourly import Hourly
    from driftline_alerts.drift.moments import Column

BLOCK_HOURS: Final = (1, 4, 24)
FEWEST_BLOCKS: Final = 12
CAP: Final = 10.0
"""Beyond it a stream is no sample any more but a story; what is left unsaid is that bets become 10 times smaller."""

_SURE: Final = 1.645
"""Quantile 0.95 of the standard normal distribution."""


def overdispersion(hours: Hourly, expected: Column) -> float:
    """The factor ``phi`` by which the variance of sums over time exceeds that of independent values.

    Means of blocks of an hour, four and a day are compared with what one value varies: a stream that wanders from hour
    to hour shows in the long blocks. A length counts only if it exceeds 1 surely, and then with its standard error on
    top, so that too small a factor is rare.

    Args:
        hours: of a healthy stream.
        expected: mean of a value by hour, shape (hours,): the season's, or the same for all.

    Returns:
        From 1 to ``CAP``; 1 where there are too few hours to know.
    """
    residual = hours.total - hours.n * expected
    squares = (hours.squares - 2 * expected * hours.total + expected**2 * hours.n).sum()
    n = hours.n.sum()
    if n <= 0 or squares <= 0:
        return 1.0
    variance = squares / n
    found = (_of_length(length, hours, residual, float(variance)) for length in BLOCK_HOURS)
    return min(max(1.0, *found), CAP)


def _of_length(length: int, hours: Hourly, residual: Column, variance: float) -> float:
    """The factor by blocks of one length; 1 where it is not surely above.

    With unequal blocks, the variance between blocks beyond that of independent values (by the mean square of an
    analysis of variance) is counted as often as a sum over all blocks feels it: by ``sum n² / sum n``.
    """
    _, block = np.unique(hours.hour // length, return_inverse=True)
    n = np.bincount(block, weights=hours.n)
    deviation = np.bincount(block, weights=residual)[n > 0]
    n = n[n > 0]
    blocks = len(n)
    if blocks < FEWEST_BLOCKS:
        return 1.0
    ratio = float((deviation**2 / n).sum() / (blocks - 1) / variance)
    # The kurtosis of values in [0, 1] is at most about 1 / variance, which is what it is for rare events. It matters
    # in blocks with few of them, whose means are far from normal.
    error = math.sqrt((2 + float((1 / n).mean()) / variance) / (blocks - 1))
    if ratio <= 1 + _SURE * error:
        return 1.0
    felt, typical = (n**2).sum() / n.sum(), (n.sum() - (n**2).sum() / n.sum()) / (blocks - 1)
    return float(1 + (ratio * (1 + error) - 1) * felt / typical)
