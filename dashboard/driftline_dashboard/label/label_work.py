"""What a visitor of the page for labels is at, and the buttons that lead on, each with its key."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Final

import streamlit as st

from driftline.errors import DriftlineError
from driftline_dashboard.label import label_data
from driftline_dashboard.text import escape
from driftline_store.labels import FAIL, PASS

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Literal

    from driftline_dashboard.label.label_data import Waiting
    from driftline_dashboard.view import View
    from driftline_store.labels import Label

REASONS: Final = {
    "3": "wrong",
    "4": "made up",
    "5": "incomplete",
    "6": "not what was asked",
    "7": "hard to use",
    "8": "harmful",
    "9": "other",
}
"""Why an answer fails, by its key: what the rubrics that ship look at. Stored as the label's note."""


@dataclass
class Work:
    """What a visitor is at.

    Attributes:
        asked: what the queue was made for.
        queue: answers in their order.
        at: place of the one that is shown.
        is_bad: whether it was found bad, and why is still to be said.
        given: labels of this visit, with the place of their answer.
        problem: why the last label was not stored.
    """

    asked: tuple[View, str, str]
    queue: list[Waiting]
    at: int = 0
    is_bad: bool = False
    given: list[tuple[int, Label]] = field(default_factory=list)
    problem: str = ""

    @property
    def current(self) -> Waiting | None:
        """The answer that is shown; None once there is none left."""
        return self.queue[self.at] if self.at < len(self.queue) else None


def keys(work: Work, one: Waiting, by: str) -> None:
    """The buttons. Their keys name the answer, so that a press too many does not hit the next one."""
    with st.container(key="verdict", gap="small"):
        if work.problem:
            st.html(f'<p class="dl-bad" role="alert">{escape(work.problem)}</p>')
        if not by:
            st.html('<p class="dl-confirm">Say who you are first: fill in your name above.</p>')
        row = st.container(horizontal=True, gap="small")
        for button in _REASON_BUTTONS if work.is_bad else _BUTTONS:
            is_off = (button.needs_name and not by) or (button.does is undo and not work.given)
            row.button(
                button.label,
                key=f"label-{button.label}-{one.trace_id}",
                shortcut=button.shortcut,
                type=button.style,
                disabled=is_off,
                on_click=partial(button.does, work, by),
            )


def _good(work: Work, by: str) -> None:
    _give(work, by, PASS, "")


def _bad(work: Work, _: str) -> None:
    work.is_bad, work.problem = True, ""


def _back(work: Work, _: str) -> None:
    work.is_bad = False


def _skip(work: Work, _: str) -> None:
    work.at += 1
    work.problem = ""


def _why(reason: str, work: Work, by: str) -> None:
    _give(work, by, FAIL, reason)


def _give(work: Work, by: str, verdict: str, note: str) -> None:
    one = work.current
    if one is None:
        return
    work.is_bad, work.problem = False, ""
    try:
        work.given.append((work.at, label_data.give(one, work.asked[1], by, verdict, note)))
        work.at += 1
    except DriftlineError as error:
        work.problem = f"This label is not stored: {error}."


def undo(work: Work, _: str) -> None:
    """Take the last label back and show its answer again; the second argument is as of all buttons."""
    if not work.given:
        return
    at, label = work.given[-1]
    work.is_bad, work.problem = False, ""
    try:
        label_data.take_back(label)
    except DriftlineError as error:
        work.problem = f"The label still stands: {error}."
        return
    work.given.pop()
    work.at = at


@dataclass(frozen=True)
class _Button:
    """One way on, by its key.

    Attributes:
        label: our own words.
        does: with what the visitor is at, and who that is.
        needs_name: whether it stores something in somebody's name.
    """

    label: str
    shortcut: str
    does: Callable[[Work, str], None]
    style: Literal["primary", "secondary", "tertiary"] = "secondary"
    needs_name: bool = True


_BUTTONS: Final = (
    _Button("Good", "1", _good, "primary"),
    _Button("Bad …", "2", _bad),
    _Button("Skip", "S", _skip, "tertiary", needs_name=False),
    _Button("Undo the last", "U", undo, "tertiary", needs_name=False),
)
_REASON_BUTTONS: Final = (
    *(_Button(reason.capitalize(), key, partial(_why, reason)) for key, reason in REASONS.items()),
    _Button("Back", "Backspace", _back, "tertiary", needs_name=False),
)
