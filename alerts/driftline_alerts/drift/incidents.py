"""What moved together is one incident, however many streams of it have alarms."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, Self

from driftline_alerts.drift.budget import listed
from driftline_alerts.drift.cause import cause
from driftline_alerts.drift.finding import Finding, moment
from driftline_alerts.drift.segments import contains
from driftline_alerts.drift.stream import ANCHORS, StreamKey

if TYPE_CHECKING:
    from collections.abc import Mapping

    from driftline_alerts.drift.finding import Blame, Kind
    from driftline_alerts.drift.fleet import Fleet, Name
    from driftline_alerts.drift.lifecycle import Turn
    from driftline_alerts.drift.monitor import Monitor
    from driftline_alerts.evaluate import Segment

_TOGETHER: Final = timedelta(hours=24).total_seconds()
"""After so long what moves is an incident of its own, also where another one is still open."""
_PLAIN: Final = ("id", "opened", "metric", "segment", "told")
_FEATURE: Final = 2
"""Dimensions of a segment that name its feature."""
_BLAMELESS: Final = 100
"""Judgements of anchors from which on it is known that the judge has not changed."""


@dataclass
class Incident:
    """One thing that happened, as far as it is known.

    Attributes:
        opened: in seconds of Unix time.
        metric: that it was first seen in; with ``segment``, what it is called by.
        segment: where it was first found to be.
        members: monitors whose change is part of it, by whether they have an open alarm; the one that found it first.
        told: metrics that people were told of.
    """

    id: str
    opened: float
    metric: str
    segment: Segment
    members: dict[Name, bool] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)

    @property
    def is_open(self) -> bool:
        """Whether any of its alarms is."""
        return any(self.members.values())

    def state(self) -> dict[str, Any]:
        """As JSON takes it."""
        members = [[vars(key), falls, is_open] for (key, falls), is_open in self.members.items()]
        return {
            "id": self.id,
            "opened": self.opened,
            "metric": self.metric,
            "segment": self.segment,
            "members": members,
        }

    @classmethod
    def restored(cls, state: Mapping[str, Any]) -> Self:
        """What gave the state."""
        members = {
            (StreamKey(**key | {"segment": _pairs(key["segment"])}), falls): is_open
            for key, falls, is_open in state["members"]
        }
        plain = {name: state[name] for name in _PLAIN} | {"segment": _pairs(state["segment"])}
        return cls(members=members, **plain)


@dataclass
class Incidents:
    """All that are open, or were lately."""

    known: dict[str, Incident] = field(default_factory=dict)

    def take(self, turn: Turn, fleet: Fleet, shares: Mapping[Name, float]) -> Finding | None:
        """What people are told of a turn; None where it adds nothing to what they know."""
        monitor = turn.monitor
        name = (monitor.key, monitor.falls)
        if turn.kind == "recovered":
            return self._recovered(turn, name)
        blame = _blame(monitor, fleet)
        if blame == "judge" and monitor.key.segment != ANCHORS:
            return None
        assert turn.located is not None  # noqa: S101  only what recovered has none
        place = cause(monitor, turn.located, fleet.monitors.values())
        incident = self._of(monitor, place.segment)
        is_new = incident is None
        if incident is None:
            incident = _opened(monitor, place.segment)
            self.known[incident.id] = incident
        incident.members[name] = True
        for other in listed(_suspicions(fleet, shares), shares):
            if _is_related(incident, fleet.monitors[other], place.segment):
                incident.members.setdefault(other, fleet.monitors[other].alarm is not None)
        if _is_told(turn, incident):
            return None
        incident.told.append(monitor.key.metric)
        kind: Kind = "opened" if is_new else "grown" if turn.kind == "grown" else "joined"
        located, known = turn.located, turn.figures
        return Finding(
            incident=incident.id,
            at=moment(monitor.last),
            kind=kind,
            metric=monitor.key.metric,
            instrument=monitor.key.instrument,
            evaluator=monitor.key.evaluator,
            segment=place.segment,
            falls=known.after < known.before,
            before=known.before,
            after=known.after,
            low=known.low,
            high=known.high,
            n=known.n,
            started=moment(located.start),
            earliest=moment(located.earliest),
            latest=moment(located.latest),
            once_in_months=monitor.suspicion,
            moved=place.moved,
            unaffected=place.unaffected,
            common=place.common,
            is_mix=place.is_mix,
            blame=blame,
        )

    def forget(self, now: float) -> None:
        """Drop what has long been over."""
        self.known = {name: one for name, one in self.known.items() if one.is_open or now - one.opened < _TOGETHER}

    def _recovered(self, turn: Turn, name: Name) -> Finding | None:
        incident = next((one for one in self.known.values() if one.members.get(name)), None)
        if incident is None:
            return None
        incident.members[name] = False
        if any(is_open for other, is_open in incident.members.items() if other != name and is_open):
            return None
        monitor, known = turn.monitor, turn.figures
        at = moment(monitor.last)
        return Finding(
            incident=incident.id, at=at, kind="recovered", metric=incident.metric, segment=incident.segment,
            instrument=monitor.key.instrument, evaluator=monitor.key.evaluator, falls=known.after < known.before,
            before=known.before, after=known.after, n=known.n, started=moment(incident.opened),
            earliest=moment(incident.opened), latest=at,
        )  # fmt: skip

    def _of(self, monitor: Monitor, segment: Segment) -> Incident | None:
        lately = (one for one in self.known.values() if one.is_open and monitor.last - one.opened < _TOGETHER)
        return next((one for one in lately if _is_related(one, monitor, segment)), None)


def _opened(monitor: Monitor, segment: Segment) -> Incident:
    what = f"{monitor.key}{monitor.falls}{monitor.last:.0f}"
    return Incident(hashlib.sha256(what.encode()).hexdigest()[:12], monitor.last, monitor.key.metric, segment)


def _is_related(incident: Incident, monitor: Monitor, segment: Segment) -> bool:
    """Whether a monitor's change is likely the same thing: of the same feature, or of the same metric anywhere."""
    if ANCHORS in {segment, incident.segment, monitor.key.segment}:
        return monitor.key.metric == incident.metric
    if monitor.key.metric == incident.metric and segment[:1] == incident.segment[:1]:
        return True
    mine, its = segment[:_FEATURE], incident.segment[:_FEATURE]
    return contains(mine, its) or contains(its, mine)


def _is_told(turn: Turn, incident: Incident) -> bool:
    """Whether people know it: streams of the lattice overlap, so that one change shows in many of them."""
    if turn.kind == "grown":
        return next(iter(incident.members)) != (turn.monitor.key, turn.monitor.falls)
    return turn.monitor.key.metric in incident.told


def _suspicions(fleet: Fleet, shares: Mapping[Name, float]) -> dict[Name, float]:
    return {name: fleet.monitors[name].suspicion for name in shares}


def _blame(monitor: Monitor, fleet: Fleet) -> Blame:
    """Of a change in judged quality: whether the judge scores its anchors as before."""
    if monitor.key.metric != "quality":
        return ""
    if monitor.key.segment == ANCHORS:
        return "judge"
    key = StreamKey("quality", monitor.key.instrument, ANCHORS, monitor.key.evaluator)
    anchors = [one for one in fleet.of(key) if one.panel]
    if any(one.alarm for one in anchors):
        return "judge"
    seen = sum(sums[0] for one in anchors[:1] for sums in one.trail.sums)
    return "system" if seen >= _BLAMELESS else "unknown"


def _pairs(raw: Any) -> Segment:
    return tuple((name, value) for name, value in raw)
