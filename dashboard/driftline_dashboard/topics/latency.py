"""What is special about the page of latency: where all answers lie over time, and the slowest ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pandas as pd
import streamlit as st

from driftline_dashboard import choice, data
from driftline_dashboard.topics import examples
from driftline_dashboard.topics.limits import limits
from driftline_dashboard.widgets import charts_counts
from driftline_dashboard.widgets.charts_counts import Over
from driftline_dashboard.widgets.panel import heading, panel
from driftline_dashboard.widgets.points import SLOW, linked
from driftline_dashboard.widgets.timeline import on_grid
from driftline_store.histogram import middle, quantile
from driftline_store.metrics_format import format_value

if TYPE_CHECKING:
    from datetime import datetime

    from driftline_dashboard.data import Glance
    from driftline_dashboard.view import View

TILES: Final = ("latency_p50", "latency_p95", "latency_p99", "time_to_first_token_p95")
_LINES: Final = {"latency_p50": 0.50, "latency_p95": 0.95, "latency_p99": 0.99}
_SLOWEST: Final = {"latency_p95": "Whole answer", "time_to_first_token_p95": "First token"}


def charts(view: View, as_of: datetime, glance: Glance) -> None:
    """Draw the heat map of how long requests took, with percentiles and the limit of the rules."""
    counts, span, step = data.counts(view, as_of, ("latency",)), data.period(view, as_of), view.window.step
    found = limits(view, "latency_p95")
    title = "How long requests took"
    note = ", ".join(("the fuller, the more of them", *(f"dashed: {name}" for _, name in found)))
    if counts.empty:
        heading("latency", title, counts)
        st.html('<p class="dl-muted">No requests in this window.</p>')
        return
    courses = {
        _line(q): on_grid(_percentiles(counts, name, q), name, span, step).rename(columns={name: "value"})
        for name, q in _LINES.items()
    }
    cells = linked(charts_counts.sizes(counts, step), "latency_p95", view)
    chart = charts_counts.heat_map(
        cells, span, Over(courses, [limit for limit, _ in found]),
        title="Seconds, on a logarithmic scale", unit="seconds", log=True,
    )  # fmt: skip
    said = ", ".join(f"{_line(q)} {format_value(glance.now[name].metric, glance.now[name].value)}"
                     for name, q in _LINES.items())  # fmt: skip
    says = f"How long requests took over the last {view.window.label}, as a heat map. In all: {said}."
    panel("latency", title, chart, counts, says=says, note=note)


def _line(q: float) -> str:
    return f"p{q * 100:.0f}"


def _percentiles(counts: pd.DataFrame, name: str, q: float) -> pd.DataFrame:
    """A percentile over time as the metrics layer gives it, from the counts that the map is drawn of."""
    rows = [
        {"bucket": bucket, name: middle(quantile(sizes, q)), f"{name}__n": sum(sizes.values())}
        for bucket, of in counts.groupby("bucket")
        for sizes in [dict(zip(of["key"].astype("int64"), of["count"], strict=True))]
    ]
    return pd.DataFrame(rows, columns=["bucket", name, *(f"{name}__{each}" for each in ("n", "low", "high"))])


def details(view: View, as_of: datetime, glance: Glance) -> None:
    """Draw the slowest answers."""
    del glance
    bar = examples.bar("Slowest")
    metric = choice.segmented(bar, "Slowest by", SLOW, _SLOWEST, "latency_p95")
    examples.show(bar, view, as_of, metric)
