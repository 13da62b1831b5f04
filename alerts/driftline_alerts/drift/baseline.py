"""What a monitor compares with: learned, taken over from a predecessor, grown, and left alone during an alarm."""

from __future__ import annotations

import copy
import math
from collections import Counter
from typing import TYPE_CHECKING, Final

from driftline_alerts.drift.change import change
from driftline_alerts.drift.detector import absorb, watch
from driftline_alerts.drift.monitor import DAY, FEWEST, ONE_CHANGE, Question, panel_of
from driftline_alerts.drift.refit import LONGEST
from driftline_alerts.drift.stream import ANCHORS
from driftline_alerts.drift.trail import Trail
from driftline_alerts.drift.transform import freeze

if TYPE_CHECKING:
    from collections.abc import Mapping

    from driftline_alerts.drift.monitor import Alarm, Monitor

_FIRST_DAY: Final = {"score": 0.3, "flag": 1.0, "log": 1.0}
"""Drift that is let pass until a baseline holds a whole day, in odds, by the kind of the metric: by night nothing is
known of the noon, when twice as many errors or latencies by a fifth are common. Chosen so that rhythms of a quarter
up and down raise nobody (benchmarks/drift_pictures.py, the first two weeks), as is the next one."""
_FIRST_WEEKS: Final = {"score": 0.1, "flag": 0.3, "log": 0.3}
"""Afterwards, until the season is known: rhythms of a quarter up and down are healthy."""
_SETTLING: Final = (2 * DAY, 2000)
"""A new version that is measured by its predecessor's baseline has one of its own after so long and so much."""
_GROWN: Final = 4.0
"""A baseline so many times larger than the one of the lattice is worth a finer lattice."""


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
    monitor.fitted = predecessor.fitted
    # The predecessor may have had its head start for this very change.
    monitor.events = [one for one in predecessor.events if at - one >= ONE_CHANGE]
    for one in monitor.panel:
        one.detector.forget_suspicion()
    freeze_baseline(monitor, frozen=True)
    monitor.expect_change(at)


def learn(monitor: Monitor, counts: Mapping[int, int], since: float, until: float) -> bool:
    """Take what was in a time that somebody chose for normal, and nothing else from then on.

    Args:
        monitor: begins anew.
        counts: by key, of that time.
        since: begin of it, in seconds of Unix time.
        until: its end, likewise.

    Returns:
        Whether there was enough; else the monitor is as it was.
    """
    if sum(counts.values()) < FEWEST:
        return False
    begin_quietly(monitor)
    monitor.raw, monitor.begun, monitor.fitted, monitor.inherited = Counter(counts), since, 0.0, 0.0
    monitor.pinned = until
    start(monitor, monitor.last)
    freeze_baseline(monitor, frozen=True)
    return True


def grow(monitor: Monitor, at: float) -> None:
    """Let a baseline that has become much larger have a finer lattice, and a new version count in it at last."""
    if monitor.inherited and not monitor.alarm and _is_settled(monitor, at):
        monitor.inherited = 0.0
        freeze_baseline(monitor, frozen=False)
    if monitor.alarm or monitor.inherited or monitor.pinned:
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
    """Drift that is let pass while the season is not known, in odds; anchors are the same by day and night."""
    if monitor.key.segment == ANCHORS:
        return monitor.rule.tolerance
    by_kind = _FIRST_DAY if at - monitor.begun < DAY else _FIRST_WEEKS
    return max(monitor.rule.tolerance, by_kind[monitor.rule.kind])


def freeze_baseline(monitor: Monitor, *, frozen: bool) -> None:
    """Let what arrives leave the baseline as it is, or count in it again."""
    for one in monitor.panel:
        absorb(one.detector)
        one.detector.is_frozen = frozen


def begin_quietly(monitor: Monitor) -> None:
    """Go on with the baseline, without suspicion: a change counts from now on, and an alarm was of no baseline."""
    if monitor.alarm:
        _note_bad(monitor, monitor.alarm)
    monitor.alarm, monitor.trail = None, Trail()
    for one in monitor.panel:
        one.detector.forget_suspicion()
    freeze_baseline(monitor, frozen=bool(monitor.inherited or monitor.pinned))


def _note_bad(monitor: Monitor, alarm: Alarm) -> None:
    """Remember the time of an alarm; what was too small to be told says nothing before season and scatter are known."""
    if not alarm.is_paged and not monitor.fitted:
        return
    located = change(monitor)
    time = (located.earliest if located else alarm.opened, monitor.last)
    monitor.bad = [*(one for one in monitor.bad if monitor.last - one[1] < LONGEST), time]


def _is_settled(monitor: Monitor, at: float) -> bool:
    seconds, n = _SETTLING
    return at - monitor.inherited >= seconds or sum(sums[0] for sums in monitor.trail.sums) >= n
