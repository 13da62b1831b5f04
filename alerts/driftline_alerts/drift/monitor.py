"""What watches one stream: it learns a baseline, then asks its panel of questions of everything that arrives."""

from __future__ import annotations

import copy
import math
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from driftline_alerts.drift.detector import Detector, absorb, watch
from driftline_alerts.drift.hourly import hour_of_week_at
from driftline_alerts.drift.locate import locate
from driftline_alerts.drift.moments import Moments
from driftline_alerts.drift.stream import ANCHORS, StreamKey
from driftline_alerts.drift.trail import Trail
from driftline_alerts.drift.transform import Transform, freeze
from driftline_store.monitored import MONITORED

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from driftline_alerts.drift.locate import Change
    from driftline_alerts.drift.recovery import Recovery
    from driftline_store.monitored import Monitored

MONTH: Final = 30 * 86400.0
DAY: Final = 86400.0

FEWEST: Final = 300
"""Observations that a baseline has at least."""
_EVENT_MONTHS: Final = 1 / 30
"""Of the budget of a month, what is put on the moment of a known event: a day's."""
_SETTLING: Final = (2 * DAY, 2000)
"""A new version that is measured by its predecessor's baseline has one of its own after so long and so much."""
_GROWN: Final = 4.0
"""A baseline so many times larger than the one of the lattice is worth a finer lattice."""
FIRST_TOLERANCE: Final = 0.05
"""In odds: what else would be taken for a change every night (DRIFT.md, 12)."""
_FIRST_DAY: Final = 1.0
"""In odds, until a baseline holds a whole day: by night nothing is known of the noon, when twice as many errors or
latencies by a fifth are common. Measured with benchmarks/drift_months.py, as is the next one."""
_FIRST_WEEKS: Final = 0.3
"""Afterwards, until the season is known: rhythms of a quarter up and down are healthy."""
QUIET: Final = 0.1
"""Suspicion up to which nothing is going on; measured for DRIFT.md, sections 3 and 9."""


@dataclass
class Question:
    """One of a panel: a y, its detector, and the season of its mean.

    Attributes:
        offsets: to add to the logit of the mean by hour of the week, shape (168,); None where no season is known.
    """

    transform: Transform
    detector: Detector
    offsets: NDArray[np.float64] | None = None

    def shift(self, at: float) -> float:
        """What the season moves the mean by at a Unix time, in logits."""
        return 0.0 if self.offsets is None else float(self.offsets[hour_of_week_at(at)])


@dataclass(frozen=True)
class Located:
    """Where a change is, in the y of one question.

    Attributes:
        question: its number in the panel.
        before: what was known of y before the change.
        change: how large it is.
        start: since when, in seconds of Unix time.
        earliest: it can have begun then.
        latest: or then.
    """

    question: int
    before: Moments
    change: Change
    start: float
    earliest: float
    latest: float


@dataclass
class Alarm:
    """A change that is taken for real.

    Attributes:
        opened: when the evidence was enough, in seconds of Unix time.
        question: number in the panel of the one that showed it most.
        is_paged: whether it is large enough to call somebody.
        effect: in the metric's unit, the largest that somebody was called for; 0 while nobody was.
        before: what was known of the question's y when it was opened.
        recovery: evidence that it is over.
        n: observations since it was opened.
        total: sum of the question's y since then.
        squares: sum of its squares since then.
    """

    opened: float
    question: int
    before: Moments
    recovery: Recovery
    is_paged: bool = False
    effect: float = 0.0
    n: float = 0.0
    total: float = 0.0
    squares: float = 0.0


