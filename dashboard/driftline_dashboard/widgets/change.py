"""What a metric did since the equal period before, and whether that is more than noise."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from driftline_store.metrics_format import format_value

if TYPE_CHECKING:
    from driftline_store.metrics_query import Reading

Verdict = Literal["better", "worse", "noise", "plain"]

NOTABLE: Final = 0.05
"""Relative change from which a metric without an interval counts as better or worse."""


@dataclass(frozen=True)
class Change:
    """A change in words.

    Attributes:
        text: signed, in the metric's unit or in percent.
        verdict: ``plain`` where neither direction is better.
        before: what it was.
        rises: whether it went up.
    """

    text: str
    verdict: Verdict
    before: str
    rises: bool


def change(now: Reading, before: Reading) -> Change | None:
    """Compare two readings of one metric; None where one of them has no data."""
    if now.value is None or before.value is None:
        return None
    difference = now.value - before.value
    text = _difference_text(now, before, difference)
    return Change(text, _verdict(now, before, difference), format_value(now.metric, before.value), difference > 0)


def _difference_text(now: Reading, before: Reading, difference: float) -> str:
    match now.metric.format:
        case "percent":
            return f"{_signed(difference * 100, 1)} pp"
        case "score":
            return _signed(difference, 3)
        case _ if not before.value:
            return "new"
        case _:
            return f"{_signed(difference / before.value * 100, 1)} %"


def _signed(value: float, decimals: int) -> str:
    rounded = round(value, decimals)
    return f"±{0:.{decimals}f}" if rounded == 0 else f"{rounded:+,.{decimals}f}".replace("-", "−")


def _verdict(now: Reading, before: Reading, difference: float) -> Verdict:
    if now.metric.better is None:
        return "plain"
    if not _is_real(now, before, difference):
        return "noise"
    return "better" if (difference > 0) == (now.metric.better == "higher") else "worse"


def _is_real(now: Reading, before: Reading, difference: float) -> bool:
    """Whether the difference's 95 % interval leaves 0 out (Newcombe, 1998, method 10: from the two intervals)."""
    new, old = _with_ends(now), _with_ends(before)
    if new is None or old is None:
        return abs(difference) >= NOTABLE * abs(before.value or 0)
    upper, lower = (new, old) if difference > 0 else (old, new)
    return abs(difference) > math.hypot(upper[1] - upper[0], lower[2] - lower[1])


def _with_ends(reading: Reading) -> tuple[float, float, float] | None:
    if reading.value is None or reading.low is None or reading.high is None:
        return None
    return reading.low, reading.value, reading.high
