"""What is still to be told, by incident and channel: made of the stored steps and attempts, so that nothing is lost.

What belongs together goes out as one message. What is held back, by quiet hours, a silence or a cooldown, stays here.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from driftline_alerts.digest import digest
from driftline_alerts.routes import Route, route_of
from driftline_alerts.transition import COLUMNS, Transition, from_row
from driftline_store.client import store_errors

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from clickhouse_connect.driver.client import Client

    from driftline_alerts.actions import Action
    from driftline_alerts.message import Phase
    from driftline_alerts.transition import Key

KEEP: Final = timedelta(hours=24)
"""How old a step of an incident that is over may be and still be told to people who were told nothing of it yet."""
_PAUSE: Final = timedelta(seconds=15)
"""After an attempt that may have succeeded; twice as long after each further one, so that people get few repeats."""
_LONGEST_PAUSE: Final = timedelta(hours=1)
_LONGEST_URGENT_PAUSE: Final = timedelta(minutes=1)
"""Where something critical waits: rather a repeat than silence."""
_HARMLESS_PAUSE: Final = timedelta(seconds=5)
"""Where nobody sees a repeat."""
_EVER: Final = datetime.min.replace(tzinfo=UTC)
UNSURE: Final = "unsure: "
REFUSED: Final = "refused: "

# Incidents whose beginning the channel was told, and not their end.
_OWED: Final = f"""\
SELECT incident FROM alert_transitions WHERE is_news AND state = 'resolved' AND incident != ''
    AND id NOT IN (
        SELECT transition_id FROM alert_deliveries
        WHERE channel = {{channel:String}} AND (delivered OR startsWith(error, '{REFUSED}'))
    )
    AND incident IN (SELECT incident FROM alert_transitions WHERE id IN (
        SELECT transition_id FROM alert_deliveries WHERE channel = {{channel:String}} AND delivered
    ))"""

# Rows of before incidents were stored are told by what is younger.
_WANTED: Final = f"""\
is_news AND (incident != '' OR at > toDateTime64({{since:Float64}}, 3, 'UTC')) AND (incident IN (
    SELECT incident FROM (
        SELECT incident, argMax(state, at) AS last, max(at) AS lately FROM alert_transitions WHERE is_news
        GROUP BY incident, rule, segment
    ) WHERE last != 'resolved' OR lately > toDateTime64({{since:Float64}}, 3, 'UTC')
) OR incident IN ({_OWED}))"""
_STEPS: Final = f"SELECT {', '.join(COLUMNS)} FROM alert_transitions WHERE {_WANTED} ORDER BY at, id LIMIT 1 BY id"

# A begun attempt has neither a result nor an error.
_ATTEMPTS: Final = f"""\
SELECT transition_id, channel, max(delivered), countIf(NOT delivered AND error = '')
        > countIf(NOT delivered AND error != '') OR countIf(startsWith(error, '{UNSURE}')) > 0,
    max(startsWith(error, '{REFUSED}')), argMax(message, at), argMaxIf(reference, at, delivered), max(at),
    countIf(startsWith(error, '{UNSURE}'))
