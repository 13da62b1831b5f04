"""Two versions compared, looked at as often as one likes: which is better, or how long until that is known."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from driftline_alerts.drift.betting import e_value
from driftline_alerts.drift.confidence import half_width
from driftline_alerts.drift.two_samples import Difference, Ranks, cohens_d, mann_whitney, of_means, of_quantiles

if TYPE_CHECKING:
    from driftline_alerts.drift.moments import Column

Verdict = Literal["better", "equivalent", "worse", "different", "keep going"]
"""What B is. ``different``: surely not equal, of a metric where neither direction is better."""

FEWEST: Final = 200
"""Observations of each from which on sums are near enough to normal for an interval."""

FEWEST_CASES: Final = 10
"""Cases of each, likewise: hits or misses of a rate, whichever are fewer; points lost or won of a score."""

RARE: Final = 50
"""Cases of each below which the interval alone makes no winner: the exact test has to agree."""

SCALE: Final = 0.1
"""Standard deviations at which the interval is narrowest, whatever the metric: about what matters of most of them.

It is fixed, as a scale that moved with what was seen would leave a boundary that need not hold at all looks.
"""

_LONGEST: Final = 1e6
"""Times today's data, beyond which no wait is stated."""

_LEAST: Final = 1e-6


@dataclass(frozen=True, slots=True)
class Comparison:
    """B against A on one metric.

    Attributes:
        n_a: observations of A.
        n_b: of B.
        a: value of A: a mean, or a quantile.
        b: value of B.
        change: B minus A; of quantiles the relative change, 0.1 for 10 % more.
        low: lower end of the interval of ``change``, which holds at all looks; None while there is too little data.
        high: upper end.
        least: the smallest change that matters, as ``change`` is counted.
        evidence: e-value of the exact test that the means differ; None of quantiles, and where there is so much data
            that it decides nothing.
        verdict: what B is.
        more: how many times today's data are still to come until a verdict is expected, if the change stays what it
            looks like; None with a verdict, and where that is beyond reach.
        d: Cohen's; of quantiles that of the logarithms.
        ranks: Mann-Whitney's probability that one of B is above one of A; None without data.
    """

    n_a: int
    n_b: int
    a: float | None
    b: float | None
    change: float | None
    low: float | None
    high: float | None
    least: float
    evidence: float | None
    verdict: Verdict
    more: float | None
    d: float | None
    ranks: Ranks | None


@dataclass(frozen=True, slots=True)
class Question:
    """How two samples are compared.

    Attributes:
        upwards: +1 where more is better, -1 where less is, 0 where neither.
        absolute: least change that matters.
        relative: least one as a share of A's value; both have to be reached. Of quantiles only this one counts.
        alpha: how often a verdict may be wrong if nothing differs, over all looks: 0.05 over the number of metrics.
        phi: overdispersion, at least 1.
    """

    upwards: Literal[-1, 0, 1]
    absolute: float = 0.0
    relative: float = 0.0
    alpha: float = 0.05
    phi: float = 1.0


@dataclass(frozen=True, slots=True)
class _Samples:
    """Two samples that both have data, and what they are asked."""

    values: Column
    a: Column
    b: Column
    found: Difference
    least: float
    cases: float
    question: Question

    @property
    def fewest(self) -> float:
        return min(float(self.a.sum()), float(self.b.sum()))

    def half_width(self, more: float = 1.0) -> float:
        """Half the interval's width, once there are ``more`` times the data."""
        n_a, n_b = float(self.a.sum()), float(self.b.sum())
        deviation = math.sqrt(self.found.variance * n_a * n_b / (n_a + n_b))
        variance = self.found.variance * self.question.phi / more
        return half_width(variance, SCALE * deviation, alpha=self.question.alpha)


