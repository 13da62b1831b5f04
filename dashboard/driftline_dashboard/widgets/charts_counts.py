"""Charts of how often what occurred: a heat map of sizes over time, and kinds as stacked shares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import altair as alt
import pandas as pd

from driftline_dashboard.theme import BAD, PALETTE
from driftline_dashboard.widgets.charts import TICKS, leads, milliseconds, time_axis
from driftline_store.histogram import BASE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import timedelta

    from driftline_dashboard.data import Period

_HEAT_HEIGHT: Final = 300
_SHARES_HEIGHT: Final = 250
_BINS: Final = 6
"""Bins of a histogram that are one row of a heat map: a row's upper end is 27 % above its lower one."""
_TICKS: Final = [digit * 10.0**power for power in range(-6, 7) for digit in (1, 2, 5)]
"""Where a logarithmic axis may have a label."""
_LEVELS: Final = 20
"""Steps of a score."""
_SCORES: Final = (-0.5 / _LEVELS, 1 + 0.5 / _LEVELS)
"""Ends of the axis of scores."""
_HOTTEST: Final = 0.25
"""Share of a bucket from which a cell has the full colour."""
OTHERS: Final = "others"
"""Key of what is too rare to be drawn by itself."""


@dataclass(frozen=True)
class Over:
    """What is drawn over a heat map.

    Attributes:
        courses: name -> a frame with ``bucket`` and ``value``, NaN where there is none.
        limits: values that should not be passed.
    """

    courses: Mapping[str, pd.DataFrame]
    limits: Sequence[float] = ()


def sizes(counts: pd.DataFrame, step: timedelta) -> pd.DataFrame:
    """The cells of a heat map of what is counted in logarithmic bins.

    Args:
        counts: ``bucket``, ``key`` and ``count`` of one distribution.
        step: length of a bucket.

    Returns:
        A row per bucket and row of the map: ``time`` and ``end`` (as Vega counts), ``low`` and ``high``, ``count``,
        ``n`` (of the bucket) and ``share`` (of it).
    """
    row = counts["key"].astype("int64") // _BINS
    return _cells(counts, row, BASE ** (row * _BINS), BASE ** ((row + 1) * _BINS), step)


def scores(counts: pd.DataFrame, step: timedelta) -> pd.DataFrame:
    """The same of scores in twentieths; the lowest and the highest row reach half a step beyond 0 and 1."""
    level = counts["key"].astype("int64")
    return _cells(counts, level, (level - 0.5) / _LEVELS, (level + 0.5) / _LEVELS, step)


def _cells(
    counts: pd.DataFrame, row: pd.Series[Any], low: pd.Series[Any], high: pd.Series[Any], step: timedelta
) -> pd.DataFrame:
    placed = counts[["bucket", "count"]].assign(row=row, low=low, high=high)
    cells = placed.groupby(["bucket", "row"], as_index=False).agg({"low": "first", "high": "first", "count": "sum"})
    n = cells.groupby("bucket")["count"].transform("sum")
    start, end = (milliseconds(each) for each in (cells["bucket"], cells["bucket"] + step))
    return cells.assign(time=start, end=end, n=n, share=cells["count"] / n)[
        ["time", "end", "low", "high", "count", "n", "share"]
    ]


def heat_map(cells: pd.DataFrame, span: Period, over: Over, *, title: str, unit: str, log: bool) -> alt.LayerChart:
    """Where the sizes of each bucket lie: the fuller the colour, the more of the bucket.

    Args:
        cells: of ``sizes`` or ``scores``; with ``points.linked`` a click on a cell leads on.
        span: the range of time to show.
        over: lines to draw over it.
        title: of the axis.
        unit: key of ``charts.TICKS``.
        log: whether the axis is logarithmic; otherwise it is that of scores.
    """
    domain = _domain(cells, over) if log else list(_SCORES)
    scale = alt.Scale(type="log" if log else "linear", domain=domain, nice=False, zero=False, clamp=True)
    ticks = [tick for tick in _TICKS if domain[0] <= tick <= domain[1]]
    axis = alt.Axis(title=title, labelExpr=TICKS[unit], tickCount=5, grid=False, values=ticks if log else alt.Undefined)
    y = alt.Y("low:Q", scale=scale, axis=axis)
    layers: list[Any] = [
        alt.Chart(cells)
        .mark_rect(color=PALETTE[0], clip=True, aria=False)
        .encode(
            x=time_axis(span),
            x2="end:T",
            y=y,
            y2="high:Q",
            opacity=alt.Opacity(
                "share:Q",
                scale=alt.Scale(type="sqrt", domain=[0, _HOTTEST], range=[0.04, 0.9], clamp=True),
                legend=None,
            ),
            tooltip=[
                alt.Tooltip("time:T", title="from", format="%d %b %H:%M"),
                alt.Tooltip("low:Q", title="at least", format=".3~g"),
                alt.Tooltip("high:Q", title="below", format=".3~g"),
                alt.Tooltip("share:Q", title="share of them", format=".1%"),
                alt.Tooltip("count:Q", title="how many", format=","),
                alt.Tooltip("n:Q", title="of", format=","),
            ],
            **leads(cells),
        )
    ]
    layers += _courses(over.courses, scale)
    layers += _rules(over.limits, scale)
    chart: alt.LayerChart = alt.layer(*layers).properties(height=_HEAT_HEIGHT).configure_view(strokeWidth=0)
    return chart


