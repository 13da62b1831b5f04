"""What the page says when there are no numbers: the store is away, or nothing was recorded yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import streamlit as st

from driftline_dashboard.text import escape

if TYPE_CHECKING:
    from driftline.errors import DriftlineError

_SNIPPET: Final = """\
from driftline import observe

@observe(feature="support-bot", prompt_version="v1")
def answer(question: str) -> str:
    ...  # call your model here, with any client
"""


def store_down(error: DriftlineError) -> None:
    """Say in one sentence why there is nothing to see and how to mend it."""
    st.html(
        f'<div class="dl-alerts" role="alert"><h2>The store cannot be read</h2>'
        f"<div>{escape(str(error))}.</div>"
        '<div class="dl-muted">This page tries again every few seconds; nothing that was recorded is lost '
        "meanwhile.</div></div>"
    )


def nothing_recorded() -> None:
    """Show how to begin and what the page waits for."""
    st.html(
        '<div class="dl-h">No data yet</div><p class="dl-muted">The store answers and is empty. Record the '
        "first request in your application:</p>"
    )
    st.code(_SNIPPET, language="python")
    st.html(
        '<p class="dl-muted">Then call the function. This page waits for its first request to arrive: from the '
        "application over the bus (the setting <code>bus</code>, the same on both sides) and through "
        "<code>driftline ingest</code>, which <code>driftline up</code> runs. It appears here by itself a few "
        "seconds later. To see the dashboard with sample traffic, run <code>driftline demo</code>.</p>"
    )