def compare_means(values: Column, a: Column, b: Column, question: Question) -> Comparison:
    """Compare the means of two samples.

    Args:
        values: what is counted, in [0, 1], ascending; shape (levels,).
        a: counts of A; same shape.
        b: counts of B.
        question: how.
    """
    if not a.any() or not b.any():
        return _nothing(a, b, question.absolute)
    found = of_means(values, a, b)
    cases = min(float(counts.sum()) * min(mean, 1 - mean) for counts, mean in ((a, found.a), (b, found.b)))
    least = max(question.absolute, question.relative * found.a, _LEAST)
    samples = _Samples(values, a, b, found, least, cases, question)
    ends = _interval(samples)
    evidence = e_value(values, a, b) if ends is None or cases < RARE else None
    is_proven = evidence is not None and evidence >= 1 / question.alpha
    verdict = _verdict(samples, ends, is_allowed=cases >= RARE or is_proven)
    # The exact test may know before there is an interval; it shares the chance of an error with what comes later.
    if ends is None and evidence is not None and evidence >= 2 / question.alpha:
        verdict = _side(samples)
    return _comparison(samples, ends, verdict, evidence)


def compare_quantiles(edges: Column, a: Column, b: Column, q: float, question: Question) -> Comparison:
    """Compare the ``q``-quantiles of two histograms as a ratio; arguments as of ``two_samples.of_quantiles``."""
    if not a.any() or not b.any():
        return _nothing(a, b, question.relative)
    found = of_quantiles(edges, a, b, q)
    cases = min(float(a.sum()), float(b.sum())) * min(q, 1 - q)
    least = max(math.log1p(question.relative), _LEAST)
    samples = _Samples((edges[:-1] + edges[1:]) / 2, a, b, found, least, cases, question)
    ends = _interval(samples)
    in_logs = _comparison(samples, ends, _verdict(samples, ends, is_allowed=True), None)
    change, low, high = (_as_ratio(one) for one in (in_logs.change, in_logs.low, in_logs.high))
    return dataclasses.replace(in_logs, least=math.expm1(least), change=change, low=low, high=high)


def _as_ratio(logarithm: float | None) -> float | None:
    return None if logarithm is None else math.expm1(logarithm)


def _nothing(a: Column, b: Column, least: float) -> Comparison:
    n_a, n_b = int(a.sum()), int(b.sum())
    return Comparison(n_a, n_b, None, None, None, None, None, least, None, "keep going", None, None, None)


def _interval(samples: _Samples) -> tuple[float, float] | None:
    if samples.fewest < FEWEST or samples.cases < FEWEST_CASES:
        return None
    half = samples.half_width()
    return samples.found.change - half, samples.found.change + half


def _verdict(samples: _Samples, ends: tuple[float, float] | None, *, is_allowed: bool) -> Verdict:
    """Equivalent goes first: a sure difference that does not matter makes no winner."""
    if ends is None:
        return "keep going"
    low, high = ends
    if -samples.least <= low and high <= samples.least:
        return "equivalent"
    return _side(samples) if is_allowed and (low > 0 or high < 0) else "keep going"


def _side(samples: _Samples) -> Verdict:
    upwards = samples.question.upwards
    if not upwards:
        return "different"
    return "better" if samples.found.change * upwards > 0 else "worse"


def _comparison(
    samples: _Samples, ends: tuple[float, float] | None, verdict: Verdict, evidence: float | None
) -> Comparison:
    low, high = ends or (None, None)
    return Comparison(
        n_a=int(samples.a.sum()),
        n_b=int(samples.b.sum()),
        a=samples.found.a,
        b=samples.found.b,
        change=samples.found.change,
        low=low,
        high=high,
        least=samples.least,
        evidence=evidence,
        verdict=verdict,
        more=_more(samples) if verdict == "keep going" else None,
        d=cohens_d(samples.values, samples.a, samples.b),
        ranks=mann_whitney(samples.a, samples.b, alpha=samples.question.alpha),
    )


def _more(samples: _Samples) -> float | None:
    """Data to come, as a multiple of today's, until the interval leaves out 0 or lies inside the least effect."""
    change = abs(samples.found.change)
    target = max(change, samples.least - change)
    if samples.half_width(_LONGEST) > target:
        return None
    low, high = 1.0, _LONGEST
    while high / low > 1.01:
        middle = math.sqrt(low * high)
        low, high = (middle, high) if samples.half_width(middle) > target else (low, middle)
    # Rare cases have to be many enough for a verdict as well.
    return max(high, FEWEST / samples.fewest, RARE / max(samples.cases, 1.0)) - 1
