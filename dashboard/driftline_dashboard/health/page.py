"""The first page: is it healthy, and if not, what, where and since when."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

import streamlit as st

from driftline_dashboard import data, states
from driftline_dashboard.drift import drift_data
from driftline_dashboard.health import alerts_banner, heat, verdict
from driftline_dashboard.health.open_alerts import open_alerts
from driftline_dashboard.store import alert_seconds
from driftline_dashboard.text import escape
from driftline_dashboard.topics import errors
from driftline_dashboard.widgets import answers, markers, segments, status, tiles

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from driftline_dashboard.health.open_alerts import Alert
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
    glance, alerts = data.glance(view, as_of), open_alerts(as_of)
    shown = [one for one in alerts if one.concerns(view)]
    st.html(
        _verdict(view, as_of, shown)
        + status.line(view, as_of, glance.past)
        + markers.listed(drift_data.events(view, as_of))
    )
    alerts_banner.show(view, shown, len(alerts) - len(shown))
    tiles.show(view, as_of, glance)
    heat.show(view, as_of)
    segments.show(view, as_of, COLUMNS, default="quality", beside=lambda: errors.by_class(view, as_of))
    answers.show(view, as_of)


def _verdict(view: View, as_of: datetime, alerts: Sequence[Alert]) -> str:
    """The sentence on top, and that nothing looks: what was found before stands all the same."""
    watch, pause = drift_data.watch(view.window, as_of), timedelta(seconds=alert_seconds())
    unwatched = verdict.unwatched(watch, as_of, pause) if view.until is None else ""
    # The class of a heading's colour would lose against that of the sentence.
    amber = f'<span class="dl-warn">{escape(unwatched)}.</span>' if unwatched else ""
    if alerts:
        said = f'<h2 class="dl-verdict dl-bad">{escape(verdict.unhealthy(alerts))}.</h2>'
        return said + (f'<div class="dl-status">{amber}</div>' if amber else "")
    if amber:
        return f'<h2 class="dl-verdict">{amber}</h2>'
    style = "dl-good" if watch.monitors else ""
    return f'<h2 class="dl-verdict {style}">{escape(verdict.healthy(watch, view))}.</h2>'
