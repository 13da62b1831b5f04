"""What the rules in force would have done, as ``driftline rules preview`` tells it; looked for when somebody asks."""

from __future__ import annotations

import contextlib
import logging
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import streamlit as st

from driftline import settings
from driftline.errors import DriftlineError, SettingsError
from driftline_alerts.preview import moments, replay
from driftline_alerts.preview_lines import LEGEND, lines, quiet
from driftline_dashboard.store import alert_rules
from driftline_dashboard.text import bounded, day_and_time, escape
from driftline_dashboard.widgets.table import grid
from driftline_store.client import connect

if TYPE_CHECKING:
    from collections.abc import Sequence

    from driftline_alerts.preview import Episode
    from driftline_alerts.preview_lines import Line
    from driftline_alerts.rule import Rule

logger = logging.getLogger(__name__)

DAYS: Final = {1: "1 day", 7: "7 days", 14: "14 days"}
_EVERY: Final = timedelta(hours=1)
_DAYS: Final = "preview_days"
_MOST: Final = 100
_MAX_TEXT: Final = 200


@dataclass
class Preview:
    """One look back; its thread writes what the pages of all visitors read.

    Attributes:
        rules: that are tried.
        since: begin of the time.
        until: its end.
        done: moments that were looked at.
        found: None until it has ended.
        error: why it has ended without a result.
    """

    rules: Sequence[Rule]
    since: datetime
    until: datetime
    done: int = 0
    found: list[Episode] | None = None
    error: str = ""

    @property
    def looks(self) -> list[datetime]:
        """The moments to look at."""
        return moments(self.since, self.until, _EVERY)

    @property
    def goes_on(self) -> bool:
        """Whether it has not ended."""
        return self.found is None and not self.error

    def run(self) -> None:
        """Look back; what fails is said on the page."""
        try:
            with contextlib.closing(connect(settings.load())) as client:
                self.found = replay(client, self.rules, self.looks, self._told)
        except DriftlineError as error:
            self.error = str(error)
        except Exception as error:
            logger.exception("the preview of the alert rules failed; please report this")
            self.error = f"{type(error).__name__}, see the log of the dashboard"

    def _told(self, _: datetime) -> None:
        self.done += 1


@dataclass
class _Shelf:
    """The last preview, for all visitors: one at a time, as each reads a lot."""

    last: Preview | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)


@st.cache_resource(show_spinner=False)
def _shelf() -> _Shelf:
    return _Shelf()


def show() -> None:
    """Draw the button, how far it is, and what came of it; nothing where the rules cannot be read."""
    try:
        rules = [rule for rule in alert_rules() if not rule.is_system]
    except SettingsError:
        return
    last = _shelf().last
    st.html(
        '<div class="dl-h">Preview<small>what these rules would have done on what is stored, looked at once an hour; '
        "without those about Driftline itself, whose past is not stored</small></div>"
    )
    goes_on = last is not None and last.goes_on
    row = st.container(key="preview", horizontal=True, vertical_alignment="center", gap="small")
    row.segmented_control(
        "How far back", tuple(DAYS), format_func=DAYS.__getitem__, default=7, required=True, key=_DAYS,
        label_visibility="collapsed", disabled=goes_on,
    )  # fmt: skip
    row.button("Preview", key="preview-start", on_click=_start, args=(rules,), disabled=goes_on or not rules)
    if last is not None:
        _result(last)


def _start(rules: Sequence[Rule]) -> None:
    shelf, until = _shelf(), datetime.now(UTC).replace(second=0, microsecond=0)
    with shelf.lock:
        if shelf.last is not None and shelf.last.goes_on:
            return  # somebody else was faster
        shelf.last = Preview(rules, until - timedelta(days=st.session_state[_DAYS]), until)
    threading.Thread(target=shelf.last.run, name="preview", daemon=True).start()


def _result(one: Preview) -> None:
    if one.error:
        st.html(f'<p role="alert" class="dl-bad">There is no preview: {escape(bounded(one.error, _MAX_TEXT))}.</p>')
        return
    if one.found is None:
        of = len(one.looks)
        st.progress(one.done / of, text=f"{one.done:,} of {of:,} hours; it goes on if you leave the page")
        return
    found = lines(one.found, one.rules, one.since, one.until)
    time = f"{day_and_time(one.since)} to {day_and_time(one.until)}"
    if found:
        heads = ("Rule", "Segment", "Fired", "For", time, "Began with")
        st.html(grid(heads, map(_row, found[:_MOST]), style="dl-words", name="preview-found"))
        more = f"; {len(found) - _MOST:,} more lines are left out" if len(found) > _MOST else ""
        st.html(f'<p class="dl-muted">{escape(LEGEND)}{more}</p>')
    else:
        st.html(f'<p class="dl-muted">Nothing would have fired, {escape(time)}.</p>')
    if silent := quiet(one.found, one.rules):
        st.html(f'<p class="dl-muted">Would not have fired: {escape(", ".join(silent))}.</p>')


def _row(one: Line) -> str:
    texts = (one.rule, one.segment, f"{one.fired:,}", one.lasted)
    told = "".join(f"<td>{escape(bounded(text, _MAX_TEXT))}</td>" for text in texts)
    course = f'<td><span class="dl-signs" role="img" aria-label="when it fired">{escape(one.course)}</span></td>'
    return f"{told}{course}<td>{escape(one.worst)}</td>"
