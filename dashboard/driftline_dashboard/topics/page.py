"""A page about one thing: its numbers, its charts, where it differs, and examples."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from driftline_dashboard import data, states
from driftline_dashboard.widgets import segments, status, tiles

if TYPE_CHECKING:
    from driftline_dashboard.topics.table import Topic
    from driftline_dashboard.view import View


def show(topic: Topic, view: View) -> None:
    """Draw the page below the controls.

    Raises:
        StoreError: the store cannot be reached or fails.
    """
    as_of = data.as_of(view)
    if data.known(view, as_of).began is None:
        states.nothing_recorded()
        return
    glance = data.glance(view, as_of, topic.tiles)
    st.html(status.line(view, as_of, glance.past))
    tiles.show(view, as_of, glance, topic.more(view, as_of))
    topic.charts(view, as_of, glance)
    segments.show(view, as_of, topic.columns, split=topic.split)
    topic.details(view, as_of, glance)