@dataclass
class Monitor:
    """The state of one stream.

    Attributes:
        falls: whether it is harm when the metric falls; of a stream with both directions there are two monitors.
        begun: of the baseline, in seconds of Unix time.
        last: until when everything is taken in.
        raw: counts by key of the baseline as it was when the questions were frozen.
        built: observations of the baseline when the detectors' lattices were built.
        panel: empty while the baseline is learned.
        overdispersion: of the stream as far as it is known; at least 1.
        fitted: when season and overdispersion were learned, in seconds of Unix time; 0: not yet.
        restless: when suspicion was last above ``QUIET``.
        bonus: months of the budget that the next update gets for known events.
        events: when these were, of the last 30 days.
        inherited: the time at which a baseline was taken over from a predecessor; 0: it is its own.
        bad: begin and end of the times in which it had an alarm, which no baseline may hold.
    """

    key: StreamKey
    falls: bool
    begun: float
    last: float
    raw: Counter[int] = field(default_factory=Counter)
    built: float = 0.0
    panel: list[Question] = field(default_factory=list)
    trail: Trail = field(default_factory=Trail)
    alarm: Alarm | None = None
    fitted: float = 0.0
    restless: float = 0.0
    bonus: float = 0.0
    events: list[float] = field(default_factory=list)
    inherited: float = 0.0
    bad: list[tuple[float, float]] = field(default_factory=list)

    @property
    def rule(self) -> Monitored:
        """How its metric is watched."""
        return MONITORED[self.key.metric]

    @property
    def suspicion(self) -> float:
        """S of the panel: the mean of its questions', which is evidence just as theirs is."""
        return sum(one.detector.suspicion for one in self.panel) / len(self.panel) if self.panel else 0.0

    @property
    def n(self) -> float:
        """Observations in the baseline."""
        if not self.panel:
            return float(self.raw.total())
        first = self.panel[0].detector
        return first.n + first.n_pending

    @property
    def per_day(self) -> float:
        """Observations a day, as far as was seen."""
        seen = self.raw.total() + sum(sums[0] for sums in self.trail.sums)
        return seen / max((self.last - self.begun) / DAY, 1 / 24)

    def months(self, end: float) -> float:
        """Budget that may be spent on starts of a change up to a moment, in months; the months' total stays 1."""
        clock = max(1 - len(self.events) * _EVENT_MONTHS, 0.5)
        return max(end - self.last, 0.0) / MONTH * clock + self.bonus

    def expect_change(self, at: float) -> None:
        """Let a known event have a head start."""
        self.events = [*(one for one in self.events if at - one < MONTH), at]
        self.bonus += _EVENT_MONTHS


def directions(key: StreamKey) -> tuple[bool, ...]:
    """In which directions a change of a stream is harm: whether it is when the metric falls."""
    rule = MONITORED[key.metric]
    if rule.both_ways or key.segment == ANCHORS:
        return (False, True)
    # Hits of a flag are harm already.
    return (rule.kind != "flag" and rule.definition.better == "higher",)


def panel_of(key: StreamKey) -> tuple[str, ...]:
    """The questions that are asked of a stream; of anchors it is what the judge thinks differently on the whole."""
    return ("mean",) if key.segment == ANCHORS else MONITORED[key.metric].panel


def questions(monitor: Monitor, baseline: Mapping[int, int], *, tolerance: float) -> list[Question]:
    """The panel that is frozen on a baseline.

    Args:
        monitor: whose it is.
        baseline: counts by key.
        tolerance: drift that is let pass, in odds.
    """
    made = []
    for name in panel_of(monitor.key):
        transform = freeze(name, baseline, down=monitor.falls)
        made.append(
            Question(transform, watch(transform.levels, transform.counts(baseline), tolerance=math.log1p(tolerance)))
        )
    return made


def start(monitor: Monitor, at: float) -> None:
    """Freeze the panel on what was learned so far, and begin to watch.

    While the season of a stream is not known more is let pass than later, and most on its first day.
    """
    monitor.panel = questions(monitor, monitor.raw, tolerance=_allowed(monitor, at))
    monitor.built, monitor.restless = float(monitor.raw.total()), at


