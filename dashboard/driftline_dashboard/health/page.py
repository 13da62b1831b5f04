"""The first page: is it healthy, and if not, what, where and since when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import streamlit as st

from driftline_dashboard import data, states
from driftline_dashboard.drift import drift_data
from driftline_dashboard.health import alerts_banner, heat, verdict
from driftline_dashboard.health.open_alerts import open_alerts
from driftline_dashboard.text import escape
from driftline_dashboard.topics import errors
from driftline_dashboard.widgets import answers, markers, segments, status, tiles

if TYPE_CHECKING:
    from datetime import datetime

    from driftline_dashboard.view import View

COLUMNS: Final = ("error_rate", "latency_p95", "cost_per_request", "satisfaction", "fallback_rate", "quality")


def show(view: View) -> None:
    """Draw the page below the controls.

    Raises:
        StoreError: the store cannot be reached or fails.
    """
    as_of = data.as_of(view)
    if data.known(view, as_of).began is None:
        states.nothing_recorded()
        return
    glance = data.glance(view, as_of)
    st.html(
        _verdict(view, as_of) + status.line(view, as_of, glance.past) + markers.listed(drift_data.events(view, as_of))
    )
    alerts_banner.show(open_alerts(as_of))
    tiles.show(view, as_of, glance)
    heat.show(view, as_of)
    segments.show(view, as_of, COLUMNS, default="quality", beside=lambda: errors.by_class(view, as_of))
    answers.show(view, as_of)


def _verdict(view: View, as_of: datetime) -> str:
    """The sentence on top."""
    alerts = open_alerts(as_of)
    if not alerts:
        said = verdict.healthy(drift_data.watch(view.window, as_of), view, as_of)
        return f'<h2 class="dl-verdict dl-good">{escape(said)}.</h2>'
    said = verdict.unhealthy(alerts)
    return f'<h2 class="dl-verdict dl-bad">{escape(said)}.</h2>'
