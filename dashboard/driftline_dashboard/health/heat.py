"""Evidence of drift by feature and metric: a table whose cells say what they are in text, and lead to the monitors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

import streamlit as st

from driftline_alerts.drift.standing import NOTABLE, SUSPICIOUS
from driftline_alerts.system_metrics import title_of
from driftline_dashboard.drift import drift_data
from driftline_dashboard.places import DRIFT, METRIC, MONITOR
from driftline_dashboard.text import bounded, escape, segment_name
from driftline_dashboard.widgets.panel import heading
from driftline_dashboard.widgets.table import grid
from driftline_store.monitored import MONITORED

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    import pandas as pd

    from driftline_dashboard.view import View

MOST_FEATURES: Final = 12
MOST_METRICS: Final = 12
"""As many columns as fit."""
_MAX_NAME: Final = 60
_ALARM, _SMALL, _SUSPICIOUS, _NOTABLE, _QUIET = 4, 3, 2, 1, 0
"""What a cell is at. Below suspicious it is noise, by which nothing is put in an order."""


def show(view: View, as_of: datetime) -> None:
    """Draw the table; nothing where drift detection has not looked at anything."""
    frame = drift_data.watch(view.window, as_of).heat
    frame = frame[frame["feature"] == view.where.get("feature", frame["feature"])]
    if frame.empty:
        return
    note = "largest evidence of a feature's monitors, 100 % is an alarm"
    if view.where.keys() - {"feature"}:
        note += "; of the filters only the feature counts here"
    with st.container(key="heat", gap="small"):
        heading("evidence", "Drift", frame, note=note)
        st.html(table(frame, view))


def table(frame: pd.DataFrame, view: View) -> str:
    """``drift_data.Watch.heat`` as HTML: the metrics that tell something, in their usual order, and then the rest.

    Neither rows nor columns are ordered by evidence that is noise: they would change places with every refresh.
    """
    rows: list[Any] = frame.to_dict("records")
    cells = {(row["feature"], row["metric"]): row for row in rows}
    of_metric, of_feature = _highest(rows, "metric"), _highest(rows, "feature")
    telling = [name for name in MONITORED if of_metric.get(name)]
    gravest = sorted(telling, key=lambda name: -of_metric[name])[:MOST_METRICS]
    shown = [name for name in telling if name in gravest]
    features = sorted(of_feature, key=lambda name: (-of_feature[name], name))
    lines = (
        f"<th>{escape(bounded(segment_name(feature), _MAX_NAME))}</th>"
        + "".join(_cell(cells.get((feature, name)), view) for name in shown)
        for feature in features[:MOST_FEATURES]
    )
    drawn = grid(("", *map(title_of, shown)), lines, style="dl-heat") if shown else ""
    left_out = {"features": len(features) - MOST_FEATURES if shown else 0, "metrics": len(telling) - MOST_METRICS}
    return drawn + _rest(rows, [name for name in MONITORED if name in of_metric and name not in telling], left_out)


def _highest(rows: Sequence[Any], name: str) -> dict[str, int]:
    """What is told at most of each feature or metric; 0 for what is no more than noise."""
    found: dict[str, int] = {}
    for row in rows:
        level = _level(row)
        found[row[name]] = max(found.get(row[name], 0), level if level >= _SUSPICIOUS else 0)
    return found


def _rest(rows: Sequence[Any], silent: Sequence[str], left_out: dict[str, int]) -> str:
    """What is in no column, in words."""
    quiet = {row["metric"] for row in rows if row["learning"] < row["monitors"]}
    titles = [title_of(name) for name in silent if name in quiet]
    learning = [title_of(name) for name in silent if name not in quiet]
    more = " and ".join(f"{count:,} more {what}" for what, count in left_out.items() if count > 0)
    said = [
        f"and {more} with less evidence" if more else "",
        f"below {SUSPICIOUS * 100:.0f} % of an alarm: {', '.join(titles)}" if titles else "",
        f"learning: {', '.join(learning)}" if learning else "",
    ]
    told = "; ".join(one for one in said if one)
    return f'<p class="dl-muted">{escape(told[0].upper() + told[1:])}</p>' if told else ""


def _cell(row: Any, view: View) -> str:
    if row is None:
        return '<td class="dl-muted">–</td>'
    level, text = _level(row), _told(row)
    query = view.to_url() | {"feature": row["feature"], METRIC: row["metric"], MONITOR: row["stream"]}
    says = (
        f"{title_of(row['metric'])} of {segment_name(row['feature'])}: {text}, {row['monitors']:,} monitors, "
        f"{row['learning']:,} of them learning"
    )
    return (
        f'<td class="dl-heat-{level}"><a href="{DRIFT.path}?{escape(urlencode(query))}" target="_self" '
        f'title="{escape(says)}">{text}</a></td>'
    )


def _level(row: Any) -> int:
    """What any of its monitors is at, the gravest first: the one with most evidence need not be the one in an alarm."""
    if row["alarms"]:
        return _ALARM
    if row["small"] or row["evidence"] >= 1:
        return _SMALL
    if row["evidence"] >= SUSPICIOUS:
        return _SUSPICIOUS
    return _NOTABLE if row["evidence"] >= NOTABLE else _QUIET


def _told(row: Any) -> str:
    level = _level(row)
    if level >= _SMALL:
        return "alarm" if level == _ALARM else "small"
    if row["learning"] == row["monitors"]:
        return "learns"
    return f"{row['evidence'] * 100:.0f} %" if level else "quiet"
