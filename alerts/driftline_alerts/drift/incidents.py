"""What moved together is one incident, however many streams of it have alarms."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, Self

from driftline_alerts.digest import SHORT, digest
from driftline_alerts.drift.baseline import begin_quietly
from driftline_alerts.drift.budget import listed
from driftline_alerts.drift.cause import cause
from driftline_alerts.drift.change import change
from driftline_alerts.drift.figures import figures
from driftline_alerts.drift.finding import Finding, moment
from driftline_alerts.drift.lifecycle import Over
from driftline_alerts.drift.segments import contains
from driftline_alerts.drift.stream import ANCHORS, StreamKey

if TYPE_CHECKING:
    from collections.abc import Mapping

    from driftline_alerts.drift.cause import Cause
    from driftline_alerts.drift.change import Located
    from driftline_alerts.drift.figures import LookBack
    from driftline_alerts.drift.finding import Blame, Kind
    from driftline_alerts.drift.fleet import Fleet, Name
    from driftline_alerts.drift.lifecycle import Turn
    from driftline_alerts.drift.monitor import Monitor
    from driftline_alerts.evaluate import Segment

_TOGETHER: Final = timedelta(hours=24).total_seconds()
"""After so long what moves is an incident of its own, also where another one is still open."""
_PLAIN: Final = ("id", "opened", "level")
_AT_ONCE: Final = timedelta(minutes=30).total_seconds()
"""What begins so long after an incident's begin, as far as both are known, may still be the same thing elsewhere."""
_FEATURE: Final = 2
"""Dimensions of a segment that name its feature."""
_BLAMELESS: Final = 100
"""Judgements of anchors from which on it is known that the judge has not changed."""


@dataclass
class Incident:
    """One thing that happened, as far as it is known.

    Attributes:
        opened: in seconds of Unix time.
        first: what people were told when it opened.
        members: monitors whose change is part of it, by whether they have an open alarm that was paged; the one that
            found it first.
        told: monitors whose turns people were told of, each with the segment that was said.
        level: of the metric that people were told of first, as its alarm was over; None while it is not.
    """

    id: str
    opened: float
    first: Finding
    members: dict[Name, bool] = field(default_factory=dict)
    told: list[tuple[Name, Segment]] = field(default_factory=list)
    level: float | None = None

    @property
    def is_open(self) -> bool:
        """Whether any of its alarms is; wider streams than those of its features may have other things in them too."""
        features = [place[:_FEATURE] for _, place in self.told]
        own = [name for name in self.members if any(contains(one, name[0].segment) for one in features)]
        return any(self.members[name] for name in own or self.members)

    def is_near(self, segment: Segment) -> bool:
        """Whether a segment is of the features that people were told of, or holds them."""
        return any(_overlap(segment[:_FEATURE], place[:_FEATURE]) for _, place in self.told)

    @property
    def metrics(self) -> tuple[str, ...]:
        """Those that people were told of."""
        return tuple(key.metric for (key, _), _ in self.told)

    def state(self) -> dict[str, Any]:
        """As JSON takes it."""
        members = [[key.state(), falls, is_open] for (key, falls), is_open in self.members.items()]
        first = self.first.model_dump(mode="json")
        told = [[key.state(), falls, place] for (key, falls), place in self.told]
        return {name: getattr(self, name) for name in _PLAIN} | {"first": first, "members": members, "told": told}

    @classmethod
    def restored(cls, state: Mapping[str, Any]) -> Self:
        """What gave the state."""
        members = {(StreamKey.restored(key), falls): is_open for key, falls, is_open in state["members"]}
        first = Finding.model_validate(state["first"])
        told = [
            # Once only the metrics were kept.
            ((StreamKey(one, "", first.segment), first.falls), first.segment)
            if isinstance(one, str)
            else ((StreamKey.restored(one[0]), one[1]), tuple((name, value) for name, value in one[2]))
            for one in state["told"]
        ]
        return cls(first=first, members=members, told=told, **{name: state[name] for name in _PLAIN})

    @property
    def is_of_judge(self) -> bool:
        """Whether the judge changed."""
        return any(key.segment == ANCHORS for key, _ in self.members)

    def over(self, kind: Kind, at: float, after: float) -> Finding:
        """What people are told when it ends, with the level that it ends at; NaN where nothing came any more."""
        first, when = self.first, moment(at)
        after = first.after if math.isnan(after) else after
        told = {
            "kind": kind,
            "at": when,
            "joins": self.metrics,
            "before": first.after,
            "after": after,
            "falls": after < first.after,
        }
        plain = {"low": None, "high": None, "latest": when, "once_in_months": 0.0, "is_mix": False, "blame": ""}
        return first.model_copy(update=told | plain | {"moved": (), "unaffected": (), "common": ()})


