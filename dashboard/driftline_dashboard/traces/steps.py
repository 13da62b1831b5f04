"""The table of steps: which one fails most, how long it takes, and the runs that failed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pandas as pd
import streamlit as st

from driftline_dashboard import data
from driftline_dashboard.places import TRACES, link
from driftline_dashboard.text import day_and_time, escape, one_line, segment_name
from driftline_dashboard.traces import steps_data
from driftline_dashboard.traces.search_terms import ANY_ERROR
from driftline_dashboard.widgets.facts import seconds
from driftline_dashboard.widgets.panel import heading
from driftline_store.metrics import METRICS
from driftline_store.metrics_format import format_interval, format_value

if TYPE_CHECKING:
    from driftline_dashboard.view import View

_MAX_NAME: Final = 120
_SHARE: Final = METRICS["error_rate"]
"""A metric whose numbers are written alike."""
_KINDS: Final = {"call": "call of a model", "tool": "tool", "step": "step"}
_HEAD: Final = (
    '<div class="dl-substep dl-head"><span>Step</span><span>Feature</span><span class="dl-extra">Kind</span>'
    '<span class="dl-num">Runs</span><span class="dl-num">Failed</span><span class="dl-num '
    'dl-extra">95 % interval</span>'
    '<span class="dl-num">p95</span><span class="dl-num" title="Of the time of the requests that had the step, what is '
    'within it included">Share of time</span></div>'
)


def show(view: View) -> None:
    """Draw the table, or why there is none.

    Raises:
        StoreError: the store cannot be reached or fails.
    """
    found = steps_data.failing(view, data.as_of(view))
    read = f"from {'the newest ' if found.first else 'all '}{found.steps_read:,} steps of the window"
    note = f"{read}, back to {day_and_time(found.first)}" if found.first else read
    if found.frame.empty:
        st.html('<div class="dl-h">Which step fails most</div>')
        st.html(
            f'<p class="dl-muted">Among the newest {steps_data.MOST_READ:,} steps of this window none is within a '
            "request. Put @observe on the functions that a request is made of, or span() around a block, and each "
            "becomes a step of its own.</p>"
        )
        return
    heading("steps", "Which step fails most", found.frame, note=note)
    with st.container(key="substeps", gap=None):
        st.html(_HEAD)
        for number, row in enumerate(found.frame.head(steps_data.MOST_ROWS).to_dict("records")):
            _row(view, number, row)
    if len(found.frame) > steps_data.MOST_ROWS:
        st.html(f'<p class="dl-muted">and {len(found.frame) - steps_data.MOST_ROWS:,} more steps, in the data.</p>')


def _row(view: View, number: int, row: dict[Any, Any]) -> None:
    line = st.container(key=f"substep-{number}", horizontal=True, wrap=False, vertical_alignment="center", gap="small")
    where = line.container(key=f"substep-link-{number}", width=70)
    if row["failed"]:
        filters = view.with_filter("feature", str(row["feature"]))
        link(where, TRACES, "Failed", filters, of="steps", step=str(row["step"]), error=ANY_ERROR)
    else:
        where.html('<span class="dl-muted">none</span>')
    line.html(_cells(row))


def _cells(row: dict[Any, Any]) -> str:
    failed, ends = format_value(_SHARE, row["failed"]), format_interval(_SHARE, row["low"], row["high"])
    share = "" if pd.isna(row["share"]) else f"{row['share']:.0%}"
    style = ' class="dl-num dl-bad"' if row["failed"] else ' class="dl-num"'
    return (
        f'<div class="dl-substep"><span><bdi>{escape(one_line(row["step"], _MAX_NAME) or "(no name)")}</bdi></span>'
        f'<span>{escape(segment_name(row["feature"]))}</span><span class="dl-extra">{_KINDS[row["kind"]]}</span>'
        f'<span class="dl-num">{row["runs"]:,}</span>'
        f'<span{style} title="n = {row["runs"]:,} runs, 95 % interval {ends}">{failed}</span>'
        f'<span class="dl-num dl-extra dl-muted">{ends}</span><span class="dl-num">{seconds(row["p95"])}</span>'
        f'<span class="dl-num">{share}</span></div>'
    )
