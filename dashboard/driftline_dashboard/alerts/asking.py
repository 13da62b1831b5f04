"""Buttons for what people want done about an incident: each says first what will happen, and is then done once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

import streamlit as st

from driftline_alerts import actions
from driftline_alerts.drift import reading as drift
from driftline_dashboard.access import acting, may_act, who
from driftline_dashboard.alerts import incidents_data
from driftline_dashboard.store import alert_seconds
from driftline_dashboard.text import clock, day_and_time, escape

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from clickhouse_connect.driver.client import Client

    from driftline_dashboard.alerts.incidents_data import Incident, Wished

SILENT: Final = timedelta(hours=1)
_CHOSEN: Final = "chosen_wish"


@dataclass(frozen=True)
class _Wish:
    """What can be asked for.

    Attributes:
        label: of the button.
        confirm: of the button that does it.
        says: what will happen; may name ``{by}`` and ``{until}``.
        done: what stands there until it has happened, or while it holds.
        ask: does it, for an incident and by somebody.
    """

    label: str
    confirm: str
    says: str
    done: str
    ask: Callable[[Client, str, str], None]


def _acknowledge(client: Client, incident: str, by: str) -> None:
    actions.ask(client, actions.Action("acknowledge", by, incident=incident))


def _silence(client: Client, incident: str, by: str) -> None:
    actions.ask(client, actions.Action("silence", by, incident=incident, until=datetime.now(UTC) + SILENT))


def _accept(client: Client, incident: str, by: str) -> None:
    drift.ask(client, drift.Action("accept", incident), by)


_WISHES: Final = {
    "acknowledge": _Wish(
        "Acknowledge",
        "Yes, acknowledge",
        "Whoever was told of this incident is told that {by} looks after it, and it is not escalated any more.",
        "{by} acknowledged it at {at}",
        _acknowledge,
    ),
    "silence": _Wish(
        "Silence for 1 h",
        "Yes, silence",
        "Nobody is told anything about this incident until {until}; it is watched and shown as ever, and what still "
        "fires then is told then.",
        "{by} silenced it until {until}",
        _silence,
    ),
    "accept": _Wish(
        "Accept as new normal",
        "Yes, accept",
        "Drift detection takes the level of now for normal: the incident is over, and later changes are measured "
        "against this level.",
        "{by} accepted it as the new normal at {at}",
        _accept,
    ),
}


def show(incident: Incident, wished: Sequence[Wished]) -> None:
    """Draw what was asked for, and for who may act the buttons for the rest.

    Raises:
        NotAllowedError: somebody asked for something who may not any more.
        StoreError: somebody asked for something, and the store cannot be reached or fails.
    """
    asked = {one.kind: one for one in wished}
    for one in asked.values():
        st.html(f'<p class="dl-asked">{escape(_done(one))}</p>')
    if not may_act():
        return
    offered = [kind for kind in _WISHES if kind not in asked and _is_meant(kind, incident)]
    chosen = st.session_state.get(_CHOSEN)
    with st.container(key=f"wishes-{incident.id}", gap="small"):
        if chosen in [(incident.id, kind) for kind in offered]:
            _confirm(incident, chosen[1])
        elif offered:
            row = st.container(horizontal=True, gap="small")
            for kind in offered:
                row.button(
                    _WISHES[kind].label, key=f"{kind}-{incident.id}", on_click=partial(_choose, incident.id, kind)
                )


def _is_meant(kind: str, incident: Incident) -> bool:
    if kind == "accept":
        return incident.can_accept
    return kind != "acknowledge" or any(step.state != "acknowledged" for step in incident.open)


def _choose(incident: str, kind: str) -> None:
    st.session_state[_CHOSEN] = (incident, kind)


def _leave() -> None:
    st.session_state.pop(_CHOSEN, None)


def _confirm(incident: Incident, kind: str) -> None:
    """The sentence stands where the button was: a second press of a double click hits nothing."""
    wish = _WISHES[kind]
    says = wish.says.format(by=who(), until=day_and_time(datetime.now(UTC) + SILENT))
    when = f"The alert worker does it in its next round, within {alert_seconds():g} s while it runs."
    st.html(f'<p class="dl-confirm">{escape(says)} {when}</p>')
    row = st.container(horizontal=True, gap="small")
    if row.button(wish.confirm, key=f"yes-{kind}-{incident.id}", type="primary"):
        _leave()  # before it is done, so that it is done once
        with acting("what somebody asked for") as (client, by):
            wish.ask(client, incident.id, by)
        incidents_data.forget()
        st.rerun()
    row.button("Cancel", key=f"no-{kind}-{incident.id}", on_click=_leave)


def _done(one: Wished) -> str:
    until = "" if one.until is None else day_and_time(one.until)
    said = _WISHES[one.kind].done.format(by=one.by, at=clock(one.at), until=until)
    return said if one.until else f"{said}; this waits for the alert worker's next round"
