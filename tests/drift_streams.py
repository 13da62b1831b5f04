"""Streams made up for tests of drift: judged scores as the method's study has them, and sums by the hour."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from driftline_alerts.drift.hourly import Hourly

if TYPE_CHECKING:
    from driftline_alerts.drift.moments import Column

LEVELS = np.arange(11) / 10
"""Harm of a judged answer: 1 - score, in tenths."""

_GOOD = np.array([0.63, 0.25, 0.08, 0.03, 0.01, 0, 0, 0, 0, 0, 0])
_BAD = np.array([0.01, 0.03, 0.06, 0.08, 0.10, 0.12, 0.12, 0.12, 0.12, 0.10, 0.14])


def judged(harm: float) -> Column:
    """Probabilities of ``LEVELS`` for a mix of good and bad answers with this mean harm."""
    good, bad = _GOOD @ LEVELS, _BAD @ LEVELS
    share = (harm - good) / (bad - good)
    found: Column = (1 - share) * _GOOD + share * _BAD
    return found


def hourly_flags(rng: np.random.Generator, rate: Column, n: Column, *, first_hour: int = 0) -> Hourly:
    """Hours of flags at these rates, ``n`` in each."""
    hits = rng.binomial(n.astype(np.int64), rate).astype(np.float64)
    return Hourly(first_hour + np.arange(len(n)), n, hits, hits)
