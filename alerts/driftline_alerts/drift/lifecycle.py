"""From evidence to alarms: when one opens, pages, grows, and is over (docs/drift-method.md)."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from driftline_alerts.drift.baseline import begin_quietly, freeze_baseline
from driftline_alerts.drift.change import change
from driftline_alerts.drift.figures import figures, is_large, latest
from driftline_alerts.drift.monitor import DAY, Alarm
from driftline_alerts.drift.recovery import Recovery
from driftline_alerts.drift.stream import ANCHORS
from driftline_alerts.drift.trail import Trail

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from driftline_alerts.drift.change import Located
    from driftline_alerts.drift.figures import Figures, LookBack
    from driftline_alerts.drift.fleet import Name
    from driftline_alerts.drift.monitor import Monitor

Kind = Literal["paged", "grown"]
End = Literal["recovered", "gone"]

SILENT: Final = DAY
"""After so long without anything, in seconds, an alarm is about something that is not there any more."""
_FEW: Final = (50.0, 1000.0)
"""With fewer observations a day, and fewer in the baseline, a stream is reported in what lies above it, not paged."""


@dataclass(frozen=True)
class Turn:
    """An alarm that people are told of."""

    kind: Kind
    monitor: Monitor
    figures: Figures
    located: Located


@dataclass(frozen=True)
class Over:
    """The end of an alarm that people were told of.

    Attributes:
        kind: whether the metric recovered, or nothing comes any more that could show it.
        at: when it was over, in seconds of Unix time.
        level: that it ends at, in the metric's unit; NaN where nothing came.
    """

    kind: End
    monitor: Monitor
    at: float
    level: float


def turns(monitors: Iterable[Monitor], shares: Mapping[Name, float], look_back: LookBack) -> Iterator[Turn | Over]:
    """Open, page and close alarms, after a look; each turn is given before the next monitor is looked at.

    Args:
        monitors: whose evidence moved.
        shares: false alarms a month that each may raise.
        look_back: counts of a stream between two times.
    """
    # A judge that has changed is to be known before its scores are looked at.
    for monitor in sorted(monitors, key=lambda one: one.key.segment != ANCHORS):
        share = shares.get((monitor.key, monitor.falls), 0.0)
        turn = _of(monitor, bool(monitor.panel) and share > 0 and monitor.suspicion * share >= 1, look_back)
        if turn:
            yield turn


def end_silent(monitors: Iterable[Monitor], now: float) -> Iterator[Over]:
    """End the alarms of streams in which nothing has arrived for ``SILENT``: a version that was rolled back is gone."""
    for monitor in monitors:
        if monitor.alarm and now - monitor.last >= SILENT:
            was_paged = monitor.alarm.is_paged
            begin_quietly(monitor)
            if was_paged:
                yield Over("gone", monitor, now, math.nan)


def accept(monitor: Monitor, look_back: LookBack) -> None:
    """Take what is now for the new normal: the baseline begins anew where the change began."""
    located = change(monitor) if monitor.panel else None
    begun = located.start if located else monitor.last
    # Nothing is changed before it is read: the store may be away.
    monitor.raw = Counter(look_back(monitor.key, begun, monitor.last))
    monitor.begun = begun
    monitor.built, monitor.panel, monitor.bad = 0.0, [], []
    monitor.trail, monitor.alarm, monitor.fitted, monitor.inherited = Trail(), None, 0.0, 0.0
    monitor.pinned = 0.0


def _of(monitor: Monitor, is_proven: bool, look_back: LookBack) -> Turn | Over | None:
    alarm = monitor.alarm
    if alarm is None:
        return _open(monitor, look_back) if is_proven else None
    if alarm.recovery.is_proven:
        return _close(monitor, alarm, look_back)
    if not alarm.is_paged and not is_proven:
        # It was too small to page, and is not even certain any more.
        begin_quietly(monitor)
        return None
    return _reconsider(monitor, alarm, look_back)


def _open(monitor: Monitor, look_back: LookBack) -> Turn | None:
    located = change(monitor)
    if located is None:
        return None
    question = monitor.panel[located.question]
    recovery = Recovery.between(
        question.transform.levels.values,
        located.before.mean,
        located.change.level,
        at=monitor.last,
        phi=question.detector.overdispersion,
    )
    monitor.alarm = Alarm(monitor.last, located.question, located.before, recovery)
    freeze_baseline(monitor, frozen=True)
    return _reconsider(monitor, monitor.alarm, look_back)


def _reconsider(monitor: Monitor, alarm: Alarm, look_back: LookBack) -> Turn | None:
    """Page an alarm that has become large enough, or one that was paged and has grown by as much again."""
    located = change(monitor)
    if located is None or not is_worth_it(monitor):
        return None
    known = figures(monitor, located, look_back)
    grown = alarm.is_paged and abs(known.effect) >= 2 * abs(alarm.effect)
    if not is_large(monitor, known) or (alarm.is_paged and not grown):
        return None
    kind: Kind = "grown" if alarm.is_paged else "paged"
    alarm.is_paged, alarm.effect = True, known.effect
    return Turn(kind, monitor, known, located)


def is_worth_it(monitor: Monitor) -> bool:
    """Whether a stream has enough traffic, or enough behind it, to call somebody by itself."""
    per_day, n = _FEW
    return monitor.per_day >= per_day or monitor.n >= n


def _close(monitor: Monitor, alarm: Alarm, look_back: LookBack) -> Over | None:
    after = latest(monitor, look_back)
    begin_quietly(monitor)
    return Over("recovered", monitor, monitor.last, after) if alarm.is_paged else None
