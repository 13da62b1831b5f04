"""Once a week each healthy stream's season and overdispersion are learned anew, from all of its baseline.

The baseline is what the store has of the stream by the hour since it began, so that slow drift is not taken for normal
by being the newest of what is known.
"""

from __future__ import annotations

import math
from collections import defaultdict
from typing import TYPE_CHECKING, Final

import numpy as np

from driftline_alerts.drift.detector import watch
from driftline_alerts.drift.hourly import HOUR, Hourly, hour_of_week
from driftline_alerts.drift.monitor import DAY, Monitor
from driftline_alerts.drift.seasonal import FEWEST_DAYS, Season, learn

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from driftline_alerts.drift.fleet import Fleet
    from driftline_alerts.drift.monitor import Question
    from driftline_alerts.drift.stream import Part, StreamKey

EVERY: Final = 7 * DAY
LONGEST: Final = 56 * DAY
"""How far back is looked, so that the cost of it does not grow."""
_TOLERANCE: Final = 0.05
"""In odds: what is let pass of every stream until it is known to be calm."""
_RESTLESS: Final = 1.5
"""Overdispersion from which on ``_TOLERANCE`` stays, whatever the metric's own is (docs/drift-method.md)."""
_KNOWN_DAYS: Final = 28
"""And until so many days are known: 14 of them do not show that a level wanders from day to day, with which a third of
the healthy months had a false alarm in simulation."""


def is_due(monitor: Monitor, now: float) -> bool:
    """Whether a stream is to be learned anew: it has two weeks behind it, is healthy, and it is a week ago.

    The first time its suspicion may be high: that is what a rhythm which nobody knows looks like.
    """
    return bool(
        monitor.panel
        and not monitor.alarm
        and not monitor.inherited
        and not monitor.is_pinned
        and now - monitor.begun >= FEWEST_DAYS * DAY
        and now - monitor.fitted >= EVERY
        and (not monitor.fitted or now - monitor.restless >= DAY)
    )


def refit(fleet: Fleet, past: Iterable[Part], now: float) -> int:
    """Learn the streams that are due.

    Args:
        fleet: is changed.
        past: what arrived since ``LONGEST``, by the hour.
        now: in seconds of Unix time.

    Returns:
        How many there were.
    """
    due = {name: one for name, one in fleet.monitors.items() if is_due(one, now)}
    wanted = {key for key, _ in due}
    hours: dict[StreamKey, dict[int, Mapping[int, int]]] = defaultdict(dict)
    for part in past:
        if part.key in wanted:
            hours[part.key][int(part.begin.timestamp()) // HOUR] = part.counts
    for monitor in due.values():
        bad = _bad(monitor)
        of_stream = {at: counts for at, counts in hours[monitor.key].items() if _is_healthy(at * HOUR, monitor, bad)}
        if of_stream:
            for question in monitor.panel:
                _learn(monitor, question, of_stream)
            monitor.built = monitor.n
        monitor.fitted = now
    return len(due)


def _is_healthy(at: float, monitor: Monitor, bad: Iterable[tuple[float, float]]) -> bool:
    """Whether an hour is of the baseline: it began after that, and no alarm fell into it."""
    return at > monitor.begun - HOUR and not any(begin < at + HOUR and at < end for begin, end in bad)


def _bad(monitor: Monitor) -> list[tuple[float, float]]:
    """The times of alarms that no baseline may hold.

    While no season is known, those that are over within a day and come again at the same time of another one are no
    reason: they are likely the stream's busy hours, without which it would never be known.
    """
    if monitor.fitted:
        return monitor.bad
    short = [one for one in monitor.bad if one[1] - one[0] < DAY]
    return [one for one in monitor.bad if not (one in short and any(_is_again(one, other) for other in short))]


def _is_again(one: tuple[float, float], other: tuple[float, float]) -> bool:
    """Whether two times share an hour of the day, on different days."""
    days = round((other[0] - one[0]) / DAY) * DAY
    return days != 0 and one[0] < other[1] - days and other[0] - days < one[1]


def _learn(monitor: Monitor, question: Question, hours: Mapping[int, Mapping[int, int]]) -> None:
    at = np.array(sorted(hours))
    counts = np.stack([question.transform.counts(hours[hour]) for hour in at])
    values = question.transform.levels.values
    season = learn(Hourly(at, counts.sum(axis=1), counts @ values, counts @ values**2))
    question.offsets = season.offsets if season.offsets.any() else None
    shifts = season.offsets[hour_of_week(at)]
    question.detector = watch(
        question.transform.levels,
        counts,
        shifts=shifts,
        overdispersion=season.phi,
        tolerance=math.log1p(_tolerance(monitor, season)),
    )


def _tolerance(monitor: Monitor, season: Season) -> float:
    own = monitor.rule.tolerance
    is_calm = season.phi <= _RESTLESS and season.days >= _KNOWN_DAYS
    return own if is_calm else max(own, _TOLERANCE)