@dataclass
class Incidents:
    """All that are open, or were lately."""

    known: dict[str, Incident] = field(default_factory=dict)

    def take(
        self, turn: Turn | Over, fleet: Fleet, shares: Mapping[Name, float], look_back: LookBack
    ) -> Finding | None:
        """What people are told of a turn; None where it adds nothing to what they know."""
        monitor = turn.monitor
        name = (monitor.key, monitor.falls)
        if isinstance(turn, Over):
            return self._end(turn, name, fleet)
        blame = _blame(monitor, fleet)
        if blame == "judge" and monitor.key.segment != ANCHORS and (judge := self._of_judge(monitor.key)):
            # People know that scores mean something else now.
            judge.members.setdefault(name, False)
            return None
        place = cause(monitor, turn.located, fleet.monitors.values())
        incident = self._of(turn, place.segment)
        kind: Kind = "opened" if incident is None else "grown" if turn.kind == "grown" else "joined"
        if incident is not None and _is_told(turn, place.segment, incident):
            incident.members[name] = True
            return None
        finding = _finding(*_placed(turn, place, incident, fleet, look_back), kind, blame, incident)
        # Evidence speaks of its own stream; people ask how often any of them says so.
        told = finding.once_in_months * shares[name] / sum(shares.values())
        finding = finding.model_copy(update={"once_in_months": told})
        if incident is None:
            incident = Incident(finding.incident, monitor.last, finding)
            self.known[incident.id] = incident
        incident.members[name] = True
        incident.told.append((name, finding.segment))
        for other in listed(_suspicions(fleet, shares), shares):
            is_elsewhere = any(other in one.members for one in self.known.values() if one.is_open)
            if not is_elsewhere and _is_related(incident, fleet.monitors[other], place.segment):
                alarm = fleet.monitors[other].alarm
                incident.members[other] = alarm is not None and alarm.is_paged
        return finding

    def forget(self, now: float) -> None:
        """Drop what has long been over."""
        self.known = {name: one for name, one in self.known.items() if one.is_open or now - one.opened < _TOGETHER}

    def _end(self, turn: Over, name: Name, fleet: Fleet) -> Finding | None:
        concerned = [one for one in self.known.values() if one.members.get(name) and one.is_open]
        for one in concerned:
            one.members[name] = False
            if name == next(iter(one.members)):
                # What is over last may be another metric, or another segment.
                one.level = turn.level
        incident = next((one for one in concerned if not one.is_open), None)
        if incident is None:
            return None
        if incident.is_of_judge:
            # What its scores said meanwhile speaks for nothing; what the answers did is found anew.
            for other in incident.members.keys() & fleet.monitors.keys() - {name}:
                begin_quietly(fleet.monitors[other])
        return incident.over(turn.kind, turn.at, turn.level if incident.level is None else incident.level)

    def _of_judge(self, key: StreamKey) -> Incident | None:
        anchors = replace(key, segment=ANCHORS)
        return next(
            (one for one in self.known.values() if one.is_open and any(of == anchors for of, _ in one.members)), None
        )

    def _of(self, turn: Turn, segment: Segment) -> Incident | None:
        """The one that a turn is part of: it is of its features, or may have begun when it did."""
        monitor = turn.monitor
        lately = (one for one in self.known.values() if one.is_open and monitor.last - one.opened < _TOGETHER)
        related = [one for one in lately if _is_related(one, monitor, segment)]
        near = (one for one in related if one.is_near(segment) or _began_with(turn.located, one.first))
        return next(near, None)


