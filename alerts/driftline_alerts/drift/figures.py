"""A change in the metric's own unit: from what, to what, and within which interval."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from driftline_alerts.drift.change import change
from driftline_alerts.drift.locate import decide
from driftline_alerts.drift.stream import ANCHORS
from driftline_store.histogram import middle, quantile

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from driftline_alerts.drift.change import Located
    from driftline_alerts.drift.monitor import Monitor
    from driftline_alerts.drift.stream import StreamKey

    LookBack = Callable[[StreamKey, float, float], Mapping[int, int]]
    """Counts by key of a stream between two Unix times."""

_Z: Final = 1.96
_LATEST: Final = 200.0
"""Observations that a level of now is taken from."""


@dataclass(frozen=True)
class Figures:
    """In the metric's unit.

    Attributes:
        before: the level of the baseline.
        after: since the change began.
        low: lower end of the 95 % interval of ``after``.
        high: upper end of it.
        n: observations since then.
    """

    before: float
    after: float
    low: float
    high: float
    n: int

    @property
    def effect(self) -> float:
        """Signed."""
        return self.after - self.before


def figures(monitor: Monitor, located: Located, look_back: LookBack) -> Figures:
    """What a change comes to.

    Args:
        monitor: whose it is.
        located: where it is.
        look_back: is asked only for metrics that are quantiles.
    """
    if monitor.rule.kind == "log":
        return _quantiles(monitor, located, look_back)
    # Another question than that of the mean may have shown it; the mean is what people know.
    shown = change(monitor, 0) or located
    levels = (shown.before.mean, shown.change.level, shown.change.low, shown.change.high)
    before, after, low, high = (_in_its_unit(monitor, y) for y in levels)
    return Figures(before, after, min(low, high), max(low, high), shown.change.n)


def usual(monitor: Monitor) -> float:
    """The level of the baseline of a monitor that watches, in the metric's unit."""
    if monitor.rule.kind == "log":
        return middle(quantile(monitor.raw, monitor.rule.quantile))
    return _in_its_unit(monitor, monitor.panel[0].detector.mean)


def latest(monitor: Monitor, look_back: LookBack) -> float:
    """The level that a stream has come to, from its last observations, in the metric's unit."""
    n, total = monitor.trail.columns(0)
    newest = np.cumsum(n[::-1])
    first = len(n) - 1 - int(np.searchsorted(newest, min(_LATEST, newest[-1])))
    if monitor.rule.kind == "log":
        # Nothing is there yet only if what arrived has no time of its own near its arrival.
        counts = look_back(monitor.key, monitor.trail.begins[first], monitor.last) or monitor.raw
        return middle(quantile(counts, monitor.rule.quantile))
    return _in_its_unit(monitor, float(total[first:].sum() / max(n[first:].sum(), 1.0)))


def _in_its_unit(monitor: Monitor, y: float) -> float:
    """A mean of the y of scores and flags as the metric has it."""
    if monitor.key.segment == ANCHORS:
        # The middle of the keys is where the judge scores as people did.
        return (-1 if monitor.falls else 1) * (2 * y - 1)
    return 1 - y if monitor.rule.definition.better == "higher" else y


def is_large(monitor: Monitor, found: Figures) -> bool:
    """Whether the change is large enough to call somebody."""
    least, rule = monitor.rule.least_effect, monitor.rule
    before, after = found.before, found.after
    if monitor.key.segment == ANCHORS or (monitor.falls and rule.kind != "flag"):
        sign = -1 if monitor.falls else 1
        before, after = sign * before, sign * after
    elif rule.kind == "flag" and rule.definition.better == "higher":
        # A quarter more users who are not satisfied, say, rather than a quarter fewer who are.
        before, after = 1 - before, 1 - after
    return decide(before, after, absolute=least.absolute, relative=least.relative) == "page"


def _quantiles(monitor: Monitor, located: Located, look_back: LookBack) -> Figures:
    since = look_back(monitor.key, located.start, monitor.last)
    q, n = monitor.rule.quantile, sum(since.values())
    counts = Counter(since) if n else monitor.raw
    # Of so many observations the quantile lies between these two with 95 %: the binomial's normal approximation.
    half = _Z * math.sqrt(q * (1 - q) * max(monitor.panel[0].detector.overdispersion, 1.0) / max(n, 1))
    low, after, high = (middle(quantile(counts, one)) for one in (max(q - half, 0.0), q, min(q + half, 1.0)))
    before = middle(quantile(_before(monitor, located, since, look_back), q))
    return Figures(before, after, low, high, n or located.change.n)


def _before(monitor: Monitor, located: Located, since: Mapping[int, int], look_back: LookBack) -> Mapping[int, int]:
    """The baseline without what came from the change on until it was left alone, which was when the alarm opened."""
    opened = monitor.alarm.opened if monitor.alarm else monitor.last
    if monitor.inherited or monitor.pinned:
        return monitor.raw
    of_it = since if opened >= monitor.last else look_back(monitor.key, located.start, opened)
    return monitor.raw - Counter(of_it) or monitor.raw
