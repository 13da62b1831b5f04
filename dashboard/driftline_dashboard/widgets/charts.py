"""Charts over time: small multiples of a metric, a picture a segment."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import altair as alt
import pandas as pd

from driftline_dashboard.text import day_and_time
from driftline_dashboard.theme import MUTED
from driftline_dashboard.widgets.points import URL
from driftline_dashboard.widgets.tiles import NO_DATA
from driftline_store.metrics_format import format_interval, format_value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from driftline_dashboard.data import Period
    from driftline_store.metrics import Metric

_HEIGHT: Final = 190
_UNITS: Final = {"percent": "%", "seconds": "s", "money": "USD", "score": "0 to 1"}
TICKS: Final = {
    "percent": "format(datum.value * 100, '.3~g') + ' %'",
    "seconds": "format(datum.value, '.3~g') + ' s'",
    "money": "'$' + format(datum.value, '.2~g')",
    "score": "format(datum.value, '.2f')",
    "count": "format(datum.value, ',.3~g')",
}
"""How the numbers on an axis are written, by the format of a metric."""


@dataclass(frozen=True)
class Line:
    """One segment's course.

    Attributes:
        points: of ``timeline.on_grid``.
        lead: adds to the numbers of the chart where a click on them leads.
    """

    name: str
    colour: str
    points: pd.DataFrame
    lead: Callable[[pd.DataFrame], pd.DataFrame] = lambda frame: frame


def small_multiples(
    metric: Metric, lines: list[Line], span: Period, marks: Sequence[alt.Chart] = ()
) -> list[alt.LayerChart]:
    """A chart a segment on common scales, each with the others in grey behind it, and the marks on all of them."""
    frames = {line.name: _frame(metric, line) for line in lines}
    y = _scale(metric, pd.concat(frames.values()))
    x = time_axis(span)
    return [_one(metric, line, frames, (x, y), marks) for line in lines]


def milliseconds(moments: pd.Series[Any]) -> pd.Series[Any]:
    """Times as Vega counts them; it shows them on the visitor's clock. Other types change on their way there."""
    counted: pd.Series[Any] = moments.dt.as_unit("ms").astype("int64").astype("float64")
    return counted


def _frame(metric: Metric, line: Line) -> pd.DataFrame:
    points = line.points
    name = metric.name
    frame = pd.DataFrame(
        {
            "time": milliseconds(points["bucket"]),
            "segment": line.name,
            "value": points[name],
            "low": points[f"{name}__low"],
            "high": points[f"{name}__high"],
        }
    )
    frame["shown"] = [format_value(metric, value) for value in points[name]]
    ends = zip(points[f"{name}__low"], points[f"{name}__high"], strict=True)
    frame["interval"] = [format_interval(metric, low, high) for low, high in ends]
    frame["n"] = points[f"{name}__n"].fillna(0).astype("int64")
    return line.lead(frame)


def leads(frame: pd.DataFrame) -> dict[str, alt.Href]:
    """How numbers become links, where they lead anywhere."""
    return {"href": alt.Href(f"{URL}:N")} if URL in frame else {}


def _scale(metric: Metric, frame: pd.DataFrame) -> alt.Y:
    # A bucket with few answers has an interval that would flatten all lines; it runs off the picture instead.
    low = min(float(frame["value"].min()) - 0.05, float(frame["low"].quantile(0.1)))
    high = max(float(frame["value"].max()) * 1.1, float(frame["high"].quantile(0.9)))
    if metric.better == "higher":
        low, top = (max(low, 0.0) if math.isfinite(low) else 0.0), 1.0
    else:
        low, top = 0.0, (high if math.isfinite(high) and high > 0 else 1.0)
    return alt.Y(
        "value:Q",
        scale=alt.Scale(domain=[low, top], nice=False, zero=False, clamp=True),
        axis=alt.Axis(title=_axis_title(metric), labelExpr=TICKS[metric.format], tickCount=4, labelLimit=90),
    )


def _axis_title(metric: Metric) -> str:
    unit = _UNITS.get(metric.format)
    return f"{metric.title} ({unit})" if unit else metric.title


def time_axis(span: Period) -> alt.X:
    """The horizontal axis of a range of time, on the visitor's clock."""
    # A number is no time here: Vega takes a lone one for a year.
    low, high = (
        alt.DateTime(year=end.year, month=end.month, date=end.day, hours=end.hour, minutes=end.minute,
                     seconds=end.second, utc=True)
        for end in (span.since, span.until)
    )  # fmt: skip
    return alt.X(
        "time:T",
        scale=alt.Scale(domainMin=low, domainMax=high),
        axis=alt.Axis(title=None, tickCount=5, labelOverlap=True, format=_time_format(span), grid=False),
    )


def _time_format(span: Period) -> str:
    return "%d %b" if (span.until - span.since).days > 1 else "%H:%M"


def _one(
    metric: Metric,
    line: Line,
    frames: Mapping[str, pd.DataFrame],
    axes: tuple[alt.X, alt.Y],
    marks: Sequence[alt.Chart],
) -> alt.LayerChart:
    x, y = axes
    others = [frame for name, frame in frames.items() if name != line.name]
    own = alt.Chart(frames[line.name])
    tooltip = [
        alt.Tooltip("time:T", title="from", format="%d %b %H:%M"),
        alt.Tooltip("shown:N", title=metric.title),
        alt.Tooltip("n:Q", title=metric.n_label, format=","),
    ]
    layers: list[Any] = [*marks]
    if others:
        behind = alt.Chart(pd.concat(others)).mark_line(strokeWidth=1, opacity=0.45, color=MUTED, clip=True)
        layers.append(behind.encode(x="time:T", y=y, detail="segment:N"))
    if metric.interval:
        tooltip.insert(2, alt.Tooltip("interval:N", title="95 % interval"))
        band = own.mark_area(color=line.colour, opacity=0.18, clip=True).encode(x="time:T", y="low:Q", y2="high:Q")
        layers.append(band)
    layers.append(own.mark_line(color=line.colour, strokeWidth=2, clip=True).encode(x=x, y=y))
    points = own.mark_circle(color=line.colour, size=22, opacity=1, clip=True)
    layers.append(points.encode(x="time:T", y=y, tooltip=tooltip, **leads(frames[line.name])))
    chart: alt.LayerChart = alt.layer(*layers).properties(height=_HEIGHT).configure_view(strokeWidth=0)
    return chart


def words(metric: Metric, line: Line, span: Period) -> str:
    """A line for whoever does not see it."""
    of = f" of {line.name}" if line.name else ""
    known = line.points[metric.name].dropna()
    if known.empty:
        return f"{metric.title}{of}: {NO_DATA}."
    first, last, low, high = (
        format_value(metric, value) for value in (known.iloc[0], known.iloc[-1], known.min(), known.max())
    )
    return (
        f"{metric.title}{of} from {day_and_time(span.since)} to {day_and_time(span.until)}: "
        f"first {first}, last {last}, between {low} and {high}."
    )