def inherit(monitor: Monitor, predecessor: Monitor, at: float) -> None:
    """Measure a new version by the baseline of the one before it, which its own data leave alone for a while."""
    monitor.raw, monitor.built = Counter(predecessor.raw), predecessor.built
    monitor.panel = copy.deepcopy(predecessor.panel)
    monitor.inherited = monitor.restless = at
    monitor.fitted, monitor.events = predecessor.fitted, list(predecessor.events)
    for one in monitor.panel:
        one.detector.forget_suspicion()
    freeze_baseline(monitor, frozen=True)
    monitor.expect_change(at)


def grow(monitor: Monitor, at: float) -> None:
    """Let a baseline that has become much larger have a finer lattice, and a new version count in it at last."""
    if monitor.inherited and not monitor.alarm and _is_settled(monitor, at):
        monitor.inherited = 0.0
        freeze_baseline(monitor, frozen=False)
    if monitor.alarm or monitor.inherited:
        return
    is_quiet = at - monitor.restless >= DAY
    has_season = any(one.offsets is not None for one in monitor.panel)
    allowed = math.log1p(_allowed(monitor, at))
    has_seen_a_day = not monitor.fitted and monitor.panel[0].detector.tolerance > allowed
    # Of a stream with a season the baseline is counted anew with it, from the store (refit).
    if has_seen_a_day or (is_quiet and not has_season and monitor.n >= _GROWN * monitor.built):
        for one in monitor.panel:
            old = one.detector
            tolerance = old.tolerance if monitor.fitted else allowed
            seen = old.baseline + old.pending
            one.detector = watch(old.levels, seen, overdispersion=old.overdispersion, tolerance=tolerance)
        monitor.built = monitor.n


def _allowed(monitor: Monitor, at: float) -> float:
    """Drift that is let pass while the season is not known, in odds."""
    if monitor.key.segment == ANCHORS:
        # They are the same answers by day and night.
        return FIRST_TOLERANCE
    return max(monitor.rule.tolerance, _FIRST_DAY if at - monitor.begun < DAY else _FIRST_WEEKS)


def change(monitor: Monitor) -> Located | None:
    """What the trail says of a change, by the question that shows it most; None where there is none to be seen."""
    alarm = monitor.alarm
    number = alarm.question if alarm else _loudest(monitor)
    detector = monitor.panel[number].detector
    n, total = monitor.trail.columns(number)
    before = alarm.before if alarm else _before(detector, n, total)
    found = locate(n, total, before, phi=detector.overdispersion)
    if found is None:
        return None
    begins = [*monitor.trail.begins, monitor.trail.end]
    return Located(number, before, found, begins[found.start], begins[found.earliest], begins[found.latest + 1])


def _loudest(monitor: Monitor) -> int:
    return max(range(len(monitor.panel)), key=lambda one: monitor.panel[one].detector.suspicion)


def _before(detector: Detector, n: NDArray[np.float64], total: NDArray[np.float64]) -> Moments:
    """The baseline without what came since the change, which is part of it by now."""
    whole = Moments.of_counts(detector.levels.values, detector.baseline + detector.pending)
    found = locate(n, total, whole, phi=detector.overdispersion)
    if found is None or detector.is_frozen:
        return whole
    since, of_these = float(n[found.start :].sum()), float(total[found.start :].sum())
    rest = whole.n - since
    return (
        Moments(rest, min(max((whole.mean * whole.n - of_these) / rest, 0.0), 1.0), whole.variance)
        if rest > 0
        else whole
    )


def _is_settled(monitor: Monitor, at: float) -> bool:
    seconds, n = _SETTLING
    return at - monitor.inherited >= seconds or sum(sums[0] for sums in monitor.trail.sums) >= n


def freeze_baseline(monitor: Monitor, *, frozen: bool) -> None:
    """Let what arrives leave the baseline as it is, or count in it again."""
    for one in monitor.panel:
        absorb(one.detector)
        one.detector.is_frozen = frozen
