"""Differences of all metrics on one axis: in multiples of the smallest change that matters, worse to the right."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import altair as alt
import pandas as pd

from driftline_alerts.drift.compare_words import change_of, interval
from driftline_dashboard.theme import BAD, MUTED, PALETTE
from driftline_store.statement import STATEMENT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from driftline_alerts.drift.compare_sides import Compared

_FURTHEST: Final = 50.0
"""Multiples beyond which it is drawn at the edge."""
COLOURS: Final = {
    "worse": BAD,
    "better": PALETTE[2],
    "different": PALETTE[1],
    "equivalent": PALETTE[0],
    "keep going": MUTED,
}
_SHAPES: Final = ("triangle-right", "triangle-left", "diamond", "circle", "cross")


def numbers(found: Sequence[Compared], statement: str) -> pd.DataFrame:
    """The comparison as a file: a row a metric, in the order given; with the statement that it was made of."""
    rows = [
        {
            "metric": one.metric.definition.title,
            "a": one.result.a,
            "b": one.result.b,
            "n_a": one.result.n_a,
            "n_b": one.result.n_b,
            "change": one.result.change,
            "low": one.result.low,
            "high": one.result.high,
            "smallest_that_matters": one.result.least,
            "e_value": one.result.evidence,
            "verdict": one.result.verdict,
        }
        for one in found
    ]
    frame = pd.DataFrame(rows)
    frame.attrs[STATEMENT] = statement
    return frame


def forest(found: Sequence[Compared]) -> alt.LayerChart:
    """A point a metric with its interval, if it has one, and the zone in which a difference does not matter."""
    frame = pd.DataFrame([_row(one) for one in found])
    most = 1.1 * max(2.0, float(frame[["point", "first", "last"]].abs().max().max()))
    x = alt.X(
        "point:Q",
        scale=alt.Scale(type="symlog", constant=1, domain=[-most, most], nice=False, clamp=True),
        axis=alt.Axis(
            title="← better · times the smallest change that matters · worse →",
            values=[-50, -10, -5, -2, -1, 0, 1, 2, 5, 10, 50],
            format="~g",
            labelExpr="abs(datum.value)",
        ),
    )
    y = alt.Y("metric:N", sort=list(frame["metric"]), axis=alt.Axis(title=None, labelLimit=190))
    names = list(COLOURS)
    colour = alt.Color(
        "verdict:N",
        scale=alt.Scale(domain=names, range=list(COLOURS.values())),
        legend=alt.Legend(title="B is", orient="top", columns=5),
    )
    shape = alt.Shape("verdict:N", scale=alt.Scale(domain=names, range=list(_SHAPES)), legend=None)
    tooltip = [alt.Tooltip(f"{name}:N") for name in ("metric", "difference", "interval", "verdict")]
    zone = alt.Chart(pd.DataFrame({"from": [-1.0], "to": [1.0]}))
    base = alt.Chart(frame)
    layers: list[Any] = [
        zone.mark_rect(color=MUTED, opacity=0.16).encode(x=alt.X("from:Q"), x2="to:Q"),
        alt.Chart(pd.DataFrame({"point": [0.0]})).mark_rule(color=MUTED).encode(x=x),
        alt.Chart(frame.dropna(subset=["first"]))
        .mark_rule(strokeWidth=2, clip=True)
        .encode(x=alt.X("first:Q"), x2="last:Q", y=y, color=colour),
        base.mark_point(size=80, filled=True, opacity=1, clip=True).encode(
            x=x, y=y, color=colour, shape=shape, tooltip=tooltip
        ),
    ]
    chart: alt.LayerChart = (
        alt.layer(*layers).properties(height=alt.Step(24)).configure_view(strokeWidth=0).configure_axisY(grid=True)
    )
    return chart


def _row(one: Compared) -> dict[str, Any]:
    result, metric = one.result, one.metric
    sign = -1 if metric.definition.better == "higher" else 1
    change = result.change or 0.0
    first, last = (math.nan if end is None else end for end in (result.low, result.high))
    return {
        "metric": metric.definition.title,
        "point": _within(sign * change / result.least),
        "first": _within(sign * first / result.least),
        "last": _within(sign * last / result.least),
        "difference": change_of(metric, change),
        "interval": interval(one),
        "verdict": result.verdict,
    }


def _within(multiple: float) -> float:
    return multiple if math.isnan(multiple) else max(min(multiple, _FURTHEST), -_FURTHEST)