def _domain(cells: pd.DataFrame, over: Over) -> list[float]:
    return [float(cells["low"].min()), max(float(cells["high"].max()), *(limit * 1.1 for limit in over.limits), 0.0)]


def _courses(courses: Mapping[str, pd.DataFrame], scale: alt.Scale) -> list[alt.Chart]:
    frames = [
        pd.DataFrame({"time": milliseconds(course["bucket"]), "value": course["value"], "line": name})
        for name, course in courses.items()
    ]
    if not frames:
        return []
    lines: alt.Chart = (
        alt.Chart(pd.concat(frames))
        .mark_line(strokeWidth=1.8, clip=True, point={"size": 14})
        .encode(
            x="time:T",
            y=alt.Y("value:Q", scale=scale),
            color=alt.Color(
                "line:N",
                scale=alt.Scale(domain=list(courses), range=list(PALETTE[1 : 1 + len(courses)])),
                legend=alt.Legend(title=None, orient="top"),
            ),
        )
    )
    return [lines]


def _rules(limits: Sequence[float], scale: alt.Scale) -> list[alt.Chart]:
    rules: alt.Chart = (
        alt.Chart(pd.DataFrame({"limit": list(limits)}))
        .mark_rule(strokeDash=[6, 4], strokeWidth=1.5, color=BAD)
        .encode(y=alt.Y("limit:Q", scale=scale))
    )
    return [rules] if limits else []


def stacked_shares(
    counts: pd.DataFrame,
    n: pd.DataFrame,
    colours: Mapping[str, tuple[str, str]],
    span: Period,
    step: timedelta,
    *,
    title: str,
) -> alt.Chart | None:
    """Kinds as stacked shares of the requests of each bucket; None where none occurred.

    Args:
        counts: ``bucket``, ``key`` and ``count`` of one distribution.
        n: ``bucket`` and ``requests``.
        colours: key -> what it is called, and its colour; keys that are not in it are drawn as ``OTHERS``.
        span: the range of time to show.
        step: length of a bucket.
        title: of the kinds.
    """
    keys = counts["key"].where(counts["key"].isin(list(colours)), OTHERS)
    wide = counts.assign(key=keys).pivot_table(index="bucket", columns="key", values="count", aggfunc="sum")
    requests = n.set_index("bucket")["requests"].reindex(wide.index)
    kinds = [key for key in colours if key in wide]
    shares = wide.reindex(columns=kinds).div(requests, axis=0).fillna(0.0)[requests.gt(0).to_numpy()]
    if shares.empty:
        return None
    # Stacked here, because a bar that ends at a time cannot be stacked there.
    tops = shares.cumsum(axis=1)
    start = shares.index.to_series()
    frames = [
        pd.DataFrame({
            "time": milliseconds(start), "end": milliseconds(start + step), "kind": colours[key][0],
            "share": shares[key], "top": tops[key], "bottom": tops[key] - shares[key],
            "count": wide[key].reindex(shares.index), "n": requests.reindex(shares.index),
        })
        for key in kinds
    ]  # fmt: skip
    long = pd.concat(frames)
    chart: alt.Chart = (
        alt.Chart(long[long["share"] > 0])
        .mark_rect(clip=True)
        .encode(
            x=time_axis(span),
            x2="end:T",
            y=alt.Y(
                "bottom:Q",
                scale=alt.Scale(domain=[0, float(long["top"].max()) * 1.05]),
                axis=alt.Axis(title="Share of requests (%)", labelExpr=TICKS["percent"], tickCount=4),
            ),
            y2="top:Q",
            color=alt.Color(
                "kind:N",
                scale=alt.Scale(domain=[colours[key][0] for key in kinds], range=[colours[key][1] for key in kinds]),
                legend=alt.Legend(title=None, orient="top", labelLimit=140, columns=4),
            ),
            tooltip=[
                alt.Tooltip("time:T", title="from", format="%d %b %H:%M"),
                alt.Tooltip("kind:N", title=title),
                alt.Tooltip("share:Q", title="share of requests", format=".2%"),
                alt.Tooltip("count:Q", title="how many", format=","),
                alt.Tooltip("n:Q", title="requests", format=","),
            ],
        )
        .properties(height=_SHARES_HEIGHT)
        .configure_view(strokeWidth=0)
    )
    return chart
