"""The first page: is it healthy, and if not, what, where and since when."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from driftline_dashboard import (
    alerts_banner,
    answers,
    data,
    drift_data,
    heat,
    markers,
    segments,
    states,
    tiles,
    verdict,
)
from driftline_dashboard.text import clock, day_and_time, escape, visitor_zone

if TYPE_CHECKING:
    from datetime import datetime

    from driftline_dashboard.view import View


def show(view: View) -> None:
    """Draw the page below the controls.

    Raises:
        StoreError: the store cannot be reached or fails.
    """
    if data.is_empty():
        states.nothing_recorded()
        return
    as_of = data.moment()
    glance = data.glance(view, as_of)
    _status(view, as_of)
    alerts_banner.show(data.open_alerts(as_of))
    tiles.show(view, as_of, glance)
    heat.show(view, as_of)
    segments.show(view, as_of, glance)
    answers.show(view, as_of)


def _status(view: View, as_of: datetime) -> None:
    span = data.period(view, as_of)
    zone = escape(str(visitor_zone()))
    st.html(
        f'{_verdict(view, as_of)}<div class="dl-status"><span>as of <b>{clock(as_of)}</b></span>'
        f"<span>{day_and_time(span.since)} to {day_and_time(span.until)} ({zone})</span>"
        f"<span>refreshes every {data.REFRESH_SECONDS} s</span></div>{markers.listed(drift_data.events(view, as_of))}"
    )


def _verdict(view: View, as_of: datetime) -> str:
    """The sentence on top."""
    alerts = data.open_alerts(as_of)
    if not alerts:
        said = verdict.healthy(drift_data.watch(view.window, as_of), view, as_of)
        return f'<h2 class="dl-verdict dl-good">{escape(said)}.</h2>'
    said = verdict.unhealthy(alerts)
    return f'<h2 class="dl-verdict dl-bad">{escape(said)}.</h2>'
