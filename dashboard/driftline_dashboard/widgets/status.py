"""Of which moment and time the numbers of a page are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from driftline_dashboard import data
from driftline_dashboard.text import clock, day_and_time, escape, visitor_zone

if TYPE_CHECKING:
    from datetime import datetime

    from driftline_dashboard.view import View


def line(view: View, as_of: datetime, past: str) -> str:
    """The line as HTML; ``past`` is what the numbers are compared with."""
    span = data.period(view, as_of)
    zone = escape(str(visitor_zone()))
    told = [
        f"{day_and_time(span.since)} to {day_and_time(span.until)} ({zone})",
        f"compared with {escape(past)}",
    ]
    if view.until is None:  # else the moment stands on top
        told = [f"as of <b>{clock(as_of)}</b>", *told, f"refreshes every {data.REFRESH_SECONDS} s"]
    return f'<div class="dl-status">{"".join(f"<span>{one}</span>" for one in told)}</div>'
