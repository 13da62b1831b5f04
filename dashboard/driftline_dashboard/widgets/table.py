"""Tables: of cells that are HTML already, and of plain text below a title, with its rows as a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pandas as pd
import streamlit as st

from driftline_dashboard.text import bounded, escape
from driftline_dashboard.widgets.panel import heading

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

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
    st.html(grid(heads, ("".join(map(_cell, row)) for row in rows), style="dl-words dl-brief", name=key))


def grid(heads: Iterable[str | tuple[str, str]], rows: Iterable[str], *, style: str = "", name: str = "") -> str:
    """A table as HTML.

    Args:
        heads: names of the columns, plain text; as a pair with what they mean.
        rows: the cells of each, as HTML.
        style: more classes than the usual one.
        name: id of the element.
    """
    head = "".join(map(_head, heads))
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    named = f' id="{name}"' if name else ""
    return (
        f'<div class="dl-scroll"><table class="{f"dl-table {style}".rstrip()}"{named}><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _head(of: str | tuple[str, str]) -> str:
    name, means = (of, "") if isinstance(of, str) else of
    return f'<th title="{escape(means)}">{escape(name)}</th>' if means else f"<th>{escape(name)}</th>"


def _cell(text: str) -> str:
    style = ' class="dl-long"' if len(text) > _LONG else ""
    return f"<td{style}>{escape(bounded(text, _MAX_CELL))}</td>"
