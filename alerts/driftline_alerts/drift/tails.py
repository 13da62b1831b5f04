"""Tail probabilities that the standard library lacks."""

from __future__ import annotations

import math
from typing import Final

_STEPS: Final = 20_000
"""More than any use needs: the fraction takes some ``sqrt(max(a, b))`` steps."""

_TINY: Final = 1e-300


def incomplete_beta(a: float, b: float, x: float) -> float:
    """Regularised incomplete beta function ``I_x(a, b)``, by its continued fraction.

    DLMF 8.17.22 (https://dlmf.nist.gov/8.17), evaluated with Lentz's algorithm; right to about 1e-10, and to 1e-7
    for parameters in the millions.

    Args:
        a: above 0.
        b: above 0.
        x: in [0, 1].
    """
    if x <= 0 or x >= 1:
        return float(x >= 1)
    # The fraction converges quickly on this side only.
    if x > (a + 1) / (a + b + 2):
        return 1 - incomplete_beta(b, a, 1 - x)
    log_front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    return math.exp(log_front) / (a * _fraction(a, b, x))


def _fraction(a: float, b: float, x: float) -> float:
    """``1 + d1/(1 + d2/(1 + ...))`` of DLMF 8.17.22."""
    value, c, d = 1.0, 1.0, 0.0
    for step in range(1, _STEPS):
        m = step // 2
        if step % 2:
            coefficient = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        else:
            coefficient = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        d = 1 / _not_zero(1 + coefficient * d)
        c = _not_zero(1 + coefficient / c)
        value *= c * d
        if abs(c * d - 1) < 1e-14:
            return value
    raise ArithmeticError(f"the incomplete beta function of a={a}, b={b} at {x} did not converge")


def _not_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY


def f_tail(value: float, of: float, within: float) -> float:
    """Probability that F with ``of`` and ``within`` degrees of freedom exceeds ``value``."""
    if value <= 0:
        return 1.0
    return incomplete_beta(within / 2, of / 2, within / (within + of * value))


def upper_bound(hits: int, n: int, *, alpha: float = 0.05) -> float:
    """Exact upper bound of a rate with confidence ``1 - alpha``, one-sided, after ``hits`` of ``n``.

    Clopper, C. J. and Pearson, E. S. (1934), "The use of confidence or fiducial limits illustrated in the case of the
    binomial", Biometrika 26.
    """
    if hits >= n:
        return 1.0
    low, high = hits / n, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        # P(at most `hits` of n) at this rate is I_{1-p}(n - hits, hits + 1).
        still_likely = incomplete_beta(n - hits, hits + 1, 1 - middle) > alpha
        low, high = (middle, high) if still_likely else (low, middle)
    return high
