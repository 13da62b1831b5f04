"""Window and filters at the top; the URL is the truth, the widgets follow it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import streamlit as st

from driftline_dashboard.text import DIMENSION_TITLES, segment_name
from driftline_dashboard.view import DEFAULT, WINDOW, WINDOWS, from_url
from driftline_store.metrics import DIMENSIONS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from driftline_dashboard.view import View

_ALWAYS: Final = ("feature", "model", "prompt_version")
_KEY: Final = "filter_"


def show(view: View, known: Mapping[str, tuple[str, ...]]) -> None:
    """Draw the controls.

    Args:
        view: as the URL has it.
        known: the values of each dimension that occur in the window.
    """
    names = [name for name in DIMENSIONS if _is_shown(name, view, known)]
    bar = st.container(key="controls", horizontal=True, vertical_alignment="bottom", gap="medium")
    bar.html('<div class="dl-brand">Driftline<small>LLM quality at a glance</small></div>', width="content")
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


def _is_shown(name: str, view: View, known: Mapping[str, tuple[str, ...]]) -> bool:
    return name in _ALWAYS or name in view.where or len(known.get(name, ())) > 1


def _window_chosen() -> None:
    key = st.session_state[WINDOW]
    if key == DEFAULT.key:
        st.query_params.pop(WINDOW, None)
    else:
        st.query_params[WINDOW] = key


def _filter_chosen(name: str) -> None:
    chosen = from_url(st.query_params).with_filter(name, st.session_state[_KEY + name])
    st.query_params.from_dict(chosen.to_url())
