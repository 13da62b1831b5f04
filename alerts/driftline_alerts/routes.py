"""Who is told of what, and when: the ``routes`` of alerts.yaml."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Final, Self
from zoneinfo import ZoneInfo, available_timezones

from pydantic import BeforeValidator, Field, model_validator

from driftline_alerts.digest import digest
from driftline_alerts.limit import Duration  # noqa: TC001  pydantic reads them
from driftline_alerts.rule import Severity
from driftline_alerts.rule_fields import Where, without_default
from driftline_processors.judge.fields import Strict, Texts
from driftline_processors.yaml_model import KeyedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from driftline_alerts.transition import Transition

_CLOCK: Final = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)-([01]?\d|2[0-3]):([0-5]\d)")


def _severities(raw: object) -> object:
    return [raw] if isinstance(raw, str) else raw


def _zone(raw: object) -> str:
    if not isinstance(raw, str) or raw not in available_timezones():
        raise ValueError(f"must be a time zone such as Europe/Berlin, not {raw!r}")
    return raw


def _hours(raw: object) -> str:
    if not isinstance(raw, str) or not _CLOCK.fullmatch(raw):
        raise ValueError(f"must be hours such as 22:00-07:00, not {raw!r}")
    return raw


Severities = Annotated[
    tuple[Severity, ...], BeforeValidator(_severities, json_schema_input_type=Severity | list[Severity])
]
Hours = Annotated[str, BeforeValidator(_hours, json_schema_input_type=str)]
Zone = Annotated[str, BeforeValidator(_zone, json_schema_input_type=str)]


class Escalation(Strict):
    """Who is told as well when nobody has acknowledged an incident."""

    after: Duration = Field(description="For so long something fires that nobody has acknowledged.")
    channels: Annotated[Texts, Field(min_length=1)] = Field(description="Names of channels that are told then as well.")


class Route(Strict):
    """Where what matches goes; the first route that matches decides."""

    channels: Texts = Field(description="Names of channels. None: nobody is told.")
    severity: Severities = Field(default=(), description="One or several. Without it, any.")
    team: Texts = Field(default=(), description="One or several, as rules name them. Without it, any.")
    where: Where = Field(default_factory=dict, description="Dimensions that must have exactly these values.")
    quiet: Hours | None = Field(
        default=None,
        description="Hours such as `22:00-07:00` in which only what is critical is told. The rest waits for their end; "
        "what began and ended in them is one message then.",
    )
    timezone: Zone = Field(default="UTC", description="That these hours are of, such as `Europe/Berlin`.")
    cooldown: Duration = Field(
        default=timedelta(minutes=10),
        description="Least time between two updates about one incident. Without it: `10m`.",
        json_schema_extra=without_default,
    )
    escalate: Escalation | None = Field(
        default=None, description="Who is told as well when nobody has acknowledged an incident for so long."
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.escalate and not set(self.escalate.channels) - set(self.channels):
            raise KeyedError("escalate", "adds nobody; name a channel that is not in 'channels'")
        return self

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


def meant(routes: Sequence[Route], channel: str) -> str:
    """What decides of which alerts a channel is told, as a digest; '' without routes, where it is told of all."""
    deciding = [
        [one.severity, one.team, sorted(one.where.items()), channel in one.channels, _adds(one, channel)]
        for one in routes
    ]
    return digest(deciding) if deciding else ""


def _adds(route: Route, channel: str) -> bool:
    return route.escalate is not None and channel in route.escalate.channels


def route_of(routes: Sequence[Route], step: Transition, channels: Sequence[str]) -> Route:
    """The first route that matches; all channels where none does, so that nothing is lost by a gap."""
    severity, team = step.detail.severity, step.detail.team
    found = (route for route in routes if route.matches(severity, team, step.segment))
    return next(found, Route(channels=tuple(channels)))
