"""The page of alerts: what is open and what to do about it, what was, and the rules in force."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

import streamlit as st

from driftline_dashboard import data
from driftline_dashboard.alerts import asking, incident, incidents_data, preview, rules
from driftline_dashboard.places import HEALTH, TRACES, identity, link
from driftline_dashboard.view import WINDOWS, View, from_url

if TYPE_CHECKING:
    from datetime import datetime

    from streamlit.delta_generator import DeltaGenerator

    from driftline_dashboard.alerts.incidents_data import Board, Incident

INCIDENT: Final = "incident"
"""Query parameter with the id of the incident whose history is shown."""
_MOST_OPEN: Final = 20
_MOST_OVER: Final = 50
_EXAMPLES: Final = 3
_AFTER: Final = timedelta(minutes=10)
"""How long after its end an incident is looked at."""
_SHARE: Final = 0.9
"""Of a window, from an incident's begin on: something from before has to be seen as well."""


def show(view: View) -> None:
    """Draw the page below the controls.

    Raises:
        StoreError: the store cannot be reached or fails.
    """
    as_of = data.as_of(view)
    board = incidents_data.board(view.window, as_of)
    shown = [one for one in board.incidents if one.concerns(view)]
    hidden = len(board.incidents) - len(shown)
    _open(view, board, sorted((one for one in shown if one.open), key=lambda one: one.rank, reverse=True), as_of)
    _over(view, [one for one in shown if not one.open], as_of)
    if hidden:
        st.html(f'<p class="dl-muted">{hidden:,} more are about something that the filters leave out.</p>')
    if board.is_cut:
        st.html('<p class="dl-muted">There are more steps in this window than are read; choose a shorter one.</p>')
    rules.show()
    if view.until is None:
        preview.show()


def _open(view: View, board: Board, found: list[Incident], as_of: datetime) -> None:
    title = "No open incident" if not found else f"Open incidents: {len(found):,}"
    st.html(f'<div class="dl-h">{title}</div>')
    for one in found[:_MOST_OPEN]:
        card(view, board, one, as_of)
    if len(found) > _MOST_OPEN:
        st.html(f'<p class="dl-muted">and {len(found) - _MOST_OPEN:,} more; choose filters to see them.</p>')


def card(view: View, board: Board, one: Incident, as_of: datetime) -> None:
    """Draw an open incident with what can be done about it.

    Raises:
        StoreError: the store cannot be reached or fails.
    """
    with st.container(key=f"incident-{one.id}", border=True, gap="small"):
        st.html(incident.card(one))
        _links(st.container(key=f"links-{one.id}", horizontal=True, gap="small"), view, one, as_of)
        if view.until is None:  # who looks at a moment that is over cannot do anything about it
            asking.show(one, board.wished.get(one.id, ()))
        _history(st.container(), one, as_of)


def past(view: View, one: Incident, as_of: datetime) -> None:
    """Draw an incident that is over, on a line; errors as of ``card``."""
    with st.container(key=f"incident-{one.id}", gap=None):
        st.html(incident.line(one))
        row = st.container(key=f"links-{one.id}", horizontal=True, vertical_alignment="center", gap="medium")
        _history(row, one, as_of)
        _links(row, view, one, as_of)


def _links(row: DeltaGenerator, view: View, one: Incident, as_of: datetime) -> None:
    link(row, HEALTH, "Show on Health", at_its_time(view, one, as_of))
    for number, (trace, span, _) in enumerate(one.lead.detail.examples[:_EXAMPLES], 1):
        link(row, TRACES, f"Example {number}", view, trace=trace, span=span)


def at_its_time(view: View, one: Incident, as_of: datetime) -> View:
    """Where it is, as of its end, or as of the moment while it is open; in the shortest window with its begin.

    Args:
        view: window and moment are not kept, filters are.
        one: the incident.
        as_of: the moment of the view.
    """
    filters = from_url(view.to_url() | from_url(dict(one.lead.segment)).where).filters
    end = as_of if one.open else min(one.ended + _AFTER, as_of)
    room = [window for window in WINDOWS.values() if end - one.began <= window.length * _SHARE]
    if not room:  # not even the longest one holds both
        longest = max(WINDOWS.values(), key=lambda window: window.length)
        return View(longest, filters, data.minute(one.began + longest.length / 2))
    return View(room[0], filters, view.until if end == as_of else data.minute(end))


def _over(view: View, found: list[Incident], as_of: datetime) -> None:
    st.html(f'<div class="dl-h">History<small>incidents that are over, last {view.window.label}</small></div>')
    if not found:
        st.html('<p class="dl-muted">None in this window.</p>')
    for one in found[:_MOST_OVER]:
        past(view, one, as_of)
    if len(found) > _MOST_OVER:
        st.html(f'<p class="dl-muted">and {len(found) - _MOST_OVER:,} more; choose a shorter window.</p>')


def _history(where: DeltaGenerator, one: Incident, as_of: datetime) -> None:
    """The button stands where it is told to, what it unfolds below all that is drawn already."""
    is_shown = identity(st.query_params, INCIDENT) == one.id
    where.button(
        "Hide what happened" if is_shown else "What happened",
        key=f"history-{one.id}",
        type="tertiary",
        icon=":material/expand_more:" if is_shown else ":material/chevron_right:",
        on_click=_toggle,
        args=(one.id,),
    )
    if is_shown:
        attempts, said = incidents_data.told(one, as_of)
        st.html(incident.timeline(one, attempts, said))


def _toggle(name: str) -> None:
    if identity(st.query_params, INCIDENT) == name:
        st.query_params.pop(INCIDENT, None)
    else:
        st.query_params[INCIDENT] = name
