"""What a visitor chooses on a page beside window and filters; the URL is the truth, the widgets follow it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import streamlit as st

from driftline_dashboard.places import METRIC
from driftline_dashboard.view import MAX_VALUE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from streamlit.delta_generator import DeltaGenerator

SPLIT: Final = "split"
KEPT: Final = (SPLIT, METRIC)
"""Query parameters that stay when the window or a filter is changed: they are about how one looks, not at what."""


def chosen(name: str, options: Sequence[str], default: str) -> str:
    """What the URL says, where it is one of the options; else the default."""
    value = st.query_params.get(name, default)[:MAX_VALUE]
    return value if value in options else default


def segmented(where: DeltaGenerator, label: str, name: str, options: Mapping[str, str], default: str) -> str:
    """A row of options, of which one is chosen.

    Args:
        where: what it is drawn in.
        label: for whoever does not see it.
        name: of the query parameter.
        options: in the URL -> as people read it, of our own words.
        default: which one is chosen without a parameter.
    """
    key = _follow(name, chosen(name, tuple(options), default))
    where.segmented_control(
        label, tuple(options), format_func=options.__getitem__, required=True, key=key,
        on_change=_keep, args=(name, default), label_visibility="collapsed",
    )  # fmt: skip
    return chosen(name, tuple(options), default)


def select(
    where: DeltaGenerator,
    label: str,
    name: str,
    options: Sequence[str],
    default: str,
    *,
    shown: Callable[[str], str],
    width: int = 220,
) -> str:
    """A list to choose one of; arguments as of ``segmented``, and how an option is shown, as plain text."""
    key = _follow(name, chosen(name, options, default))
    where.selectbox(
        label, options, format_func=shown, key=key, width=width, on_change=_keep, args=(name, default),
        label_visibility="collapsed",
    )  # fmt: skip
    return chosen(name, options, default)


def _follow(name: str, value: str) -> str:
    key = f"chosen_{name}"
    if st.session_state.get(key) != value:  # the visitor may have pressed "back"
        st.session_state[key] = value
    return key


def _keep(name: str, default: str) -> None:
    value = st.session_state[f"chosen_{name}"]
    if value == default:
        st.query_params.pop(name, None)
    else:
        st.query_params[name] = value
