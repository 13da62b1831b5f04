"""Once a week each healthy stream's season and overdispersion are learned anew, from all of its baseline.

The baseline is what the store has of the stream by the hour since it began, so that slow drift is not taken for normal
by being the newest of what is known. Where somebody chose the time of the baseline, that one stays the level.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from driftline_alerts.digest import digest
from driftline_alerts.drift.detector import watch
from driftline_alerts.drift.hourly import DAY_HOURS, HOUR, Hourly, hour_of_week
from driftline_alerts.drift.monitor import DAY, Monitor
from driftline_alerts.drift.seasonal import FEWEST_DAYS, Season, learn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from numpy.typing import NDArray

    from driftline_alerts.drift.fleet import Fleet
    from driftline_alerts.drift.monitor import Question
    from driftline_alerts.drift.stream import Part, StreamKey

    Hours = dict[int, Mapping[int, int]]
    """Counts by key of a stream, by whole hours since 1970."""

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
_BATCH: Final = 100
"""Streams that are learned at once, so that what is held of their past does not grow with the project."""
_MOST_OF_IT: Final = 0.5
"""Of the observations of a time that somebody chose, what the hours of it have to hold to be taken for all."""


@dataclass(frozen=True)
class _Known:
    """What a stream is learned from.

    Attributes:
        level: hours of its baseline; none where these are not known.
        rhythm: hours that season and scatter are learned from.
    """

    level: Hours
    rhythm: Hours


def is_due(monitor: Monitor, now: float) -> bool:
    """Whether a stream is to be learned anew: it has two weeks behind it, is healthy, and it is a week ago.

    The first time its suspicion may be high: that is what a rhythm which nobody knows looks like.
    """
    return bool(
        monitor.panel
        and not monitor.alarm
        and not monitor.inherited
        and now - monitor.begun >= FEWEST_DAYS * DAY
        and now - monitor.fitted >= EVERY
        and (not monitor.fitted or (now - monitor.restless >= DAY and not _is_done(monitor, now)))
    )


def _is_done(monitor: Monitor, now: float) -> bool:
    """Whether the time that somebody chose for its baseline is no longer looked back at: what is known of it stays."""
    return bool(monitor.pinned) and now - monitor.begun >= LONGEST


def pause(fleet: Fleet) -> float:
    """Seconds between two batches: all streams could have two turns in a week, but where they are few a day goes by."""
    return min(EVERY / 2 * _BATCH / max(len(fleet.monitors), 1), DAY)


def refit(fleet: Fleet, past: Iterable[Part], now: float, may_go_on: Callable[[], bool] = lambda: True) -> int:
    """Learn a batch of the streams that are due.

    Args:
        fleet: is changed.
        past: what arrived since ``LONGEST``, by the hour; no more than that of a batch is held in memory.
        now: in seconds of Unix time.
        may_go_on: is asked before each monitor; what is not learned stays due.

    Returns:
        How many monitors were learned.
    """
    batch = _batch(fleet, now)
    wanted = {one.key for one in batch}
    hours: dict[StreamKey, Hours] = defaultdict(dict)
    for part in past:
        if part.key in wanted:
            hours[part.key][int(part.begin.timestamp()) // HOUR] = part.counts
    for done, monitor in enumerate(batch):
        if not may_go_on():
            return done
        known = _known(monitor, hours[monitor.key])
        if known.rhythm:
            for question in monitor.panel:
                _learn(monitor, question, known)
            monitor.built = monitor.n
            if monitor.rule.kind == "log" and known.level:
                monitor.raw = _together(known.level)
        monitor.fitted = now
    return len(batch)


def _batch(fleet: Fleet, now: float) -> list[Monitor]:
    """The due monitors of so many streams: those whose turn is longest ago, and of equals some of every kind."""
    due = [one for one in fleet.monitors.values() if is_due(one, now)]
    due.sort(key=lambda one: (one.fitted, digest(one.key.state())))
    chosen = set(list(dict.fromkeys(one.key for one in due))[:_BATCH])
    return [one for one in due if one.key in chosen]


def _known(monitor: Monitor, hours: Hours) -> _Known:
    """What a stream is learned from: of a time that somebody chose the level, and the rhythm if it is long enough."""
    healthy = _within(monitor, hours, _bad(monitor))
    if not monitor.pinned:
        return _Known(healthy, healthy)
    chosen = _within(monitor, hours, [(monitor.pinned, math.inf)])
    # What somebody has imported arrived at another time, and what is older is not looked at.
    is_seen = sum(sum(counts.values()) for counts in chosen.values()) >= _MOST_OF_IT * monitor.n
    is_long = len({hour // DAY_HOURS for hour in chosen}) >= FEWEST_DAYS
    return _Known(chosen if is_seen else {}, chosen if is_seen and is_long else healthy)


def _within(monitor: Monitor, hours: Hours, bad: Iterable[tuple[float, float]]) -> Hours:
    """The hours since the baseline began that touch none of the times."""
    return {
        hour: counts
        for hour, counts in hours.items()
        if hour * HOUR > monitor.begun - HOUR
        and not any(begin < (hour + 1) * HOUR and hour * HOUR < end for begin, end in bad)
    }


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


def _learn(monitor: Monitor, question: Question, known: _Known) -> None:
    at, counts = _table(question, known.rhythm)
    values = question.transform.levels.values
    season = learn(Hourly(at, counts.sum(axis=1), counts @ values, counts @ values**2))
    question.offsets = season.offsets if season.offsets.any() else None
    counts, shifts = _level(question, known.level, season)
    question.detector = watch(
        question.transform.levels,
        counts,
        shifts=shifts,
        overdispersion=season.phi,
        tolerance=math.log1p(_tolerance(monitor, season)),
    )
    question.detector.is_frozen = bool(monitor.pinned)


def _together(hours: Hours) -> Counter[int]:
    found: Counter[int] = Counter()
    for counts in hours.values():
        found.update(counts)
    return found


def _table(question: Question, hours: Hours) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The hours in their order, and the counts of y in each, shape (hours, levels)."""
    at = np.array(sorted(hours))
    return at, np.stack([question.transform.counts(hours[hour]) for hour in at])


def _level(question: Question, hours: Hours, season: Season) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
    """Counts of the baseline, with what the season moved each of them by; of no hours what it was, as if of all."""
    if not hours:
        return question.detector.baseline, None
    at, counts = _table(question, hours)
    return counts, season.offsets[hour_of_week(at)]


def _tolerance(monitor: Monitor, season: Season) -> float:
    own = monitor.rule.tolerance
    is_calm = season.phi <= _RESTLESS and season.days >= _KNOWN_DAYS
    return own if is_calm else max(own, _TOLERANCE)
