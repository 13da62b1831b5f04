"""A series as one line of text, for where no picture can be shown."""

from __future__ import annotations

from statistics import fmean
from typing import TYPE_CHECKING, Final

from driftline_store.metrics import METRICS
from driftline_store.metrics_format import NO_DATA, format_value

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from driftline_alerts.message import Series

    Point = tuple[datetime, float | None]

_BARS: Final = "▁▂▃▄▅▆▇█"
_GAP: Final = "·"
_BEGIN: Final = "|"
_GREATEST: Final = 1e100
"""Differences of greater values can be infinite."""
_WIDTH: Final = 40
"""Most characters, so that it stays on one line on a phone."""


def sparkline(series: Series) -> str:
    """The course of it: a bar for each stretch of time, low to high, and ``|`` where something began to be wrong.

    Stretches without a value are dots. A series without any value is empty.
    """
    stretches = _stretches(known(series))
    values = [_mean(stretch) for stretch in stretches]
    there = [value for value in values if value is not None]
    if not there:
        return ""
    low, high = min(there), max(there)
    bars = [_GAP if value is None else _bar(value, low, high) for value in values]
    began = sum(1 for stretch in stretches if stretch[-1][0] < series.started)
    if 0 < began < len(bars):
        bars.insert(began, _BEGIN)
    return "".join(bars)


def spread(series: Series) -> tuple[str, str]:
    """The least and the greatest value, with their unit; ``n/a`` where there is none."""
    there = [value for _, value in known(series) if value is not None]
    return number(series, min(there, default=None)), number(series, max(there, default=None))


def number(series: Series, value: float | None) -> str:
    """A value of the series' metric with its unit; plain where another version of Driftline named the metric."""
    metric = METRICS.get(series.metric)
    if value is None or metric is None:
        return NO_DATA if value is None else f"{value:g}"
    return format_value(metric, value)


def name(series: Series) -> str:
    """The metric's title."""
    metric = METRICS.get(series.metric)
    return metric.title if metric else series.metric


def known(series: Series) -> list[tuple[datetime, float | None]]:
    """The points, without values that cannot be drawn."""
    return [(moment, value if _can_be_drawn(value) else None) for moment, value in series.points]


def _can_be_drawn(value: float | None) -> bool:
    return value is not None and abs(value) < _GREATEST  # which NaN is not


def _bar(value: float, low: float, high: float) -> str:
    return _BARS[round((value - low) / (high - low) * (len(_BARS) - 1))] if high > low else _BARS[len(_BARS) // 2]


def _mean(stretch: Sequence[Point]) -> float | None:
    there = [value for _, value in stretch if value is not None]
    return fmean(there) if there else None


def _stretches(points: Sequence[Point]) -> list[Sequence[Point]]:
    """At most so many as fit, of equal length but for the last."""
    size = -(-len(points) // _WIDTH) or 1
    return [points[start : start + size] for start in range(0, len(points), size)]