def concerned(incident: Incident, fleet: Fleet) -> list[Monitor]:
    """The monitors whose normal changes when an incident is accepted.

    Beside its members these are all of the metrics that were told whose segment lies within that of the incident, or
    around it: what has no alarm yet because it is diluted would have one later.
    """
    told = {replace(key, segment=()) for key, _ in incident.members if key.metric in incident.metrics}
    place = incident.first.segment
    return [
        one
        for name, one in fleet.monitors.items()
        if name in incident.members or (_overlap(place, one.key.segment) and replace(one.key, segment=()) in told)
    ]


def _placed(
    turn: Turn, place: Cause, incident: Incident | None, fleet: Fleet, look_back: LookBack
) -> tuple[Turn, Cause]:
    """The change as the stream of its place shows it, and that place: in a wider one it is mixed with what stayed.

    Where it is not known which part of a wide stream moved, it is looked for where the incident that it joins is.
    """
    places = [place.segment]
    if incident and not place.moved and not place.is_mix and contains(place.segment, incident.first.segment):
        places.insert(0, incident.first.segment)
    for segment in places:
        own = fleet.monitors.get((replace(turn.monitor.key, segment=segment), turn.monitor.falls))
        if own is turn.monitor:
            break
        located = change(own) if own and own.panel else None
        if own and located:
            seen = replace(turn, figures=figures(own, located, look_back), located=located)
            return seen, replace(place, segment=segment)
    return turn, place


def _finding(turn: Turn, place: Cause, kind: Kind, blame: Blame, incident: Incident | None) -> Finding:
    monitor, known, located = turn.monitor, turn.figures, turn.located
    what = (monitor.key.state(), monitor.falls, round(monitor.last))
    return Finding(
        incident=incident.id if incident else digest(*what, length=SHORT),
        at=moment(monitor.last),
        kind=kind,
        metric=monitor.key.metric,
        instrument=monitor.key.instrument,
        evaluator=monitor.key.evaluator,
        segment=place.segment,
        place=incident.first.segment if incident else place.segment,
        about=incident.first.metric if incident else monitor.key.metric,
        joins=incident.metrics if incident else (),
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


def _is_related(incident: Incident, monitor: Monitor, segment: Segment) -> bool:
    """Whether a monitor's change is likely the same thing: of the same feature, or of the same metric anywhere."""
    first = incident.first
    if ANCHORS in {segment, first.segment, monitor.key.segment}:
        return monitor.key.metric == first.metric
    if monitor.key.metric == first.metric and segment[:1] == first.segment[:1]:
        return True
    return _overlap(segment[:_FEATURE], first.segment[:_FEATURE])


def _overlap(one: Segment, other: Segment) -> bool:
    return contains(one, other) or contains(other, one)


def _began_with(located: Located, first: Finding) -> bool:
    """Whether a change can have begun when an incident did."""
    earliest, latest = first.earliest.timestamp() - _AT_ONCE, first.latest.timestamp() + _AT_ONCE
    return located.earliest <= latest and earliest <= located.latest


def _is_told(turn: Turn, segment: Segment, incident: Incident) -> bool:
    """Whether people know it: streams of the lattice overlap, so that one change shows in many of them."""
    key, falls = turn.monitor.key, turn.monitor.falls
    if turn.kind == "grown":
        return all(name != (key, falls) for name, _ in incident.told)
    return any(of.metric == key.metric and _overlap(segment, place) for (of, _), place in incident.told)


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
