"""All that is stored of a step, as a table of plain text."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

import streamlit as st

from driftline_dashboard.text import bounded, escape
from driftline_dashboard.traces import trace_data
from driftline_dashboard.widgets.table import grid

if TYPE_CHECKING:
    from driftline_dashboard.traces.trace_data import Step

_OPEN: Final = "stored_of"
_MOST: Final = 300
"""Rows that are shown."""
_MAX_VALUE: Final = 2_000


def show(trace_id: str, step: Step) -> None:
    """Draw the button that unfolds the table, and the table if somebody wants it.

    Raises:
        StoreError: the store cannot be reached or fails.
    """
    is_open = bool(st.session_state.get(_OPEN))
    with st.container(key="stored", gap=None):
        st.button(
            "All that is stored of this step",
            key="stored-open",
            type="tertiary",
            icon=":material/expand_more:" if is_open else ":material/chevron_right:",
            on_click=partial(st.session_state.update, {_OPEN: not is_open}),
        )
        if is_open:
            st.html(_table(trace_data.stored(trace_id, step.span_id)))


def _table(told: dict[str, str]) -> str:
    rows = (
        f'<td>{escape(name)}</td><td class="dl-long" dir="auto">{escape(bounded(value, _MAX_VALUE))}</td>'
        for name, value in list(told.items())[:_MOST]
    )
    rest = f'<p class="dl-muted">and {len(told) - _MOST:,} more</p>' if len(told) > _MOST else ""
    return grid(("Name", "Value"), rows, style="dl-words") + rest
