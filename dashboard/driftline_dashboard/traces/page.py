"""The page of traces: one whose id stands in the URL, else what was searched for, else what is worth reading."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import streamlit as st

from driftline_dashboard import data
from driftline_dashboard.places import TRACE, TRACES, identity, link
from driftline_dashboard.traces import search, steps, trace
from driftline_dashboard.traces.search_terms import from_url
from driftline_dashboard.widgets import answers, answers_data
from driftline_dashboard.widgets.held import held, renew

if TYPE_CHECKING:
    from driftline_dashboard.view import View

SHOW: Final = "show"
"""Query parameter of what is listed: requests and steps if there is none, or ``STEPS``."""
STEPS: Final = "steps"


def show(view: View) -> None:
    """Draw the page below the controls.

    Raises:
        StoreError: the store cannot be reached or fails.
    """
    if trace_id := identity(st.query_params, TRACE):
        trace.show(view, trace_id)
        return
    if st.query_params.get(SHOW) == STEPS:
        link(st.container(key="back"), TRACES, "← All traces", view)
        steps.show(view)
        return
    search.form()
    wanted = from_url(st.query_params)
    if wanted.is_wanted:
        search.results(view, wanted)
    else:
        _worth_reading(view)


def _worth_reading(view: View) -> None:
    found, new = held("bad", view, answers_data.picked(view, data.as_of(view), "bad"))
    row = st.container(key="found", horizontal=True, vertical_alignment="center", gap="small")
    row.html(
        '<div class="dl-h">Traces worth reading<small>of this window, the newest that failed or fell back, that users '
        "disliked or reported, or that the judge scored below "
        f"{answers_data.LOW_SCORE:g}</small></div>",
        width="content",
    )
    renew(row, "bad", new)
    link(row, TRACES, "Which step fails most?", view, show=STEPS)
    if not found:
        st.html(
            '<p class="dl-muted">None in this window. Search all of its requests above, or open a trace by its id: '
            "type it there.</p>"
        )
        return
    answers.links(view, found)
