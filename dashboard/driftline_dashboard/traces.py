"""The page of traces: one whose id stands in the URL, else those that are worth reading."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from driftline_dashboard import answers, answers_data, data, trace
from driftline_dashboard.places import TRACE, identity

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
        answers.links(view, found)
