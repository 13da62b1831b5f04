"""A chart with what belongs to it: title, what it says in words, its statement, and its numbers as a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import streamlit as st

from driftline_dashboard.text import escape
from driftline_store.statement import STATEMENT

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd
    from streamlit.delta_generator import DeltaGenerator

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""What a cell begins with that a spreadsheet takes for a formula."""


def panel(
    key: str, title: str, chart: alt.Chart | alt.LayerChart, frame: pd.DataFrame, *, says: str, note: str = ""
) -> None:
    """Draw a chart below its title, with a menu that has the statement and the numbers.

    Args:
        key: unique on the page; names the file too.
        title: plain text.
        chart: of Altair.
        frame: its numbers; ``attrs`` name the statement that they are the answer to.
        says: the chart in words, for whoever does not see it: what it shows, from what to what.
        note: plain text beside the title.
    """
    heading(key, title, frame, note=note)
    st.altair_chart(chart, width="stretch", key=f"chart-{key}", alt=says)


def heading(key: str, title: str, frame: pd.DataFrame, *, note: str = "") -> None:
    """The title of a chart or a table, with the menu of its statement and its numbers; arguments as of ``panel``."""
    row = st.container(key=f"panel-{key}", horizontal=True, vertical_alignment="center", gap="small")
    row.html(f'<div class="dl-h">{escape(title)}<small>{escape(note)}</small></div>', width="content")
    menu(row, key, frame)


def menu(where: DeltaGenerator, key: str, frame: pd.DataFrame) -> None:
    """The statement and the numbers behind one button; ``key`` and ``frame`` as of ``panel``."""
    opened = where.popover("Data", type="tertiary", key=f"data-{key}", on_change="rerun")
    if not opened.open:
        return  # a statement changes with each refresh: only who looks at it gets it
    with opened:
        st.download_button(
            "Save as CSV",
            lambda: csv(frame),
            file_name=f"driftline-{key}.csv",
            mime="text/csv",
            key=f"csv-{key}",
            on_click="ignore",
        )
        if STATEMENT in frame.attrs:
            st.code(frame.attrs[STATEMENT], language="sql", wrap_lines=True)


def csv(frame: pd.DataFrame) -> str:
    """Numbers as a file for spreadsheets; names that would be read as formulas there begin with an apostrophe."""
    texts = frame.select_dtypes(["str", "object"]).columns
    safe = frame.assign(**{name: frame[name].map(_plain) for name in texts})
    return safe.to_csv(index=False)


def _plain(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
