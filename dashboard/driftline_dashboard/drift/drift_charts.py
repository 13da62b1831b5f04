"""The evidence of a monitor over time, as a share of what raises an alarm, in powers of ten."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import altair as alt
import pandas as pd

from driftline_alerts.drift.contract_words import STATES
from driftline_dashboard.theme import BAD, PALETTE
from driftline_dashboard.widgets.charts import milliseconds, time_axis

if TYPE_CHECKING:
    from collections.abc import Sequence

    from driftline_dashboard.data import Period

FLOOR: Final = 0.001
CEILING: Final = 1_000.0
"""Evidence beyond these is drawn at them: what is quieter is noise, and what is louder is no more certain to people."""
_HEIGHT: Final = 220
_TICKS: Final = (0.001, 0.01, 0.1, 1.0, 10.0, 100.0, 1000.0)


def evidence(course: pd.DataFrame, span: Period, marks: Sequence[alt.Chart]) -> alt.LayerChart:
    """Steps of ``drift_data.course`` below or above the line of an alarm, with other marks on the same time."""
    frame = pd.DataFrame(
        {
            "time": milliseconds(course["at"]),
            "evidence": course["evidence"].clip(FLOOR, CEILING),
            "floor": FLOOR,
            "shown": [f"{value:,.2%} of an alarm" for value in course["evidence"]],
            "state": [STATES.get(state, state) for state in course["state"]],
        }
    )
    top = max(3.0, float(frame["evidence"].max()) * 1.5) if len(frame) else 3.0
    y = alt.Y(
        "evidence:Q",
        scale=alt.Scale(type="log", domain=[FLOOR, top], nice=False, clamp=True),
        axis=alt.Axis(
            title="% of an alarm",
            values=[tick for tick in _TICKS if tick <= top],
            labelExpr="format(datum.value * 100, ',~g') + ' %'",
            labelOverlap=False,
        ),
    )
    tooltip = [
        alt.Tooltip("time:T", title="from", format="%d %b %H:%M"),
        alt.Tooltip("shown:N", title="evidence"),
        alt.Tooltip("state:N", title="state"),
    ]
    own = alt.Chart(frame)
    layers: list[Any] = [
        *marks,
        own.mark_area(interpolate="step-after", color=PALETTE[0], opacity=0.15, clip=True).encode(
            x=time_axis(span), y=y, y2="floor:Q"
        ),
        own.mark_line(interpolate="step-after", color=PALETTE[0], strokeWidth=2, clip=True).encode(x="time:T", y=y),
        own.mark_circle(color=PALETTE[0], size=22, opacity=1, clip=True).encode(x="time:T", y=y, tooltip=tooltip),
        alt.Chart(pd.DataFrame({"evidence": [1.0], "what": ["alarm"]}))
        .mark_rule(color=BAD, strokeWidth=1.5)
        .encode(y=y, tooltip=[alt.Tooltip("what:N", title="from here on")]),
    ]
    chart: alt.LayerChart = alt.layer(*layers).properties(height=_HEIGHT).configure_view(strokeWidth=0)
    return chart
