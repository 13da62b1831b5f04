"""All monitors: gives each what arrived of its stream, and their detectors the whole of a look at once."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from driftline_alerts.drift import detector
from driftline_alerts.drift.baseline import grow, inherit, start
from driftline_alerts.drift.monitor import FEWEST, QUIET, Monitor, directions
from driftline_alerts.drift.stream import VOLUMES
from driftline_alerts.drift.transform import columns
from driftline_alerts.drift.tuning import USUAL, Tuning

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from driftline_alerts.drift.levels import Levels
    from driftline_alerts.drift.monitor import Question
    from driftline_alerts.drift.stream import Part, StreamKey

Name = tuple["StreamKey", bool]
"""Of a monitor: its stream, and whether falling is the harm that it looks for."""

_CHANGED: Final = ("prompt_version", "model")
"""Dimensions whose new values are versions of what was there before."""


@dataclass(frozen=True)
class _Arrival:
    """What a monitor with a panel is to take in."""

    monitor: Monitor
    counts: tuple[NDArray[np.float64], ...]
    begin: float
    end: float
    months: float


@dataclass
class Fleet:
    """The state of drift detection, without volumes.

    Attributes:
        warm_up: seconds that a baseline spans at least.
        tuning: what is done differently with some streams.
        monitors: by name, in the order in which their streams were first seen.
    """

    warm_up: float = 3600.0
    tuning: Tuning = USUAL
    monitors: dict[Name, Monitor] = field(default_factory=dict)
    _versions: dict[tuple[str, StreamKey, bool], list[Monitor]] = field(default_factory=dict, repr=False)

    def apply(self, parts: Iterable[Part]) -> list[Monitor]:
        """Take in what arrived, each part once.

        Returns:
            The monitors whose evidence moved.
        """
        arrivals = []
        for part in parts:
            if part.key.metric not in VOLUMES:
                begin, end = part.begin.timestamp(), part.end.timestamp()
                for monitor in self._of(part.key, begin):
                    arrivals += _taken(monitor, part.counts, begin, end, self.warm_up)
        _update(arrivals)
        for one in arrivals:
            _follow(one)
        return [one.monitor for one in arrivals]

    def of(self, key: StreamKey) -> list[Monitor]:
        """The monitors of a stream that there are."""
        return [self.monitors[key, falls] for falls in directions(key) if (key, falls) in self.monitors]

    def add(self, monitor: Monitor) -> None:
        """Take a monitor in, as one that later versions of its stream can follow."""
        monitor.rule = self.tuning.monitored(monitor.key)
        self.monitors[monitor.key, monitor.falls] = monitor
        for name in _CHANGED:
            if name in dict(monitor.key.segment):
                self._versions.setdefault(_apart_from(name, monitor), []).append(monitor)

    def forget(self, before: float) -> None:
        """Drop the monitors in whose streams nothing has arrived since a Unix time, as that of an old version."""
        kept = [one for one in self.monitors.values() if one.last >= before]
        if len(kept) < len(self.monitors):
            self.monitors, self._versions = {}, {}
            for monitor in kept:
                self.add(monitor)

    def _of(self, key: StreamKey, at: float) -> list[Monitor]:
        known = self.of(key)
        if known:
            return known
        opened = [Monitor(key, falls, at, at) for falls in directions(key)]
        for one in opened:
            if before := self._predecessor(one):
                inherit(one, before, at)
            self.add(one)
        return opened

    def _predecessor(self, new: Monitor) -> Monitor | None:
        """The one with most behind it that differs in its prompt's version alone, or else in its model alone."""
        values = dict(new.key.segment)
        for name in _CHANGED:
            if values.get(name):
                others = self._versions.get(_apart_from(name, new), [])
                # One with an alarm is as good: its baseline has been left alone since.
                if found := [one for one in others if one.panel]:
                    return max(found, key=lambda one: one.n)
        return None


def _apart_from(name: str, monitor: Monitor) -> tuple[str, StreamKey, bool]:
    """What a monitor has in common with those that differ in the value of one dimension alone."""
    rest = tuple(pair for pair in monitor.key.segment if pair[0] != name)
    return name, replace(monitor.key, segment=rest), monitor.falls


def _taken(monitor: Monitor, counts: Mapping[int, int], begin: float, end: float, warm_up: float) -> list[_Arrival]:
    """Nothing while the baseline is learned; what arrives after it is the detectors'."""
    if monitor.panel:
        keys, weights = columns(counts)
        of_each = tuple(one.transform.counted(keys, weights) for one in monitor.panel)
        if monitor.rule.kind == "log" and not monitor.panel[0].detector.is_frozen:
            monitor.raw.update(counts)
        return [_Arrival(monitor, of_each, begin, end, monitor.months(end))]
    monitor.raw.update(counts)
    monitor.count(sum(counts.values()), end)
    if monitor.raw.total() >= FEWEST and end - monitor.begun >= warm_up:
        start(monitor, end)
    return []


def _update(arrivals: list[_Arrival]) -> None:
    """All questions of the same levels at once."""
    by_levels: dict[Levels, list[tuple[_Arrival, Question, NDArray[np.float64]]]] = defaultdict(list)
    for one in arrivals:
        for question, counts in zip(one.monitor.panel, one.counts, strict=True):
            by_levels[question.transform.levels].append((one, question, counts))
    for asked in by_levels.values():
        detector.update(
            [question.detector for _, question, _ in asked],
            np.stack([counts for *_, counts in asked]),
            np.array([one.months for one, *_ in asked]),
            np.array([question.shift((one.begin + one.end) / 2) for one, question, _ in asked]),
        )


def _follow(arrival: _Arrival) -> None:
    """What else a monitor keeps of what arrived."""
    monitor, end = arrival.monitor, arrival.end
    values = [question.transform.levels.values for question in monitor.panel]
    n = float(arrival.counts[0].sum())
    totals = [float(counts @ of_each) for counts, of_each in zip(arrival.counts, values, strict=True)]
    monitor.trail.add(arrival.begin, end, n, totals)
    monitor.count(n, end)
    monitor.bonus = 0.0
    if monitor.suspicion >= QUIET:
        monitor.restless = end
    if alarm := monitor.alarm:
        question, counts = monitor.panel[alarm.question], arrival.counts[alarm.question]
        alarm.recovery.update(counts, end, offset=question.shift(end))
    grow(monitor, end)
