"""A list of answers that stands still until the visitor asks for what is new: what one wants to click must not move."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from streamlit.delta_generator import DeltaGenerator

    from driftline_dashboard.widgets.answers_data import Answer


def held(name: str, asked: Hashable, found: Sequence[Answer]) -> tuple[list[Answer], int]:
    """A list as it was first found, with what has become known of its answers since.

    Args:
        name: of the list.
        asked: what it is a list of; another list is not held.
        found: what there is now.

    Returns:
        The list, and how many answers would be new in it.
    """
    kept = st.session_state.get(_key(name))
    if not kept or kept[0] != asked or not kept[1]:
        kept = st.session_state[_key(name)] = (asked, list(found))
    before = {_identity(one): one for one in kept[1]}
    now = {_identity(one): one for one in found}
    return [now.get(each, one) for each, one in before.items()], len(now.keys() - before.keys())


def renew(where: DeltaGenerator, name: str, new: int) -> None:
    """Draw the button that shows what is new in a list, if anything is."""
    if new:
        where.button(f"Show {new} new", key=f"renew-{name}", type="tertiary", on_click=_let_go, args=(name,))


def _let_go(name: str) -> None:
    st.session_state.pop(_key(name), None)


def _key(name: str) -> str:
    return f"held_{name}"


def _identity(answer: Answer) -> tuple[str, str]:
    return answer.trace_id, answer.span_id
