"""The page: controls, and below them everything that refreshes by itself. Run by ``streamlit run``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from driftline.errors import DriftlineError
from driftline_dashboard import alerts_banner, answers, controls, data, segments, states, theme, tiles
from driftline_dashboard.text import clock, day_and_time, escape, visitor_zone
from driftline_dashboard.view import from_url

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from driftline_dashboard.view import View

Known = "Mapping[str, tuple[str, ...]]"


def page() -> None:
    """Draw the whole page."""
    st.set_page_config(page_title="Driftline", layout="wide", initial_sidebar_state="collapsed")
    st.html(theme.style())
    view = from_url(st.query_params)
    try:
        known = data.segments(view, data.moment())
    except DriftlineError:
        known = {}  # the part below says why
    controls.show(view, known)
    live(view, known)


@st.fragment(run_every=data.REFRESH_SECONDS)
def live(view: View, known: Mapping[str, tuple[str, ...]]) -> None:
    """Draw what changes with time; runs again every few seconds without the rest of the page."""
    as_of = data.moment()
    try:
        if data.segments(view, as_of) != known:
            st.rerun()  # the filters have to learn new values
        _health(view, as_of)
    except DriftlineError as error:
        states.store_down(error)


def _health(view: View, as_of: datetime) -> None:
    if data.is_empty():
        states.nothing_recorded()
        return
    glance = data.glance(view, as_of)
    _status(view, as_of)
    alerts_banner.show(data.open_alerts(as_of))
    tiles.show(view, as_of, glance)
    segments.show(view, as_of, glance)
    answers.show(view, as_of)


def _status(view: View, as_of: datetime) -> None:
    span = data.period(view, as_of)
    zone = escape(str(visitor_zone()))
    st.html(
        f'<div class="dl-status"><span>as of <b>{clock(as_of)}</b></span>'
        f"<span>{day_and_time(span.since)} to {day_and_time(span.until)} ({zone})</span>"
        f"<span>refreshes every {data.REFRESH_SECONDS} s</span></div>"
    )


page()
