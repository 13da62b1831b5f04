"""Incidents: those that are open, those of the window, and what people want done about them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import streamlit as st

from driftline_alerts.actions import Action, said, silences
from driftline_alerts.headline import leading
from driftline_alerts.postmortem import read
from driftline_alerts.transition import COLUMNS, OPEN, from_row
from driftline_dashboard.data import HALF_MINUTE
from driftline_dashboard.store import LIMITS, reading

if TYPE_CHECKING:
    from datetime import datetime

    from driftline_alerts.evaluate import Segment
    from driftline_alerts.postmortem.history import Attempt, Said
    from driftline_alerts.transition import Transition
    from driftline_dashboard.view import View, Window

_MOST_STEPS: Final = 3_000
_ASKED_FOR: Final = timedelta(days=7)
"""How long the alert worker still does what somebody asked for."""

_BEFORE: Final = "at <= {until:DateTime64(3, 'UTC')}"
OPEN_STEPS: Final = f"""\
SELECT last.1 AS id FROM (
    SELECT argMax((id, state), (at, id)) AS last FROM alert_transitions WHERE {_BEFORE} GROUP BY rule, mapSort(segment)
)
WHERE last.2 IN ({", ".join(f"'{state}'" for state in sorted(OPEN))})"""
"""Ids of the last steps before ``until`` of the alerts that are open then. No long column of the history is read: those
are for who asks for steps by their ids."""

# Before incidents were stored, each alert was one, from its begin to its end.
_NAME: Final = "firstNonDefault(incident, concat(rule, ' ', toString(started)))"
_STEPS: Final = f"""\
SELECT {", ".join(COLUMNS)} FROM alert_transitions
WHERE {_NAME} IN (
    SELECT {_NAME} FROM alert_transitions
    WHERE state NOT IN ('pending', 'calm') AND at >= {{since:DateTime64(3, 'UTC')}} AND {_BEFORE}
    UNION DISTINCT
    SELECT {_NAME} FROM alert_transitions WHERE id IN ({OPEN_STEPS})
) AND {_BEFORE}
ORDER BY at DESC, id LIMIT 1 BY id LIMIT {_MOST_STEPS}"""

_ACCEPTED: Final = """\
SELECT incident, argMax(by, at), max(at) FROM drift_actions
WHERE action = 'accept' AND incident IN {ids:Array(String)} GROUP BY incident"""


@dataclass(frozen=True)
class Incident:
    """What belongs together.

    Attributes:
        steps: of its alerts, oldest first.
        latest: the last step of each of its alerts.
    """

    id: str
    steps: tuple[Transition, ...]
    latest: tuple[Transition, ...]

    @property
    def open(self) -> tuple[Transition, ...]:
        """The alerts that are not over, as they are now."""
        return tuple(step for step in self.latest if step.state in OPEN)

    @property
    def lead(self) -> Transition:
        """The alert that stands for it."""
        return leading(self.latest)

    @property
    def began(self) -> datetime:
        """Since when something is wrong."""
        return min(step.started for step in self.steps)

    @property
    def ended(self) -> datetime:
        """When its last step was."""
        return max(step.at for step in self.steps)

    @property
    def seen(self) -> Transition | None:
        """The last step in which somebody took notice of it."""
        return next((step for step in reversed(self.steps) if step.state == "acknowledged"), None)

    @property
    def can_accept(self) -> bool:
        """Whether its level can be taken for the new normal."""
        return any(step.detail.can_accept for step in self.open)

    @property
    def rank(self) -> tuple[int, datetime]:
        """What is graver ranks higher, and what began later."""
        return self.lead.gravity, self.began

    def concerns(self, view: View) -> bool:
        """Whether it is about something that the filters let through: no alert of it contradicts them."""
        return any(may_lie_within(step.segment, view) for step in self.latest)


@dataclass(frozen=True)
class Wished:
    """What somebody wants done about an incident, and is not done yet, or holds.

    Attributes:
        kind: ``acknowledge``, ``silence`` or ``accept``.
        until: of a silence.
    """

    kind: str
    by: str
    at: datetime
    until: datetime | None = None


@dataclass(frozen=True)
class Board:
    """All incidents of a time and those that are open.

    Attributes:
        incidents: those that began last, first.
        wished: by incident.
        is_cut: whether there are more steps than were read.
    """

    incidents: tuple[Incident, ...]
    wished: dict[str, tuple[Wished, ...]]
    is_cut: bool


@st.cache_data(ttl=60, max_entries=20, show_spinner=False)
def board(window: Window, as_of: datetime) -> Board:
    """What is open at a moment, and what had a step in the window before.

    Raises:
        StoreError: the store cannot be reached or fails.
    """
    parameters = {"since": as_of - window.length, "until": as_of + HALF_MINUTE}
    with reading("the incidents") as client:
        rows = client.query(_STEPS, parameters=parameters, settings=LIMITS).result_rows
        found = _incidents([from_row(row) for row in reversed(rows)])
        ids = [one.id for one in found if one.open]
        asked = said(client, as_of - _ASKED_FOR) if ids else []
        holding = silences(client, as_of) if ids else []
        accepted = client.query(_ACCEPTED, parameters={"ids": ids}, settings=LIMITS).result_rows if ids else []
    wished = {one.id: _wished(one, asked, holding) for one in found if one.open}
    for incident, by, at in accepted:
        wished[incident] += (Wished("accept", by, at),)
    return Board(tuple(sorted(found, key=lambda one: one.began, reverse=True)), wished, len(rows) == _MOST_STEPS)


@st.cache_data(ttl=30, max_entries=20, show_spinner=False)
def told(incident: Incident, as_of: datetime) -> tuple[tuple[Attempt, ...], tuple[Said, ...]]:
    """Who was told of an incident, and what people asked for.

    Raises:
        StoreError: the store cannot be reached or fails.
    """
    until = as_of if incident.open else incident.ended
    with reading("the history of an incident") as client:
        attempts = read.attempts(client, incident.id, incident.steps)
        return attempts, read.said(client, incident.id, incident.steps, incident.began, until)


def may_lie_within(segment: Segment, view: View) -> bool:
    """Whether the filters let through what is about a segment, or a part of it: no value of it contradicts them."""
    values = dict(segment)
    return all(values.get(name, value) == value for name, value in view.filters)


def forget() -> None:
    """Read anew, as somebody has asked for something."""
    board.clear()
    told.clear()


def _incidents(steps: list[Transition]) -> list[Incident]:
    by_id: dict[str, list[Transition]] = {}
    for step in steps:
        by_id.setdefault(step.incident, []).append(step)
    return [Incident(name, tuple(of), tuple({step.key: step for step in of}.values())) for name, of in by_id.items()]


def _wished(incident: Incident, asked: list[Action], holding: list[Action]) -> tuple[Wished, ...]:
    """An acknowledgement that no step has answered yet, and silences that hold for all that is open."""
    waits = [
        Wished(one.kind, one.by, one.at)
        for one in asked
        if one.kind == "acknowledge" and any(_is_unanswered(one, step) for step in incident.open)
    ]
    by_alert = [next((one for one in holding if one.concerns(*_names(step))), None) for step in incident.open]
    silent = [one for one in by_alert if one is not None]
    if len(silent) == len(incident.open):
        first = min(silent, key=lambda one: one.until)
        waits.append(Wished("silence", first.by, first.at, first.until))
    return tuple(waits)


def _is_unanswered(action: Action, step: Transition) -> bool:
    return step.state != "acknowledged" and step.at <= action.at and action.concerns(*_names(step))


def _names(step: Transition) -> tuple[str, str, tuple[tuple[str, str], ...]]:
    return step.incident, step.rule, step.segment
