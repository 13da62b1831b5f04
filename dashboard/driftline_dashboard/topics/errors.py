"""Errors by class and fallbacks by reason, over time and as tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
import streamlit as st

from driftline_dashboard import choice, data
from driftline_dashboard.text import bounded, escape
from driftline_dashboard.theme import MUTED, PALETTE
from driftline_dashboard.topics import examples
from driftline_dashboard.widgets import charts_counts
from driftline_dashboard.widgets.charts_counts import OTHERS
from driftline_dashboard.widgets.panel import heading, panel
from driftline_dashboard.widgets.points import KIND
from driftline_dashboard.widgets.segments import cell
from driftline_dashboard.widgets.table import grid
from driftline_store.metrics import METRICS
from driftline_store.metrics_interval import wilson
from driftline_store.metrics_query import Reading

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from driftline_dashboard.data import Glance
    from driftline_dashboard.view import View

TITLES: Final = {
    "timeout": "Timeouts",
    "rate_limit": "Rate limits",
    "content_policy": "Content policy",
    "server_error": "Server errors",
    "quota": "Quota used up",
    "invalid_output": "Invalid output",
    "authentication": "Authentication",
    "context_length": "Context length",
    "connection": "Connection",
    "invalid_request": "Invalid request",
    "cancelled": "Cancelled",
    "other": "Other errors",
}
"""Classes of errors as people read them; the first six have a colour of their own."""
_COLOURS: Final = {
    **{name: (TITLES[name], colour) for name, colour in zip(
        TITLES, (PALETTE[1], PALETTE[0], PALETTE[3], PALETTE[2], PALETTE[4], PALETTE[5]), strict=False
    )},
    OTHERS: ("Other errors", MUTED),
}  # fmt: skip
TILES: Final = ("error_rate", "fallback_rate", "retry_rate", "guardrail_block_rate")
_ROWS: Final = 12
_MAX_NAME: Final = 80


@dataclass(frozen=True)
class _Kinds:
    """Something that happens to requests in several kinds.

    Attributes:
        name: of the distribution.
        by: what a kind is called.
        none: what is said where there are none.
    """

    name: str
    title: str
    by: str
    none: str


_ERRORS: Final = _Kinds("error_class", "Errors over time", "class", "No errors in this window.")
_REQUESTS: Final = "requests"
_FALLBACKS: Final = _Kinds("fallback_reason", "Fallbacks over time", "reason", "No fallbacks in this window.")


def by_class(view: View, as_of: datetime) -> None:
    """Draw the errors by class, as shares of the requests."""
    _chart(view, as_of, _ERRORS, _COLOURS)


def by_reason(view: View, as_of: datetime) -> None:
    """Draw the fallbacks by reason likewise."""
    reasons = [str(reason) for reason in _totals(view, as_of, _FALLBACKS).index[: len(PALETTE)]]
    colours = {
        reason: (bounded(reason, _MAX_NAME), colour) for reason, colour in zip(sorted(reasons), PALETTE, strict=False)
    }
    _chart(view, as_of, _FALLBACKS, colours | {OTHERS: ("other reasons", MUTED)})


def _counts(view: View, as_of: datetime, name: str) -> pd.DataFrame:
    found = data.counts(view, as_of, (_ERRORS.name, _FALLBACKS.name, _REQUESTS))
    return found[found["name"] == name]


def _totals(view: View, as_of: datetime, kinds: _Kinds) -> pd.Series[int]:
    """How often each kind occurred in the window, the most frequent first."""
    sums: pd.Series[int] = _counts(view, as_of, kinds.name).groupby("key")["count"].sum()
    return sums.sort_index().sort_values(ascending=False, kind="stable")


def _chart(view: View, as_of: datetime, kinds: _Kinds, colours: Mapping[str, tuple[str, str]]) -> None:
    counts, span, note = _counts(view, as_of, kinds.name), data.period(view, as_of), f"by {kinds.by}"
    n = _counts(view, as_of, _REQUESTS).rename(columns={"count": "requests"})
    chart = charts_counts.stacked_shares(counts, n, colours, span, view.window.step, title=kinds.by)
    if chart is None:
        heading(kinds.name, kinds.title, counts, note=note)
        st.html(f'<p class="dl-muted">{kinds.none}</p>')
        return
    most = ", ".join(f"{_title(key)} {count:,}" for key, count in _totals(view, as_of, kinds).head(3).items())
    says = f"{kinds.title} {note} as shares of the requests, over the last {view.window.label}; most of them: {most}."
    panel(kinds.name, kinds.title, chart, counts, says=says, note=note)


def _title(kind: object) -> str:
    return TITLES.get(str(kind), bounded(str(kind), _MAX_NAME))


def charts(view: View, as_of: datetime, glance: Glance) -> None:
    """Draw errors by class and fallbacks by reason side by side, each with its table."""
    left, right = st.container(key="pair-errors").columns(2, gap="medium")
    with left:
        by_class(view, as_of)
        _table(view, as_of, glance, _ERRORS)
    with right:
        by_reason(view, as_of)
        _table(view, as_of, glance, _FALLBACKS)


def details(view: View, as_of: datetime, glance: Glance) -> None:
    """Draw the newest requests of a class of errors, or of a reason of fallbacks."""
    del glance
    # By name: a list whose order changes closes under whoever has it open.
    classes, reasons = (sorted(_totals(view, as_of, kinds).head(_ROWS).index) for kinds in (_ERRORS, _FALLBACKS))
    options = {
        "": ("error_rate", "All errors"),
        **{f"error.{key}": ("error_rate", f"{_title(key)} (errors)") for key in classes},
        "fallback": ("fallback_rate", "All fallbacks"),
        **{f"fallback.{key}": ("fallback_rate", f"{_title(key)} (fallbacks)") for key in reasons},
    }
    bar = examples.bar("Examples")
    kind = choice.select(bar, "Kind", KIND, tuple(options), "", shown=lambda each: options[each][1], width=280)
    what, _, key = kind.partition(".")
    only = {"error": {"error_class": key}, "fallback": {"fallback_reason": key}}[what] if key else {}
    examples.show(bar, view, as_of, options[kind][0], only=only)


def _table(view: View, as_of: datetime, glance: Glance, kinds: _Kinds) -> None:
    totals = _totals(view, as_of, kinds)
    requests = glance.now["error_rate"].n
    if totals.empty or not requests:
        return
    p, n = totals.to_numpy(dtype=np.float64) / requests, np.full(len(totals), float(requests))
    lows, highs = wilson(p, n)
    frame = pd.DataFrame(
        {kinds.by: totals.index, "requests": totals.to_numpy(), "share": p, "share__low": lows, "share__high": highs}
    )
    frame.attrs = _counts(view, as_of, kinds.name).attrs  # its sums
    heading(f"{kinds.name}-table", f"By {kinds.by}", frame)
    rows = (
        f"<td>{escape(_title(key))}</td><td>{count:,}</td>{cell(_share(share, requests, low, high, glance))}"
        for (key, count), share, low, high in zip(totals.head(_ROWS).items(), p, lows, highs, strict=False)
    )
    st.html(grid((kinds.by.capitalize(), "Requests", "Share of requests"), rows))


def _share(value: float, n: int, low: float, high: float, glance: Glance) -> Reading:
    """A share of the requests, in the form of the error rate."""
    return Reading(METRICS["error_rate"], value, n, low, high, glance.now["error_rate"].window)
