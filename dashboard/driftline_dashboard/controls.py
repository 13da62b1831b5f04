"""Window, moment and filters at the top; the URL is the truth, the widgets follow it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import streamlit as st

from driftline_dashboard import moments
from driftline_dashboard.access import has_logged_in, who
from driftline_dashboard.choice import KEPT
from driftline_dashboard.places import PLACES, link
from driftline_dashboard.text import DIMENSION_TITLES, escape, segment_name
from driftline_dashboard.traces import search_terms
from driftline_dashboard.view import WINDOW, WINDOWS, from_url
from driftline_store.metrics import DIMENSIONS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from driftline_dashboard.places import Place
    from driftline_dashboard.view import View

_ALWAYS: Final = ("feature", "model", "prompt_version")
_KEY: Final = "filter_"


def show(view: View, known: Mapping[str, tuple[str, ...]], place: Place) -> None:
    """Draw the links to the pages, and the controls.

    Args:
        view: as the URL has it.
        known: the values of each dimension that occur in the window.
        place: the page that is shown.
    """
    names = [name for name in DIMENSIONS if _is_shown(name, view, known)]
    _links(view, place)
    bar = st.container(key="controls", horizontal=True, vertical_alignment="bottom", gap="medium")
    # What the URL says now goes before what the widget said last: the visitor may have pressed "back".
    st.session_state[WINDOW] = view.window.key
    bar.segmented_control(
        "Window",
        tuple(WINDOWS),
        format_func=lambda key: f"Last {WINDOWS[key].label}",
        required=True,
        key=WINDOW,
        on_change=_window_chosen,
        label_visibility="collapsed",
    )
    moments.choose(bar, view, _look_at)
    for name in names:
        chosen = view.where.get(name)
        # A link may name a segment that has no data in this window.
        options = sorted({*known.get(name, ()), *([] if chosen is None else [chosen])})
        st.session_state[_KEY + name] = chosen
        bar.selectbox(
            DIMENSION_TITLES[name],
            options,
            index=None,
            placeholder="All",
            format_func=segment_name,
            key=_KEY + name,
            on_change=_filter_chosen,
            args=(name,),
        )
    if view.until and not place.is_of_now:
        moments.say(view, _look_at)


def _is_shown(name: str, view: View, known: Mapping[str, tuple[str, ...]]) -> bool:
    return name in _ALWAYS or name in view.where or len(known.get(name, ())) > 1


def _links(view: View, place: Place) -> None:
    row = st.container(key="places", horizontal=True, vertical_alignment="center", gap=None)
    row.html('<div class="dl-brand">Driftline</div>', width="content")
    for one in PLACES:
        key = "place-here" if one is place else f"place-{one.path}"
        link(row.container(key=key, width="content"), one, one.title, view)
    if has_logged_in():
        row.html(f'<div class="dl-who">{escape(who())}</div>', width="content")
        row.button("Log out", key="log-out", type="tertiary", on_click=st.logout)


def _window_chosen() -> None:
    view = from_url(st.query_params)
    _look_at(replace(view, window=WINDOWS[st.session_state[WINDOW]]))


def _filter_chosen(name: str) -> None:
    _look_at(from_url(st.query_params).with_filter(name, st.session_state[_KEY + name]))


def _look_at(view: View) -> None:
    """Show the page's own contents: what is chosen here is of no meaning for one trace, but for a search it is."""
    kept = {name: st.query_params[name] for name in KEPT if name in st.query_params}
    kept |= search_terms.from_url(st.query_params).first_page().to_url()
    st.query_params.from_dict(view.to_url() | kept)
