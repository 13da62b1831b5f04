"""What a monitor promises before anything happens: how often it errs, what it finds, and how soon.

How soon is found by trial: copies of the stream's own detectors, as they are now, see a change of a certain size, and
the median of their delays is what is stated. Only changes that call somebody are: those that are large enough.
"""

from __future__ import annotations

import copy
import itertools
import math
from bisect import bisect_left
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from driftline_alerts.drift import detector
from driftline_alerts.drift.figures import usual
from driftline_alerts.drift.lifecycle import is_worth_it
from driftline_alerts.drift.monitor import DAY, FEWEST, MONTH
from driftline_alerts.drift.stream import ANCHORS
from driftline_alerts.drift.transform import columns
from driftline_store.histogram import BASE
from driftline_store.monitored import NO, YES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from driftline_alerts.drift.monitor import Monitor

    Law = Mapping[int, float]
    """Share of the observations by key."""

_TYPICAL: Final = {"flag": 1.0, "score": 0.05, "log": 0.2}
"""Size of a change that people ask about: a rate that doubles, a score that falls by 0.05, a fifth more."""
_LONGEST_DAYS: Final = 60.0
_WEEK_DAYS: Final = 7.0
_TRIALS: Final = 11
_GROWTH: Final = 0.05
"""Share of what was seen that one step of a trial adds."""
_SIZES: Final = {
    "flag": (0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0),
    "score": (0.005, 0.01, 0.015, 0.02, 0.03, 0.04, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5),
    "log": (0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1.0, 2.0, 4.0, 8.0),
}
"""Of which the smallest that is found is stated."""
_WORST_RATE: Final = 0.99
"""What a rate can rise to."""


@dataclass(frozen=True)
class Contract:
    """Of one stream.

    Attributes:
        false_a_month: false pages in 30 days at most, while it is healthy.
        per_day: observations a day.
        size: of a typical change, or of the least that pages, if that is larger: of a rate or a size as a share of
            itself, of a score absolute.
        days: until such a change is found, in half the cases; None: not within ``_LONGEST_DAYS``.
        smallest: change that is found within a week and pages; None where none is.
        tolerance: drift that is let pass, in odds.
        overdispersion: that evidence is divided by.
        has_season: whether the rhythm of days and weeks is known.
        is_paged: whether anybody is called for it alone; where not, what is found is shown, and nothing else is stated.
    """

    false_a_month: float
    per_day: float
    size: float
    days: float | None
    smallest: float | None
    tolerance: float
    overdispersion: float
    has_season: bool
    is_paged: bool


def contract(monitor: Monitor, false_a_month: float) -> Contract | None:
    """What a monitor promises; None while it learns its baseline.

    Args:
        monitor: is left as it is.
        false_a_month: its share of the budget.
    """
    if not monitor.panel or false_a_month <= 0:
        return None
    first, typical, least = monitor.panel[0], _TYPICAL[monitor.rule.kind], _least(monitor)
    is_paged = least is not None and is_worth_it(monitor)
    size = max(typical, least or 0.0)
    return Contract(
        false_a_month=false_a_month,
        per_day=monitor.per_day,
        size=size,
        days=_days(monitor, false_a_month, size, _LONGEST_DAYS) if is_paged else None,
        smallest=_smallest(monitor, false_a_month, least or 0.0) if is_paged else None,
        tolerance=math.expm1(first.detector.tolerance),
        overdispersion=max(one.detector.overdispersion for one in monitor.panel),
        has_season=any(one.offsets is not None for one in monitor.panel),
        is_paged=is_paged,
    )


def _least(monitor: Monitor) -> float | None:
    """The smallest size that pages; None where the metric cannot become so much worse."""
    rule, least, level = monitor.rule, monitor.rule.least_effect, abs(usual(monitor))
    if rule.kind == "score":
        size = max(least.absolute, least.relative * level)
        return size if monitor.key.segment == ANCHORS or size <= level else None
    before = _rate(monitor) if rule.kind == "flag" else level
    share = max(least.relative, least.absolute / before)
    if rule.kind == "flag":
        return share if before * (1 + share) <= _WORST_RATE else None
    if not monitor.falls:
        return share
    # A fall by a third is one from 1.5 times what is left.
    return share / (1 - share) if share < 1 else None


