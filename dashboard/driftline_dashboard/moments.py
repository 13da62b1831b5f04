"""The moment that everything on a page is as of, if it is not now: said, and chosen by the visitor's clock."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import streamlit as st

from driftline_dashboard.text import day_and_time, escape, visitor_zone
from driftline_dashboard.view import from_url

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamlit.delta_generator import DeltaGenerator

    from driftline_dashboard.view import View

_CHOSEN: Final = "moment_chosen"
_FOLLOWED: Final = "moment_followed"


def choose(where: DeltaGenerator, view: View, look_at: Callable[[View], None]) -> None:
    """Draw the control that chooses it.

    Args:
        where: what it is drawn in.
        view: as the URL has it.
        look_at: called with the view that was chosen.
    """
    _follow(view)
    label = "Until…" if view.until is None else f"Until {day_and_time(view.until)}"
    with where.popover(label, key="moment-menu"), st.form("moment-form", border=False):
        st.datetime_input(f"As of ({visitor_zone()})", key=_CHOSEN, format="YYYY-MM-DD")
        st.form_submit_button("Show this moment", on_click=_send, args=(look_at,))
        st.html('<p class="dl-muted">The address then leads to this moment: copy it to show what you see.</p>')


def say(view: View, look_at: Callable[[View], None]) -> None:
    """Say of which moment the page is, and draw the way back."""
    row = st.container(key="moment", horizontal=True, vertical_alignment="center", gap="small")
    said = escape(day_and_time(view.until)) if view.until else ""
    row.html(f'<div class="dl-moment" role="status">As of {said}, not live</div>', width="content")
    row.button("Back to now", key="back-to-now", type="tertiary", on_click=look_at, args=(replace(view, until=None),))


def _follow(view: View) -> None:
    """Set the control to what the URL says; while nothing changes there, what the visitor has begun to choose stays."""
    if _CHOSEN not in st.session_state or st.session_state.get(_FOLLOWED) != view.until:
        moment = (view.until or datetime.now(UTC)).astimezone(visitor_zone())
        st.session_state[_CHOSEN] = moment.replace(second=0, microsecond=0, tzinfo=None)
    st.session_state[_FOLLOWED] = view.until


def _send(look_at: Callable[[View], None]) -> None:
    """Look at the chosen moment; one that is yet to come is now."""
    view, chosen = from_url(st.query_params), st.session_state[_CHOSEN]
    until = None if chosen is None else chosen.replace(tzinfo=visitor_zone()).astimezone(UTC)
    look_at(from_url(replace(view, until=until).to_url()))
