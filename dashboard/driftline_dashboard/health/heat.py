"""Evidence of drift by feature and metric: a table whose cells say what they are in text, and lead to the monitors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

import streamlit as st

from driftline_alerts.drift.standing import NOTABLE, SUSPICIOUS
from driftline_alerts.system_metrics import title_of
from driftline_dashboard.drift import drift_data
from driftline_dashboard.drift.drift_data import ALARMS
from driftline_dashboard.places import DRIFT, METRIC, MONITOR
from driftline_dashboard.text import bounded, escape, segment_name
from driftline_dashboard.widgets.panel import heading
from driftline_dashboard.widgets.table import grid
from driftline_store.monitored import MONITORED

if TYPE_CHECKING:
    from datetime import datetime

    import pandas as pd

    from driftline_dashboard.view import View

MOST_FEATURES: Final = 12
MOST_METRICS: Final = 12
"""As many columns as fit."""
_MAX_NAME: Final = 60


def show(view: View, as_of: datetime) -> None:
    """Draw the table; nothing where drift detection has not looked at anything."""
    frame = drift_data.watch(view.window, as_of).heat
    frame = frame[frame["feature"] == view.where.get("feature", frame["feature"])]
    if frame.empty:
        return
    with st.container(key="heat", gap="small"):
        heading("evidence", "Drift", frame, note="largest evidence of a feature's monitors, 100 % is an alarm")
        st.html(table(frame, view))


def table(frame: pd.DataFrame, view: View) -> str:
    """``drift_data.Watch.heat`` as HTML: the features and the metrics with most evidence."""
    features = list(dict.fromkeys(frame["feature"]))
    cells = {(row["feature"], row["metric"]): row for row in frame.to_dict("records")}
    most = frame.groupby("metric")["evidence"].max()
    watched = sorted((name for name in MONITORED if name in most.index), key=lambda name: -most[name])
    metrics = [name for name in MONITORED if name in watched[:MOST_METRICS]]
    rows = (
        f"<th>{escape(bounded(segment_name(feature), _MAX_NAME))}</th>"
        + "".join(_cell(cells.get((feature, name)), view) for name in metrics)
        for feature in features[:MOST_FEATURES]
    )
    left = {"features": len(features) - MOST_FEATURES, "metrics": len(watched) - MOST_METRICS}
    more = " and ".join(f"{count:,} more {what}" for what, count in left.items() if count > 0)
    note = f'<p class="dl-muted">and {more} with less evidence</p>' if more else ""
    return grid(("", *map(title_of, metrics)), rows, style="dl-heat") + note


def _cell(row: Any, view: View) -> str:
    if row is None:
        return '<td class="dl-muted">–</td>'
    style, text = _told(row)
    query = view.to_url() | {"feature": row["feature"], METRIC: row["metric"], MONITOR: row["stream"]}
    says = (
        f"{title_of(row['metric'])} of {segment_name(row['feature'])}: {text}, {row['monitors']:,} monitors, "
        f"{row['learning']:,} of them learning"
    )
    return (
        f'<td class="{style}"><a href="{DRIFT.path}?{escape(urlencode(query))}" target="_self" '
        f'title="{escape(says)}">{text}</a></td>'
    )


def _told(row: Any) -> tuple[str, str]:
    """Class and text of a cell."""
    if row["state"] in ALARMS:
        return "dl-heat-4", "alarm"
    if row["learning"] == row["monitors"]:
        return "dl-heat-0", "learns"
    evidence = row["evidence"]
    if evidence >= 1:
        return "dl-heat-3", "small"
    if evidence >= SUSPICIOUS:
        return "dl-heat-2", f"{evidence * 100:.0f} %"
    return ("dl-heat-1", f"{evidence * 100:.0f} %") if evidence >= NOTABLE else ("dl-heat-0", "quiet")
