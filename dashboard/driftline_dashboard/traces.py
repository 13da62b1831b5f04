"""The page of traces: one whose id stands in the URL, else those that are worth reading."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from driftline_dashboard import answers, answers_data, data, trace
from driftline_dashboard.places import TRACE, TRACES, identity, link
from driftline_dashboard.text import day_and_time

if TYPE_CHECKING:
    from driftline_dashboard.view import View


def show(view: View) -> None:
    """Draw the page below the controls.

    Raises:
        StoreError: the store cannot be reached or fails.
    """
    if trace_id := identity(st.query_params, TRACE):
        trace.show(view, trace_id)
    else:
        _worth_reading(view)


def _worth_reading(view: View) -> None:
    found = answers_data.recent(view, data.moment(), only_bad=True)
    st.html(
        '<div class="dl-h">Traces worth reading<small>of this window, the newest that failed or fell back, that users '
        "disliked or reported, or that the judge scored below "
        f"{answers_data.LOW_SCORE:g}</small></div>"
    )
    if not found:
        st.html(
            '<p class="dl-muted">None in this window. A trace can be opened by its id as well: add '
            "<code>?trace=</code> and the id to this page's address.</p>"
        )
        return
    with st.container(key="traces", gap=None):
        st.html(answers.HEAD)
        for one in found:
            line = st.container(
                key=f"answer-{one.trace_id}-{one.span_id}",
                horizontal=True,
                wrap=False,
                vertical_alignment="center",
                gap="small",
            )
            link(line, TRACES, day_and_time(one.start), view, trace=one.trace_id)
            line.html(answers.cells(one))
