"""What else finds changes, as a statistic after every sample of one stream, vectorised over time.

Each takes the values of harm with the baseline first, and gives what is compared with a threshold after each sample
that follows the baseline. The threshold is calibrated on healthy months, which is more than a user can do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.signal import lfilter

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.drift_laws import Array

    Statistic = Callable[[Array, int], Array]

DELTA: Final = 0.005
FADING: Final = 0.9999
"""Defaults of river's PageHinkley: magnitude that is allowed, and what remains of a sum from one sample to the next."""
KSWIN_WINDOW, KSWIN_RECENT = 100, 30
"""Defaults of river's KSWIN: the window, and the newest of it, which are compared with as many of the rest."""
_NEVER: Final = -np.inf


def oracle(evidence: Array) -> Array:
    """CUSUM of log-likelihood ratios by sample: it knows both laws, and is optimal (Moustakides 1986)."""
    total = np.cumsum(evidence)
    return total - np.minimum(np.minimum.accumulate(total), 0.0)


def fixed_window(width: int) -> Statistic:
    """Mean of the last ``width`` samples over the baseline's mean."""

    def statistic(values: Array, baseline: int) -> Array:
        sums = _window_sums(values[baseline:], width)
        return sums / width - values[:baseline].mean()

    return statistic


def repeated_z_test(width: int) -> Statistic:
    """The last ``width`` samples against as many before them, in standard errors, looked at after every sample."""

    def statistic(values: Array, baseline: int) -> Array:
        sums, squares = _window_sums(values, width), _window_sums(values**2, width)
        mean, before = sums[width:] / width, sums[:-width] / width
        variance = squares[width:] / width - mean**2 + squares[:-width] / width - before**2
        # A window without any harm has no variance; half an observation keeps the quotient finite.
        z = np.full(len(values), _NEVER)
        with np.errstate(invalid="ignore"):
            z[width:] = (mean - before) / np.sqrt(variance / width + 1 / width**2)
        return np.where(np.isnan(z), _NEVER, z)[baseline:]

    return statistic


def page_hinkley(values: Array, baseline: int) -> Array:
    """What river's PageHinkley compares with its threshold, upwards, from the baseline's first sample on."""
    mean = np.cumsum(values) / np.arange(1, len(values) + 1)
    total = lfilter([1.0], [1.0, -FADING], values - mean - DELTA)
    return (total - np.minimum.accumulate(total))[baseline:]


def kswin(rng: np.random.Generator) -> Statistic:
    """What river's KSWIN takes its p-value of, upwards: how far the newest are from as many of the rest, at most.

    The rest is drawn anew at each sample, as river does; by its counts, the same in law and 1,000 times faster.
    """

    def statistic(values: Array, baseline: int) -> Array:
        rest = KSWIN_WINDOW - KSWIN_RECENT
        levels, places = np.unique(values, return_inverse=True)
        to_draw = np.full(len(values) - baseline, KSWIN_RECENT)
        left = np.full(len(to_draw), rest)
        distance, most = np.zeros(len(to_draw)), np.zeros(len(to_draw))
        for level in range(len(levels) - 1):
            at = (places == level).astype(np.int64)
            recent = _window_sums(at, KSWIN_RECENT)[baseline:]
            older = _window_sums(at, KSWIN_WINDOW)[baseline:] - recent
            drawn = rng.hypergeometric(older.astype(np.int64), (left - older).astype(np.int64), to_draw)
            to_draw, left = to_draw - drawn, left - older.astype(np.int64)
            distance += drawn - recent
            most = np.maximum(most, distance)
        return most / KSWIN_RECENT

    return statistic


def _window_sums(values: Array, width: int) -> Array:
    """Sum of the last ``width`` after each sample; none before there are as many. Values must be 0 or more."""
    total = np.concatenate([[0.0], np.cumsum(values)])
    sums = np.full(len(values), _NEVER)
    sums[width - 1 :] = total[width:] - total[:-width]
    return sums