def _smallest(monitor: Monitor, share: float, least: float) -> float | None:
    """The smallest of some sizes that is found within a week: larger ones are too, so the way is halved."""
    sizes = [least, *(one for one in _SIZES[monitor.rule.kind] if one > least)]
    at = bisect_left(sizes, True, key=lambda size: _days(monitor, share, size, _WEEK_DAYS) is not None)
    return sizes[at] if at < len(sizes) else None


def _days(monitor: Monitor, share: float, size: float, longest: float) -> float | None:
    """Until a change of that size is found in half the trials, in days; None where that takes longer."""
    law = _changed(monitor, size)
    keys, shares = list(law), np.array([*law.values()])
    rng = np.random.default_rng(0)  # so that a promise does not change by itself
    panels = [[copy.deepcopy(one.detector) for _ in range(_TRIALS)] for one in monitor.panel]
    for one in itertools.chain(*panels):
        one.forget_suspicion()
    most, seen = monitor.per_day * longest, 0.0
    found = np.zeros(_TRIALS, bool)
    while seen < most:
        n = max(int(seen * _GROWTH), 1)
        seen += n
        drawn = rng.multinomial(n, shares / shares.sum(), size=_TRIALS).astype(float)
        months = np.full(_TRIALS, n / monitor.per_day * DAY / MONTH)
        suspicion = np.zeros(_TRIALS)
        for question, trials in zip(monitor.panel, panels, strict=True):
            counts = np.stack([question.transform.counted(np.array(keys, float), one) for one in drawn])
            suspicion += detector.update(trials, counts, months) / len(panels)
        found |= suspicion * share >= 1
        if 2 * found.sum() > _TRIALS:
            return seen / monitor.per_day
    return None


def _changed(monitor: Monitor, size: float) -> Law:
    """The baseline's law after a change of that size for the worse."""
    law, kind = _law(monitor), monitor.rule.kind
    if kind == "flag":
        worse = min(_rate(monitor) * (1 + size), _WORST_RATE)
        return {NO: 1 - worse, YES: worse}
    if kind == "log":
        return _moved(law, (-1 if monitor.falls else 1) * math.log1p(size) / math.log(BASE))
    middle = sum(key * share for key, share in law.items())
    sign = -1 if monitor.falls else 1
    scale = 10 if monitor.key.segment == ANCHORS else 20
    return _tilted(law, min(max(middle + sign * size * scale, 0.2), 19.8))


def _rate(monitor: Monitor) -> float:
    """Of a flag's harm; where as good as none was seen, what would be the upper end of the interval of its rate."""
    return max(_law(monitor)[YES], 3 / max(monitor.n, FEWEST))


def _law(monitor: Monitor) -> Law:
    """What the detectors of a monitor take for normal, by key."""
    first = monitor.panel[0]
    known = first.detector.baseline + first.detector.pending
    shares = known / known.sum()
    if monitor.rule.kind != "log":
        return {(len(shares) - 1 - level if monitor.falls else level): float(one) for level, one in enumerate(shares)}
    # Of durations and costs they know ranks alone; within a rank the first observations say what there is.
    keys, counts = columns(monitor.raw)
    level = first.transform.level_of(keys)
    seen = np.bincount(level, counts, len(shares))
    return {int(key): float(shares[at] * count / seen[at]) for key, count, at in zip(keys, counts, level, strict=True)}


def _moved(law: Law, steps: float) -> Law:
    """Everything by so many bins, in part to the next one where the steps are no whole number."""
    found: dict[int, float] = defaultdict(float)
    whole = math.floor(steps)
    for key, share in law.items():
        found[key + whole] += share * (1 - (steps - whole))
        found[key + whole + 1] += share * (steps - whole)
    return found


def _tilted(law: Law, mean: float) -> Law:
    """The law with that mean that is nearest to a law: more of everything on that side, none of it new."""
    smoothed = {key: law.get(key, 0.0) + 1e-4 for key in range(21)}
    low, high = -5.0, 5.0
    for _ in range(60):
        slope = (low + high) / 2
        weights = {key: share * math.exp(slope * (key - mean)) for key, share in smoothed.items()}
        whole = sum(weights.values())
        if sum(key * weight for key, weight in weights.items()) / whole < mean:
            low = slope
        else:
            high = slope
    return {key: weight / whole for key, weight in weights.items()}
