"""Who is told of what, and when: the ``routes`` of alerts.yaml."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Final
from zoneinfo import ZoneInfo, available_timezones

from pydantic import BeforeValidator, Field

from driftline_alerts.limit import Duration  # noqa: TC001  pydantic reads them
from driftline_alerts.rule import Severity  # noqa: TC001
from driftline_processors.judge.fields import Strict
from driftline_store.metrics import check_dimension

if TYPE_CHECKING:
    from collections.abc import Sequence

    from driftline_alerts.transition import Transition

_CLOCK: Final = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)-([01]?\d|2[0-3]):([0-5]\d)")


def _several(raw: object) -> object:
    return [raw] if isinstance(raw, str) else raw


def _zone(raw: object) -> str:
    if raw not in available_timezones():
        raise ValueError(f"must be a time zone such as Europe/Berlin, not {raw!r}")
    return str(raw)


def _where(raw: object) -> object:
    for name in raw if isinstance(raw, dict) else ():
        check_dimension(str(name))
    return raw


def _hours(raw: object) -> object:
    if not isinstance(raw, str) or not _CLOCK.fullmatch(raw):
        raise ValueError(f"must be hours such as 22:00-07:00, not {raw!r}")
    return raw


Names = Annotated[tuple[str, ...], BeforeValidator(_several), Field(min_length=1)]


class Escalation(Strict):
    """Who is told as well when nobody has acknowledged an incident.

    Attributes:
        after: time since it was opened.
        channels: their names.
    """

    after: Duration
    channels: Names


class Route(Strict):
    """Where what matches goes; the first route that matches decides.

    Attributes:
        channels: names of channels; none: nobody is told.
        severity: one of these; empty: any.
        team: of the rule; empty: any.
        where: dimensions that must have exactly these values.
        quiet: hours in which only what is critical is told; the rest waits for their end.
        timezone: that these hours are of.
        cooldown: least time between two updates about one incident.
        escalate: who is told as well when nobody acknowledged.
    """

    channels: Annotated[tuple[str, ...], BeforeValidator(_several)]
    severity: Annotated[tuple[Severity, ...], BeforeValidator(_several)] = ()
    team: Annotated[tuple[str, ...], BeforeValidator(_several)] = ()
    where: Annotated[dict[str, str], BeforeValidator(_where)] = Field(default_factory=dict)
    quiet: Annotated[str, BeforeValidator(_hours)] | None = None
    timezone: Annotated[str, BeforeValidator(_zone)] = "UTC"
    cooldown: Duration = timedelta(minutes=10)
    escalate: Escalation | None = None

    def matches(self, severity: str, team: str, segment: Sequence[tuple[str, str]]) -> bool:
        """Whether it is for such an alert."""
        values: dict[str, Any] = dict(segment)
        return (
            (not self.severity or severity in self.severity)
            and (not self.team or team in self.team)
            and all(values.get(name) == value for name, value in self.where.items())
        )

    def is_quiet(self, now: datetime) -> bool:
        """Whether a moment lies in the quiet hours."""
        match = _CLOCK.fullmatch(self.quiet or "")
        if not match:
            return False
        first, end = time(int(match[1]), int(match[2])), time(int(match[3]), int(match[4]))
        at = now.astimezone(ZoneInfo(self.timezone) if self.timezone != "UTC" else UTC).time()
        return first <= at < end if first <= end else at >= first or at < end


def route_of(routes: Sequence[Route], step: Transition, channels: Sequence[str]) -> Route:
    """The first route that matches; all channels where none does, so that nothing is lost by a gap."""
    severity, team = step.detail.severity, step.detail.team
    found = (route for route in routes if route.matches(severity, team, step.segment))
    return next(found, Route(channels=tuple(channels)))
