"""What an observation multiplies the capital by that is bet on "the mean has gone above q".

Bets are spread geometrically, as the size of the change is not known. Small ones get more of the capital: a nat more
or less of evidence moves the delay of a small change by hundreds of observations, that of a large one by five.
"""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np

from driftline_alerts.drift.lattice import HIGHEST_LOGIT, LOWEST_LOGIT, sigmoid, step_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from driftline_alerts.drift.levels import Levels

BETS: Final = 8
_SMALLEST: Final = 0.2
_CAP: Final = 0.9
"""Largest part of the capital that one observation can lose."""
_DECAY: Final = 0.8
"""Of the part of the capital from one bet to the next larger one (docs/benchmarks.md)."""

_BEYOND: Final = 2.0
"""Logits that the tables go on beyond the lattice."""

WEIGHTS: Final = np.array([_DECAY**k for k in range(BETS)]) / sum(_DECAY**k for k in range(BETS))
"""Part of the capital of each bet, smallest bet first, shape (bets,)."""


def lowest_cell(halvings: int) -> int:
    """Place on the lattice of a table's first row: seasons and tolerances move a lattice beyond its own ends."""
    return math.floor((LOWEST_LOGIT - _BEYOND) / step_of(halvings))


def height(halvings: int) -> int:
    """Rows of a table."""
    return math.ceil((HIGHEST_LOGIT + _BEYOND) / step_of(halvings)) - lowest_cell(halvings)


@cache
def log_factors(levels: Levels, halvings: int) -> NDArray[np.float64]:
    """Logarithm of what one observation multiplies each bet's capital by, shape (cells of the lattice, bets, levels).

    Row i tests "the mean is at most sig((i + lowest_cell) * step)".
    """
    step = step_of(halvings)
    q = sigmoid((lowest_cell(halvings) + np.arange(height(halvings))) * step)
    bets = _SMALLEST * (_CAP / q / _SMALLEST)[:, None] ** (np.arange(BETS) / (BETS - 1))
    factors: NDArray[np.float64] = np.log1p(bets[:, :, None] * (levels.values - q[:, None, None]))
    return factors
