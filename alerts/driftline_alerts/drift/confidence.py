"""Intervals that hold at every look, however often and whenever one looks."""

from __future__ import annotations

import math


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
