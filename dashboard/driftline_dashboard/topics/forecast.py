"""What a month will have cost, from the days before: an estimate with an interval.

What is still to come is taken to be like the last whole weeks, in which each day of the week counts alike: the mean of
a day, times the days that are left. The 95 % interval is the one of a sum of that many days of which only the mean of
n days is known: Student's t, with the variance of days, widened where one day resembles the next (the lag-1 correlation
r makes the variance of a sum (1 + r) / (1 - r) times as large; Brockwell and Davis (2016), "Introduction to Time Series
and Forecasting", 2.4). It knows of no trend and of nothing that is planned.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

from driftline_store.estimates.figure import Figure
from driftline_store.metrics_interval import Z

if TYPE_CHECKING:
    from collections.abc import Sequence

_WEEK: Final = 7
_WEEKS: Final = 4
_MOST_ALIKE: Final = 0.9


def forecast(days: Sequence[float], so_far: float, left: float) -> Figure:
    """The total of a period.

    Args:
        days: of each whole day before now, the oldest first.
        so_far: of the period.
        left: days of the period that are still to come, which need not be whole.

    Returns:
        The total with its interval, which is never below what is already there.
    """
    weeks = min(len(days) // _WEEK, _WEEKS)
    if not weeks:
        return Figure(None, None, None, f"it takes {_WEEK} whole days to estimate from, and there are {len(days)}")
    last = np.array(days[-weeks * _WEEK :], dtype=np.float64)
    n = len(last)
    alike = _lag_one(last)
    variance = float(last.var(ddof=1)) * (1 + alike) / (1 - alike)
    half = _t(n - 1) * math.sqrt(variance * (left + left**2 / n))
    total = so_far + left * float(last.mean())
    return Figure(total, max(total - half, so_far), total + half)


def basis(days: Sequence[float]) -> int:
    """How many of the days ``forecast`` estimates from."""
    return min(len(days) // _WEEK, _WEEKS) * _WEEK


def _lag_one(days: np.ndarray) -> float:
    """Correlation of a day with the next, 0 where it is negative."""
    centred = days - days.mean()
    spread = float(centred @ centred)
    return min(max(float(centred[1:] @ centred[:-1]) / spread, 0.0), _MOST_ALIKE) if spread > 0 else 0.0


def _t(freedom: int) -> float:
    """Quantile 0.975 of Student's t; within 0.002 from 6 degrees on (Abramowitz and Stegun (1964), 26.7.5)."""
    z = Z
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
    )
    return float(z + sum(term / freedom**power for power, term in enumerate(terms, 1)))
