"""A number with its interval, or why there is none."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """An estimate.

    Attributes:
        value: None where there is none.
        low: lower end of the 95 % interval; None without a value.
        high: upper end of it.
        reason: why there is no value; '' with one.
    """

    value: float | None
    low: float | None
    high: float | None
    reason: str = ""


def figure(value: float, low: float, high: float, otherwise: str) -> Figure:
    """What was computed, as a Figure.

    Args:
        value: NaN where there is none.
        low: lower end of its interval.
        high: upper end.
        otherwise: why there is none, if so.
    """
    if not math.isfinite(value):
        return Figure(None, None, None, otherwise)
    return Figure(float(value), float(low), float(high))
