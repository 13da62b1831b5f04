"""Drift detection as the alert worker does it, part by part in a made-up project, without a store."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from driftline_alerts.drift import refit
from driftline_alerts.drift.budget import split
from driftline_alerts.drift.fleet import Fleet
from driftline_alerts.drift.incidents import Incidents, concerned
from driftline_alerts.drift.lifecycle import accept, turns
from driftline_alerts.drift.monitor import DAY
from support.drift_world import DAY_HOURS, HOUR, START, time_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from driftline_alerts.drift.events import Event
    from driftline_alerts.drift.finding import Finding
    from driftline_alerts.drift.fleet import Name
    from support.drift_world import World

BUDGET: Final = 1.0
"""False pages that a project accepts in 30 days: the product's default."""
PART: Final = 3
"""Hours of a part: long, so that months take seconds, and with the middle of an hour in the middle."""


@dataclass
class Watch:
    """The state of drift detection.

    Attributes:
        world: what is watched.
        findings: all that people were told.
    """

    world: World
    fleet: Fleet = field(default_factory=Fleet)
    incidents: Incidents = field(default_factory=Incidents)
    findings: list[Finding] = field(default_factory=list)
    shares: dict[Name, float] = field(default_factory=dict)
    _split: float = 0.0

    def run(self, first: int, end: int, events: Sequence[Event] = ()) -> list[Finding]:
        """Go through some hours, with events that happen in them.

        Returns:
            What was found.
        """
        known = len(self.findings)
        for hour in range(first, end, PART):
            begin, until = time_of(hour), time_of(hour + PART)
            for event in (one for one in events if begin <= one.at < until):
                for monitor in self.fleet.monitors.values():
                    if event.concerns(monitor.key.segment):
                        monitor.expect_change(event.at.timestamp())
            self._step(hour)
        return self.findings[known:]

    def accept(self, incident: str) -> None:
        """As somebody does who takes an incident's level for the new normal."""
        for monitor in concerned(self.incidents.known.pop(incident), self.fleet):
            accept(monitor, self.world.look_back)

    def _step(self, hour: int) -> None:
        now = float(START + (hour + PART) * HOUR)
        touched = self.fleet.apply(self.world.parts(hour, hour + PART))
        self._share(now)
        for turn in turns(touched, self.shares, self.world.look_back):
            finding = self.incidents.take(turn, self.fleet, self.shares, self.world.look_back)
            if finding:
                self.findings.append(finding)
        self.incidents.forget(now)
        # As often as the worker looks for it.
        if hour % DAY_HOURS == 0:
            due = {key for (key, _), one in self.fleet.monitors.items() if refit.is_due(one, now)}
            if due:
                refit.refit(
                    self.fleet, self.world.past(hour + PART - int(refit.LONGEST) // HOUR, hour + PART, due), now
                )

    def _share(self, now: float) -> None:
        watching = sum(1 for one in self.fleet.monitors.values() if one.panel)
        if watching != len(self.shares) or now - self._split >= DAY:
            self.shares = split(self.fleet.monitors.values(), BUDGET)
            self._split = now
