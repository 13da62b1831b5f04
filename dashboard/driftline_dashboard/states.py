"""What the page says when there are no numbers: the store is away, or nothing was recorded yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import streamlit as st

from driftline_dashboard.text import escape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from driftline.errors import DriftlineError
    from driftline_dashboard.access import NotAllowedError

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


def not_allowed(error: NotAllowedError) -> None:
    """Say that nothing was done."""
    st.html(f'<div class="dl-alerts" role="alert"><h2>Nothing was done</h2><div>{escape(str(error))}.</div></div>')


def log_in(providers: Sequence[str | None]) -> None:
    """Show the way in, and nothing else."""
    st.html('<div class="dl-brand">Driftline</div><p class="dl-muted">Log in to see this dashboard.</p>')
    for name in providers:
        # Names stand in the configuration of whoever runs it: words of our own.
        label = "Log in" if name is None else f"Log in with {name}"
        st.button(label, key=f"login-{name}", type="primary", on_click=st.login, args=(name,))


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