FROM alert_deliveries WHERE transition_id IN (SELECT id FROM alert_transitions WHERE {_WANTED})
GROUP BY transition_id, channel"""


@dataclass(frozen=True)
class Attempts:
    """What came of telling a step in a channel.

    Attributes:
        is_delivered: whether it was told.
        is_unsure: whether an attempt may have succeeded whose end nobody knows.
        is_refused: whether it cannot be told.
        message: id of the message that it was last part of.
        reference: what the channel calls that message.
        at: when the last of them was.
        broken: how many may have succeeded, although we were told that they failed.
    """

    is_delivered: bool
    is_unsure: bool
    is_refused: bool
    message: str
    reference: str
    at: datetime
    broken: int = 0

    @property
    def is_pending(self) -> bool:
        """Whether it is still to be told."""
        return not self.is_delivered and not self.is_refused


@dataclass(frozen=True)
class Parcel:
    """Steps of one incident that a channel tells in one message.

    Attributes:
        id: of the message.
        steps: oldest first.
        thread: what the incident's first message in the channel is called; '' for that one itself.
        is_repeat: whether it may have been told before.
        is_escalated: whether it goes there as nobody has acknowledged the incident.
        is_graver: whether it is of a higher severity than all that the channel was told before.
    """

    id: str
    phase: Phase
    steps: tuple[Transition, ...]
    thread: str
    is_repeat: bool = False
    is_escalated: bool = False
    is_graver: bool = False


@dataclass
class Incident:
    """All that was news of one incident, and what was told of it.

    Attributes:
        steps: oldest first.
        attempts: by step and channel.
    """

    id: str
    steps: list[Transition] = field(default_factory=list)
    attempts: dict[tuple[str, str], Attempts] = field(default_factory=dict)

    @property
    def now(self) -> list[Transition]:
        """The latest step of each of its alerts that is not over; of all, once all are."""
        latest = list({step.key: step for step in self.steps}.values())
        return [step for step in latest if step.state != "resolved"] or latest

    @property
    def is_over(self) -> bool:
        """Whether all its alerts are resolved."""
        return all(step.state == "resolved" for step in self.now)

    @property
    def is_urgent(self) -> bool:
        """Whether it is critical now."""
        return any(step.detail.severity == "critical" for step in self.now)

    @property
    def unseen(self) -> datetime | None:
        """Since when something fires that nobody has acknowledged, however it grew; None where nothing does."""
        began: dict[Key, datetime] = {}
        for step in self.steps:
            if step.state == "firing":
                began.setdefault(step.key, step.at)
            else:
                began.pop(step.key, None)
        return min(began.values(), default=None)

    def told(self, channel: str) -> list[Attempts]:
        """What a channel was told, oldest first."""
        found = (self.attempts.get((step.id, channel)) for step in self.steps)
        return sorted((one for one in found if one and one.is_delivered), key=lambda one: one.at)

    def untold(self, channel: str, now: datetime, since: datetime) -> list[Transition]:
        """What it was not.

        Who was told the beginning is told the end, however late. Else what is over is told if it is not old, and
        began since the channel is told of such things, or was tried.
        """
        found = ((step, self.attempts.get((step.id, channel))) for step in self.steps)
        untold = [step for step, tried in found if tried is None or tried.is_pending]
        if not self.is_over or self.told(channel):
            return untold
        is_meant = self.steps[0].at > since or any(to == channel for _, to in self.attempts)
        return [step for step in untold if is_meant and step.at > now - KEEP]


def read(client: Client, now: datetime, channel: str) -> list[Incident]:
    """What a channel may have to be told of, those that began first, first.

    That is all incidents that are open, that had news in the last ``KEEP``, or whose end it is not told yet.

    Raises:
        StoreError: the store is away or fails a statement.
    """
    with store_errors("reading undelivered alerts"):
        parameters = {"since": (now - KEEP).timestamp(), "channel": channel}
        steps = [from_row(row) for row in client.query(_STEPS, parameters=parameters).result_rows]
        tried = client.query(_ATTEMPTS, parameters=parameters).result_rows if steps else []
    found: dict[str, Incident] = {}
    for step in steps:
        found.setdefault(step.incident, Incident(step.incident)).steps.append(step)
    incident_of = {step.id: step.incident for step in steps}
    for step_id, to, *rest in tried:
        if step_id in incident_of:  # else it is younger than what was read first
            found[incident_of[step_id]].attempts[step_id, to] = Attempts(*rest)
    return list(found.values())


@dataclass(frozen=True)
class Plan:
    """Who is told of what, at a moment.

    Attributes:
        since: when the channel became one, by these routes; what began and was over before is not told there.
        is_repeat_harmless: whether the channel's people get nothing twice.
    """

    routes: Sequence[Route]
    channels: Sequence[str]
    silences: Sequence[Action]
    now: datetime
    since: datetime = _EVER
    is_repeat_harmless: bool = False

    def parcels(self, incident: Incident, channel: str) -> list[Parcel]:
        """What a channel is to be told of an incident now, in this order."""
        untold = incident.untold(channel, self.now, self.since)
        if not untold:
            return []
        told = incident.told(channel)
        # Alerts of an incident can be those of several teams.
        routes = [route_of(self.routes, step, self.channels) for step in incident.steps]
        route = next((one for one in routes if channel in one.channels), None)
        further = None if route else next((one for one in routes if self._is_escalated(incident, one, channel)), None)
        chosen = route or further or (routes[0] if told else None)
        if chosen is None or self._is_held(incident, chosen, is_known=bool(told)):
            return []
        begun = [step for step in untold if _is_unsure(incident, step, channel)]
        if begun:
            # What was begun comes first, alone: what else is to be told may depend on how it ended.
            return self._again(incident, begun, channel, told)
        thread = told[-1].reference if told else ""
        if incident.is_over:
            return [_parcel("resolved", untold, thread)]
        if not told:
            return [_parcel("opened", untold, "", is_escalated=further is not None)]
        is_time = told[-1].at + chosen.cooldown <= self.now or _is_worse(incident, untold, channel)
        return [_weighed(incident, parcel, channel) for parcel in _updates(untold, thread, is_time=is_time)]

    def is_silenced(self, incident: Incident) -> bool:
        """Whether somebody wants to hear nothing of it."""
        return all(
            any(one.concerns(incident.id, step.rule, step.segment) for one in self.silences) for step in incident.now
        )

    def _is_held(self, incident: Incident, route: Route, *, is_known: bool) -> bool:
        """Whether it waits; no silence keeps the end from who knows of the beginning."""
        is_silenced = self.is_silenced(incident) and not (is_known and incident.is_over)
        return is_silenced or (route.is_quiet(self.now) and not incident.is_urgent)

    def _again(
        self, incident: Incident, begun: Iterable[Transition], channel: str, told: Sequence[Attempts]
    ) -> list[Parcel]:
        """Messages whose end nobody knows, made of the same steps again."""
        by_message: Mapping[str, list[Transition]] = defaultdict(list)
        for step in begun:
            tried = incident.attempts[step.id, channel]
            if not tried.broken or self.now - tried.at >= self._pause(incident, tried.broken):
                by_message[tried.message or step.id].append(step)
        thread = told[-1].reference if told else ""
        again = (
            Parcel(name, _phase(incident, steps, told), tuple(steps), thread, is_repeat=True)
            for name, steps in by_message.items()
        )
        return [_weighed(incident, parcel, channel) for parcel in again]

    def _pause(self, incident: Incident, broken: int) -> timedelta:
        """After so many attempts that may have succeeded: longer each time, where people would get repeats."""
        if self.is_repeat_harmless:
            return _HARMLESS_PAUSE
        longest = _LONGEST_URGENT_PAUSE if incident.is_urgent else _LONGEST_PAUSE
        return min(_PAUSE * 2.0 ** (broken - 1), longest)

    def _is_escalated(self, incident: Incident, route: Route, channel: str) -> bool:
        later = route.escalate
        if later is None or channel not in later.channels or channel in route.channels:
            return False
        return incident.unseen is not None and self.now - incident.unseen >= later.after


def _updates(untold: Sequence[Transition], thread: str, *, is_time: bool) -> Iterable[Parcel]:
    """People's own steps are told at once, ours once it is time."""
    seen = [step for step in untold if step.state == "acknowledged"]
    rest = [step for step in untold if step.state != "acknowledged"]
    if seen:
        yield _parcel("acknowledged", seen, thread)
    if rest and is_time:
        yield _parcel("update", rest, thread)


