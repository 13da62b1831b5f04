"""What a comparison found, in words."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from driftline_store.metrics_format import NO_DATA

if TYPE_CHECKING:
    from driftline_alerts.drift.compare import Comparison
    from driftline_alerts.drift.compare_sides import Compared
    from driftline_store.monitored import Monitored

_BIG: Final = 1e6
"""An e-value from which on its digits say nothing."""


def change_of(metric: Monitored, change: float) -> str:
    """Of a percentile as a share of A, of anything else in its unit."""
    if metric.kind == "log":
        return f"{change:+.1%}".replace("%", " %")
    if metric.kind == "flag":
        return f"{change * 100:+.2f} pp"
    return f"{change:+.3f}"


def interval(of: Compared) -> str:
    """Both ends of the difference's interval; without one, what a verdict rests on."""
    result = of.result
    if result.low is None or result.high is None:
        return f"none yet; {_proof(result.evidence)}" if is_exact(result) else "too little data"
    return f"{change_of(of.metric, result.low)} to {change_of(of.metric, result.high)}"


def is_exact(result: Comparison) -> bool:
    """Whether the exact test has proven the verdict before there is an interval."""
    return result.low is None and result.verdict != "keep going"


def _proof(evidence: float | None) -> str:
    odds = "" if evidence is None else f", e-value {f'{evidence:,.0f}' if evidence < _BIG else f'{evidence:.0e}'}"
    return f"proven by an exact test{odds}"


def effect(result: Comparison) -> str:
    """Cohen's d, and the chance that one of B is above one of A."""
    if result.d is None or result.ranks is None:
        return NO_DATA
    return f"d {result.d:+.2f}, P {result.ranks.theta:.3f}"


def verdict(of: Compared) -> str:
    """What B is, or how long until that is known."""
    result = of.result
    if result.verdict != "keep going":
        return result.verdict
    if result.more is None:
        return "keep going: out of reach"
    n = f"keep going: {math.ceil(result.more * min(result.n_a, result.n_b)):,} more of each"
    return n if of.hours is None else f"{n}, some {_duration(of.hours)}"


def _duration(hours: float) -> str:
    if hours < 1.5:
        return f"{math.ceil(hours * 60)} minutes"
    return f"{hours:.0f} hours" if hours < 48 else f"{hours / 24:.0f} days"
