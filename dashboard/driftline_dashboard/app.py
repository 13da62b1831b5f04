"""What is on every page: controls, and below them what refreshes by itself. Run by ``streamlit run``."""

from __future__ import annotations

import contextlib
from functools import partial
from typing import TYPE_CHECKING, Final

import streamlit as st

from driftline.errors import DriftlineError
from driftline_dashboard import controls, data, states, theme
from driftline_dashboard.access import NotAllowedError, must_log_in, providers
from driftline_dashboard.alerts import page as alerts
from driftline_dashboard.collection import settle
from driftline_dashboard.compare import page as compare
from driftline_dashboard.drift import page as drift
from driftline_dashboard.health import page as health
from driftline_dashboard.label import page as label
from driftline_dashboard.places import (
    ALERTS,
    COMPARE,
    DRIFT,
    HEALTH,
    LABEL,
    PLACES,
    SYSTEM,
    TRACE,
    TRACES,
    arrive,
    identity,
)
from driftline_dashboard.system import page as system
from driftline_dashboard.topics import page as topic
from driftline_dashboard.topics.table import TOPICS
from driftline_dashboard.traces import page as traces
from driftline_dashboard.view import from_url

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from driftline_dashboard.places import Place
    from driftline_dashboard.view import View

SHOWN: Final[Mapping[Place, Callable[[View], None]]] = {
    HEALTH: health.show,
    DRIFT: drift.show,
    **{one.place: partial(topic.show, one) for one in TOPICS},
    TRACES: traces.show,
    COMPARE: compare.show,
    LABEL: label.show,
    ALERTS: alerts.show,
    SYSTEM: system.show,
}


def page() -> None:
    """Draw the whole page, or the way in."""
    settle()
    if must_log_in():
        st.set_page_config(page_title="Driftline")
        st.html(theme.style())
        states.log_in(providers())
        return
    view = from_url(st.query_params)
    try:
        known = data.known(view, data.as_of(view)).segments
    except DriftlineError:
        known = {}  # the part below says why
    shown = {place.page(partial(_draw, place, view, known)): place for place in PLACES}
    chosen = st.navigation(list(shown), position="hidden")
    arrive(shown[chosen])
    place = _meant(shown[chosen])
    title = "Driftline" if place.is_first else f"{place.title} · Driftline"
    st.set_page_config(page_title=title, layout="wide", initial_sidebar_state="collapsed")
    st.html(theme.style())
    controls.show(view, known, place)
    chosen.run()


def _draw(place: Place, view: View, known: Mapping[str, tuple[str, ...]]) -> None:
    meant = _meant(place)
    if meant.is_still or (view.until and not meant.is_of_now):
        still(meant, view)
    else:
        live(meant, view, known)


@st.fragment
def still(place: Place, view: View) -> None:
    """Draw what changes only by what the visitor does on it, or is as of a moment that is over."""
    with _told():
        SHOWN[place](view)


@st.fragment(run_every=data.REFRESH_SECONDS)
def live(place: Place, view: View, known: Mapping[str, tuple[str, ...]]) -> None:
    """Draw what changes with time; runs again every few seconds without the rest of the page."""
    with _told():
        if data.known(view, data.as_of(view)).segments != known:
            st.rerun()  # the filters have to learn new values
        SHOWN[place](view)


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """Say in a sentence why the page ends here."""
    try:
        yield
    except NotAllowedError as error:
        states.not_allowed(error)
    except DriftlineError as error:
        states.store_down(error)


def _meant(place: Place) -> Place:
    """The page that is shown: messages of alerts link to a trace by its id alone, at the first page's address."""
    return TRACES if place is HEALTH and identity(st.query_params, TRACE) else place


page()
