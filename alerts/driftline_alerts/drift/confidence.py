"""Intervals that hold at every look, however often and whenever one looks."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from driftline_alerts.drift.moments import Moments

ENOUGH: Final = 100
"""Observations since an alert from which their own interval replaces the one that was found at the alert."""


def half_width(variance: float, scale: float, *, alpha: float = 0.05) -> float:
    """Half the width of an asymptotic confidence sequence for a mean or a difference of means.

    The boundary of the normal mixture (Robbins, H. (1970), "Statistical methods related to the law of the iterated
    logarithm", Ann. Math. Stat. 41), which holds for all times at once as sums become normal (Waudby-Smith, I.,
    Arbour, D., Sinha, R., Kennedy, E. and Ramdas, A. (2024), "Time-uniform central limit theory and asymptotic
    confidence sequences", Ann. Stat. 52, arXiv 2103.06476).

    Args:
        variance: of the estimate, that is of one observation over their number; 0 gives 0.
        scale: the size of effect at which the interval is to be narrowest, in the estimate's unit.
        alpha: how often the truth may ever lie outside.
    """
    if variance <= 0:
        return 0.0
    ratio = scale**2 / variance
    return math.sqrt(variance * (1 + 1 / ratio) * (math.log1p(ratio) - 2 * math.log(alpha)))


def level_since(seen: Moments, scale: float, *, phi: float = 1.0, alpha: float = 0.05) -> tuple[float, float] | None:
    """Interval of the level after an alert, from nothing but what came after it, and so without its optimism.

    Args:
        seen: values in [0, 1] since the alert.
        scale: the effect that was found, or the least that counts.
        phi: overdispersion, at least 1.
        alpha: as in ``half_width``.

    Returns:
        Low and high, within [0, 1]; None before ``ENOUGH`` observations.
    """
    if seen.n < ENOUGH:
        return None
    half = half_width(seen.with_one_more().variance * phi / seen.n, scale, alpha=alpha)
    return max(seen.mean - half, 0.0), min(seen.mean + half, 1.0)