def _is_worse(incident: Incident, untold: Iterable[Transition], channel: str) -> bool:
    """Whether what is to be told is of a higher severity than all that was."""
    new = {step.id for step in untold}
    before = (step for step in incident.steps if step.id not in new and (step.id, channel) in incident.attempts)
    return max(step.gravity for step in untold) > max((step.gravity for step in before), default=0)


def _weighed(incident: Incident, parcel: Parcel, channel: str) -> Parcel:
    """The same, where it is an update, with whether it is graver than what was told; also when it is tried again."""
    is_graver = parcel.phase == "update" and _is_worse(incident, parcel.steps, channel)
    return replace(parcel, is_graver=is_graver)


def _parcel(phase: Phase, steps: Sequence[Transition], thread: str, *, is_escalated: bool = False) -> Parcel:
    """A new message, whose id says what is in it."""
    name = digest(phase, [step.id for step in steps])
    return Parcel(name, phase, tuple(steps), thread, is_escalated=is_escalated)


def _is_unsure(incident: Incident, step: Transition, channel: str) -> bool:
    tried = incident.attempts.get((step.id, channel))
    return tried is not None and tried.is_unsure


def _phase(incident: Incident, steps: Sequence[Transition], told: Sequence[Attempts]) -> Phase:
    states = {step.state for step in steps}
    if states == {"acknowledged"}:
        return "acknowledged"
    if incident.is_over and steps[-1].state == "resolved":
        return "resolved"
    return "update" if told else "opened"
