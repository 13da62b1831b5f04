"""Points of a curve as links: to the requests that began there and were worst by its metric."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

import pandas as pd

from driftline_dashboard.places import ERRORS, LATENCY, QUALITY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from driftline_dashboard.places import Place
    from driftline_dashboard.view import View

POINT: Final = "point"
"""Query parameter: begin of the chosen point of the curve in Unix seconds."""
KIND: Final = "kind"
"""Query parameter of the page of errors: of which requests examples are shown."""
SLOW: Final = "slow"
"""Query parameter of the page of latency: by which time they are the slowest."""
URL: Final = "url"
"""Column of a chart's numbers with where each of them leads."""

_LISTED: Final[Mapping[str, tuple[Place, Mapping[str, str]]]] = {
    "quality": (QUALITY, {}),
    "latency_p95": (LATENCY, {}),
    "time_to_first_token_p95": (LATENCY, {SLOW: "time_to_first_token_p95"}),
    "error_rate": (ERRORS, {}),
    "fallback_rate": (ERRORS, {KIND: "fallback"}),
}
"""Metrics whose worst requests a page lists, and what chooses them there."""


def linked(frame: pd.DataFrame, metric: str, view: View, **segment: str) -> pd.DataFrame:
    """The numbers of a chart with where each of them leads, if a page lists the worst requests by the metric.

    Args:
        frame: with ``time``, begins of the steps of the metric's curve in milliseconds.
        metric: of the curve.
        view: what is looked at.
        segment: filters that the curve has beside those of the view.
    """
    if metric not in _LISTED:
        return frame
    place, chosen = _LISTED[metric]
    known = {**view.to_url(), **segment, **chosen}
    urls = [f"{place.path}?{urlencode({**known, POINT: int(time // 1000)})}" for time in frame["time"]]
    return frame.assign(**{URL: pd.Series(urls, index=frame.index, dtype="str")})
