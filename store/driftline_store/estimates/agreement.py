"""How far two raters agree on pass and fail, such as people and the judge, with 95 % intervals.

Everything follows from the four shares of a confusion matrix. Their uncertainty is that of a multinomial with
Jeffreys' prior (half an answer in each cell): every measure is computed from the same random draws of the four shares,
and its interval holds the middle 95 %. Unlike ± z·se this stays sensible where a cell is empty, which at high pass
rates is the rule (Brown, Cai and DasGupta (2001), "Interval estimation for a binomial proportion", Statistical Science
16, for one proportion). `benchmarks/judge_accuracy.py` measures how often the truth is covered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from driftline_store.estimates.figure import Figure, figure

if TYPE_CHECKING:
    from driftline_store.metrics_interval import Column

CELLS: Final = ("both pass", "only people pass", "only the judge passes", "both fail")
"""The cells of a confusion matrix, in order, with people as the first rater and the judge as the second."""

MEASURES: Final = {
    "agreement": "there are no answers",
    "kappa": "both give every answer the same",
    "ac1": "there are no answers",
    "sensitivity": "people passed none",
    "specificity": "people failed none",
}
"""Measures of agreement, and when there is none.

``agreement``: share of answers on which both say the same.

``kappa``: the same beyond what raters with these pass rates would agree on by chance (Cohen (1960), "A coefficient of
agreement for nominal scales"). It is low by itself where nearly everything passes.

``ac1``: likewise, with chance as Gwet counts it, which stays meaningful there (Gwet (2008), "Computing inter-rater
reliability and its variance in the presence of high agreement", BJMSP 61).

``sensitivity``: share of what the first rater passes that the second passes too. ``specificity``: the same of failing.
"""

_JEFFREYS: Final = 0.5
_DRAWS: Final = 4000
_SEED: Final = 20231102


def confusion(weight: Column, first: Column, second: Column) -> Column:
    """A weighted confusion matrix.

    Args:
        weight: of each answer.
        first: share of its raters on the first side who pass it: 0 or 1 for one rater.
        second: likewise.

    Returns:
        Sums of weights in each of ``CELLS``, shape (4,).
    """
    cells = (first * second, first * (1 - second), (1 - first) * second, (1 - first) * (1 - second))
    return np.array([(weight * cell).sum() for cell in cells])


def agreement(cells: Column, effective: float) -> dict[str, Figure]:
    """All of ``MEASURES``.

    Args:
        cells: confusion matrix in any unit, shape (4,).
        effective: answers of equal weights that it is worth.
    """
    if effective <= 0:
        return {name: Figure(None, None, None, MEASURES["agreement"]) for name in MEASURES}
    shares = cells / cells.sum()
    random = np.random.default_rng(_SEED)  # the same numbers each time that one looks
    drawn = _values(random.dirichlet(shares * effective + _JEFFREYS, _DRAWS))
    low, high = np.quantile([drawn[name] for name in MEASURES], [0.025, 0.975], axis=-1)
    values = {name: float(value) for name, value in _values(shares).items()}
    return {
        # The prior can draw the interval off a value at the end of its scale.
        name: figure(values[name], min(low[at], values[name]), max(high[at], values[name]), MEASURES[name])
        for at, name in enumerate(MEASURES)
    }


def _values(shares: Column) -> dict[str, Column]:
    both, first_only, second_only, neither = np.moveaxis(shares, -1, 0)
    first, second, agreed = both + first_only, both + second_only, both + neither
    pass_rate = (first + second) / 2
    return {
        "agreement": agreed,
        "kappa": _beyond(agreed, first * second + (1 - first) * (1 - second)),
        "ac1": _beyond(agreed, 2 * pass_rate * (1 - pass_rate)),
        "sensitivity": _share(both, first),
        "specificity": _share(neither, second_only + neither),
    }


def _beyond(agreed: Column, by_chance: Column) -> Column:
    return _share(agreed - by_chance, 1 - by_chance)


def _share(part: Column, whole: Column) -> Column:
    """``part / whole``; NaN where there is nothing, but for rounding."""
    share: Column = np.divide(part, whole, out=np.full_like(whole, np.nan), where=whole > 1e-12)
    return share
