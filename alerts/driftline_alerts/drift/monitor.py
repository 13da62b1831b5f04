"""What watches one stream: it learns a baseline, then asks its panel of questions of everything that arrives."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from driftline_alerts.drift.hourly import hour_of_week_at
from driftline_alerts.drift.stream import ANCHORS, StreamKey
from driftline_alerts.drift.trail import Trail
from driftline_store.monitored import MONITORED

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from driftline_alerts.drift.detector import Detector
    from driftline_alerts.drift.moments import Moments
    from driftline_alerts.drift.recovery import Recovery
    from driftline_alerts.drift.transform import Transform
    from driftline_store.monitored import Monitored

MONTH: Final = 30 * 86400.0
DAY: Final = 86400.0

FEWEST: Final = 300
"""Observations that a baseline has at least."""
_EVENT_MONTHS: Final = 1 / 30
"""Of the budget of a month, what is put on the moment of a known event: a day's."""
_MOST_EVENTS: Final = 15
"""Events that get a head start in 30 days; see docs/drift-method.md."""
ONE_CHANGE: Final = 600.0
"""Seconds within which events are one change, such as a release that is noticed in one feature after the other."""
_REMEMBERED_DAYS: Final = 7.0
QUIET: Final = 0.1
"""Suspicion up to which nothing is going on; see docs/drift-method.md."""


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
    """

    opened: float
    question: int
    before: Moments
    recovery: Recovery
    is_paged: bool = False
    effect: float = 0.0


@dataclass
class Monitor:
    """The state of one stream.

    Attributes:
        falls: whether it is harm when the metric falls; of a stream with both directions there are two monitors.
        begun: of the baseline, in seconds of Unix time.
        last: until when everything is taken in.
        raw: counts by key of the baseline; of scores and flags, whose levels tell as much, as it was when the questions
            were frozen.
        built: observations of the baseline when the detectors' lattices were built.
        panel: empty while the baseline is learned.
        overdispersion: of the stream as far as it is known; at least 1.
        fitted: when season and overdispersion were learned, in seconds of Unix time; 0: not yet.
        restless: when suspicion was last above ``QUIET``.
        bonus: months of the budget that the next update gets for known events.
        events: when those were, of the last 30 days, that got a head start.
        inherited: the time at which a baseline was taken over from a predecessor; 0: it is its own.
        pinned: end of the time that somebody chose for its baseline, and that begins at ``begun``; 0: nobody did.
        arrived: observations, those of long ago counting less; ``days`` is the time in which they came, likewise.
        bad: begin and end of the times in which it had an alarm, which no baseline may hold.
        rule: how its metric is watched; the fleet that takes it in may know better.
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
    pinned: float = 0.0
    arrived: float = 0.0
    days: float = 0.0
    bad: list[tuple[float, float]] = field(default_factory=list)
    rule: Monitored = field(init=False)

    def __post_init__(self) -> None:
        self.rule = MONITORED[self.key.metric]

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
        """Observations a day, those of the last week before all."""
        return self.arrived / max(self.days, 1 / 24)

    def count(self, n: float, end: float) -> None:
        """Note that so many arrived until a moment, and that everything until then is taken in."""
        days = max(end - self.last, 0.0) / DAY
        kept = math.exp(-days / _REMEMBERED_DAYS)
        self.arrived, self.days, self.last = self.arrived * kept + n, self.days * kept + days, end

    def months(self, end: float) -> float:
        """Budget that may be spent on starts of a change up to a moment, in months.

        In the long run that is the time that passed; in 30 days it is at most half as much again.
        """
        recent = sum(end - at < MONTH for at in self.events)
        clock = max(1 - recent * _EVENT_MONTHS, 0.5)
        return max(end - self.last, 0.0) / MONTH * clock + self.bonus

    def expect_change(self, at: float) -> None:
        """Let a known event have a head start: one for a change, so many in 30 days, and none while it learns."""
        known = [one for one in self.events if at - one < MONTH]
        if not self.panel or len(known) >= _MOST_EVENTS or any(abs(at - one) < ONE_CHANGE for one in known):
            return
        self.events = [*known, at]
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
