"""The alerts that are open now, above everything else."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

import streamlit as st

from driftline_alerts.system_metrics import title_of, written
from driftline_dashboard.alerts.page import INCIDENT
from driftline_dashboard.places import ALERTS
from driftline_dashboard.text import DIMENSION_TITLES, day_and_time, escape
from driftline_dashboard.view import from_url

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from driftline_dashboard.health.open_alerts import Alert
    from driftline_dashboard.view import View

MOST: Final = 5


def show(view: View, alerts: Sequence[Alert], outside: int) -> None:
    """Draw the banner, or a line where all that is open lies outside the filters; nothing where no alert is open.

    Args:
        view: what is looked at.
        alerts: that its filters let through, the gravest first.
        outside: how many more are open that the filters leave out.
    """
    if alerts:
        rows = "".join(_row(view, alert) for alert in alerts[:MOST])
        more = _more(view, max(len(alerts) - MOST, 0), outside)
        st.html(f'<div class="dl-alerts" role="alert"><h2>{_counted(len(alerts))}</h2>{rows}{more}</div>')
    elif outside:
        told = f"{_counted(outside)} outside the filters: {_all(view, outside)}"
        st.html(f'<div class="dl-status"><span>{told}</span></div>')


def _row(view: View, alert: Alert) -> str:
    step = alert.step
    segment = " · ".join(f"{_title(name)} {value}" for name, value in step.segment if value)
    value, threshold = (written(step.metric, number) for number in (step.value, step.threshold))
    title, severity = title_of(step.metric), step.detail.severity
    name = f"Drift: {title}" if alert.is_drift else step.rule
    there = from_url(view.to_url() | dict(step.segment))
    return (
        f'<div class="dl-alert" title="{escape(step.detail.headline or step.detail.description)}">'
        f'<span><span class="dl-badge dl-{severity}">{severity}</span><b>{escape(name)}</b></span>'
        f"<span>{escape(segment or 'everything')}</span>"
        f"<span>{escape(title)} <b>{escape(value)}</b> against {escape(threshold)} (n = {step.n:,})</span>"
        f'<span class="dl-muted">since {escape(day_and_time(step.started))}</span>'
        f"<span>{_link('Show', '', there.to_url())} · "
        f"{_link('Incident', ALERTS.path, there.to_url() | {INCIDENT: step.incident})}</span></div>"
    )


def _more(view: View, beyond: int, outside: int) -> str:
    """What is open and not shown, with the way to it; '' for nothing."""
    counts = [f"{beyond:,} more" if beyond else "", f"{outside:,} more outside the filters" if outside else ""]
    told = " and ".join(one for one in counts if one)
    return f'<div class="dl-muted">{told}: {_all(view, outside)}</div>' if told else ""


def _counted(count: int) -> str:
    return "1 open alert" if count == 1 else f"{count:,} open alerts"


def _all(view: View, outside: int) -> str:
    """The way to all incidents, of which the filters would hide what lies outside of them."""
    there = replace(view, filters=()) if outside else view
    return _link("Open incidents", ALERTS.path, there.to_url())


def _link(label: str, path: str, query: Mapping[str, str]) -> str:
    return f'<a href="{path}?{escape(urlencode(query))}" target="_self">{label}</a>'


def _title(dimension: str) -> str:
    return DIMENSION_TITLES.get(dimension, dimension).lower()
