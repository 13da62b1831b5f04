"""A table of words and numbers below its title, with its rows as a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pandas as pd
import streamlit as st

from driftline_dashboard.text import bounded, escape
from driftline_dashboard.widgets.panel import heading

if TYPE_CHECKING:
    from collections.abc import Sequence

_MAX_CELL: Final = 500
_LONG: Final = 60
"""Characters from which on a cell is broken into lines."""


def table(
    key: str, title: str, heads: Sequence[str], rows: Sequence[Sequence[str]], *, note: str = "", none: str
) -> None:
    """Draw it.

    Args:
        key: unique on the page; names the file too.
        title: plain text.
        heads: names of the columns.
        rows: of plain text, of anybody.
        note: plain text beside the title.
        none: plain text in place of the table where there are no rows.
    """
    heading(key, title, pd.DataFrame(list(rows), columns=list(heads)), note=note)
    if not rows:
        st.html(f'<p class="dl-muted">{escape(none)}</p>')
        return
    head = "".join(f"<th>{escape(name)}</th>" for name in heads)
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    st.html(
        f'<div class="dl-scroll"><table class="dl-table dl-words dl-brief" id="{key}"><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _cell(text: str) -> str:
    style = ' class="dl-long"' if len(text) > _LONG else ""
    return f"<td{style}>{escape(bounded(text, _MAX_CELL))}</td>"
