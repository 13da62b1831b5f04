"""Correlation of the judge's scores with people's, with 95 % intervals.

The interval is symmetric on Fisher's scale, with the variance that the scores themselves show (the delta method),
not the one that normally distributed scores would have: scores are few steps, lopsided and full of ties.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from driftline_store.estimates.figure import Figure
from driftline_store.metrics_interval import Z

if TYPE_CHECKING:
    from driftline_store.metrics_interval import Column

FEWEST: Final = 30
"""Effective answers below which no correlation is given."""

ALIKE: Final = "the scores of one side are all alike"

_UNRELATED: Final = 2.0
"""Unrelated pairs of the same scores that the variance allows for: a few pairs lie on a line by chance."""


def pearson(first: Column, second: Column, weight: Column) -> Figure:
    """Linear correlation of two raters' scores, each answer weighted."""
    share = weight / weight.sum() if len(weight) else weight
    effective = 1 / float((share**2).sum()) if len(share) else 0.0
    if effective < FEWEST:
        return Figure(None, None, None, f"{effective:.0f} of the {FEWEST} answers that it takes")
    if np.ptp(first) < 1e-9 or np.ptp(second) < 1e-9:
        return Figure(None, None, None, ALIKE)
    x, y = _standardised(first, share), _standardised(second, share)
    r = float((share * x * y).sum())
    # The variance of r is that of xy - r (x² + y²) / 2; of unrelated x and y it follows from their fourth moments.
    seen = float((share * (x * y - r * (x**2 + y**2) / 2) ** 2).sum())
    fourth = float((share * (x**4 + y**4)).sum())
    unrelated = 1 + r**2 * (fourth + 2) / 4
    variance = (effective * seen + _UNRELATED * unrelated) / (effective + _UNRELATED) / effective
    return Figure(r, *_on_fishers_scale(r, variance))


def spearman(first: Column, second: Column, weight: Column) -> Figure:
    """Correlation of ranks: whether one rises with the other, on whatever scale each is."""
    return pearson(_ranks(first, weight), _ranks(second, weight), weight)


def _standardised(scores: Column, share: Column) -> Column:
    centred = scores - (share * scores).sum()
    standardised: Column = centred / np.sqrt((share * centred**2).sum())
    return standardised


def _ranks(scores: Column, weight: Column) -> Column:
    """Middle ranks: the weight of what is lower and half of that which is equal."""
    _, step = np.unique(scores, return_inverse=True)
    of_step = np.bincount(step, weights=weight)
    middle: Column = (np.cumsum(of_step) - of_step / 2)[step]
    return middle


def _on_fishers_scale(r: float, variance: float) -> tuple[float, float]:
    inside = min(max(r, -1 + 1e-9), 1 - 1e-9)
    centre, half = np.arctanh(inside), Z * np.sqrt(variance) / (1 - inside**2)
    return float(np.tanh(centre - half)), float(np.tanh(centre + half))
