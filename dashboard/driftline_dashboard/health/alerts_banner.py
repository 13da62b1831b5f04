"""The alerts that are open now, above everything else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

import streamlit as st

from driftline_alerts.rule import DRIFT
from driftline_alerts.system_metrics import title_of, written
from driftline_dashboard.text import DIMENSION_TITLES, day_and_time, escape, segment_name
from driftline_store.metrics import DIMENSIONS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from driftline_dashboard.health.open_alerts import Alert

MOST: Final = 5


def show(alerts: Sequence[Alert]) -> None:
    """Draw the banner; nothing where no alert is open."""
    if not alerts:
        return
    title = "1 open alert" if len(alerts) == 1 else f"{len(alerts):,} open alerts"
    more = f'<div class="dl-muted">and {len(alerts) - MOST:,} more</div>' if len(alerts) > MOST else ""
    rows = "".join(_row(alert) for alert in alerts[:MOST])
    st.html(f'<div class="dl-alerts" role="alert"><h2>{title}</h2>{rows}{more}</div>')


def _row(alert: Alert) -> str:
    segment = " · ".join(f"{_title(name)} {segment_name(value)}" for name, value in alert.segment.items())
    filters = {name: value for name, value in alert.segment.items() if name in DIMENSIONS}
    value, threshold = (written(alert.metric, number) for number in (alert.value, alert.threshold))
    title = title_of(alert.metric)
    name = f"Drift: {title}" if alert.rule.startswith(DRIFT) else alert.rule
    return (
        f'<div class="dl-alert" title="{escape(alert.detail.headline or alert.detail.description)}">'
        f"<b>{escape(name)}</b>"
        f"<span>{escape(segment or 'everything')}</span>"
        f"<span>{escape(title)} <b>{escape(value)}</b> against {escape(threshold)} (n = {alert.n:,})</span>"
        f'<span class="dl-muted">since {escape(day_and_time(alert.started))}</span>'
        f'<a href="?{escape(urlencode(filters))}" target="_self">Show</a></div>'
    )


def _title(dimension: str) -> str:
    return DIMENSION_TITLES.get(dimension, dimension).lower()
