"""The first page: is it healthy, and if not, what, where and since when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from driftline_dashboard import alerts_banner, answers, data, errors, segments, states, status, tiles

if TYPE_CHECKING:
    from driftline_dashboard.view import View

COLUMNS: Final = ("error_rate", "latency_p95", "cost_per_request", "satisfaction", "fallback_rate", "quality")


def show(view: View) -> None:
    """Draw the page below the controls.

    Raises:
        StoreError: the store cannot be reached or fails.
    """
    if data.is_empty():
        states.nothing_recorded()
        return
    as_of = data.moment()
    glance = data.glance(view, as_of)
    status.show(view, as_of)
    alerts_banner.show(data.open_alerts(as_of))
    tiles.show(view, as_of, glance)
    segments.show(view, as_of, COLUMNS, default="quality", beside=lambda: errors.by_class(view, as_of, glance))
    answers.show(view, as_of)
