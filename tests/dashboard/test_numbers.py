"""Changes, grids and sparklines: what stands between the metrics layer and the tiles."""

from __future__ import annotations

import base64
import math
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import pytest

from driftline_dashboard.data import Period
from driftline_dashboard.text import bounded, escape
from driftline_dashboard.view import View, from_url
from driftline_dashboard.widgets.change import change
from driftline_dashboard.widgets.charts_counts import OTHERS, sizes, stacked_shares
from driftline_dashboard.widgets.segments import natural
from driftline_dashboard.widgets.sparkline import sparkline
from driftline_dashboard.widgets.timeline import on_grid
from driftline_store.metrics import METRICS
from driftline_store.metrics_query import Reading

T0 = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def reading(name: str, value: float | None, low: float | None = None, high: float | None = None) -> Reading:
    return Reading(METRICS[name], value, 100, low, high, (T0, T0 + MINUTE))


@pytest.mark.parametrize(
    ("name", "now", "before", "text", "verdict"),
    [
        ("error_rate", (0.05, 0.04, 0.06), (0.02, 0.015, 0.026), "+3.0 pp", "worse"),
        ("error_rate", (0.02, 0.015, 0.026), (0.05, 0.04, 0.06), "−3.0 pp", "better"),
        ("error_rate", (0.05, 0.02, 0.11), (0.04, 0.02, 0.09), "+1.0 pp", "noise"),
        ("quality", (0.82, 0.80, 0.84), (0.90, 0.88, 0.92), "−0.080", "worse"),
        ("quality", (0.90, 0.88, 0.92), (0.82, 0.80, 0.84), "+0.080", "better"),
        ("latency_p95", (2.0,), (1.0,), "+100.0 %", "worse"),
        ("latency_p95", (1.02,), (1.0,), "+2.0 %", "noise"),
        ("requests", (50.0,), (100.0,), "−50.0 %", "plain"),
        ("requests", (50.0,), (0.0,), "new", "plain"),
        ("spend", (3.0,), (3.0,), "±0.0 %", "noise"),
    ],
)
def test_a_change_has_a_sign_a_unit_and_a_verdict(
    name: str, now: tuple[float, ...], before: tuple[float, ...], text: str, verdict: str
) -> None:
    found = change(reading(name, *now), reading(name, *before))
    assert found is not None
    assert (found.text, found.verdict) == (text, verdict)


def test_no_data_has_no_change() -> None:
    assert change(reading("quality", None), reading("quality", 0.9)) is None
    assert change(reading("quality", 0.9), reading("quality", None)) is None


def frame(name: str, minutes: list[int], values: list[float]) -> pd.DataFrame:
    columns: dict[str, Any] = {"bucket": pd.to_datetime([T0 + m * MINUTE for m in minutes]), name: values}
    return pd.DataFrame(columns | {f"{name}__{end}": values for end in ("n", "low", "high")})


def test_a_gap_in_a_share_stays_a_gap_and_in_a_count_is_zero() -> None:
    span = Period(T0, T0 + 5 * MINUTE)
    share = on_grid(frame("error_rate", [1, 3], [0.1, 0.2]), "error_rate", span, MINUTE)["error_rate"]
    assert [None if math.isnan(x) else x for x in share] == [None, 0.1, None, 0.2, None]
    count = on_grid(frame("requests", [1, 3], [7.0, 8.0]), "requests", span, MINUTE)["requests"]
    assert math.isnan(count[0])
    assert count.tolist()[1:] == [7, 0, 8, 0]


@pytest.mark.parametrize(("name", "kept"), [("requests", [2, 4]), ("spend", [2, 4]), ("error_rate", [0, 2, 4])])
def test_what_the_period_cuts_is_left_out_where_it_would_mislead(name: str, kept: list[int]) -> None:
    # Buckets of two minutes; of the first one a half is there, of the last one a quarter.
    span = Period(T0 + MINUTE, T0 + 6 * MINUTE + timedelta(seconds=30))
    grid = on_grid(frame(name, [0, 2, 4, 6], [1.0] * 4), name, span, 2 * MINUTE)
    assert [(bucket - T0) // MINUTE for bucket in grid["bucket"]] == kept


@pytest.mark.parametrize("name", ["requests", "error_rate"])
def test_what_the_period_cuts_is_shown_when_there_is_nothing_else(name: str) -> None:
    span = Period(T0 + MINUTE, T0 + 6 * MINUTE + timedelta(seconds=30))
    grid = on_grid(frame(name, [6], [1.0]), name, span, 2 * MINUTE)
    assert grid[name].iloc[-1] == 1.0


def test_errors_of_the_newest_minute_are_drawn() -> None:
    span = Period(T0, T0 + 4 * MINUTE + timedelta(seconds=5))
    rate = frame("error_rate", [0, 2, 4], [0.0, 0.0, 0.5])
    n = rate[["bucket"]].assign(requests=100)
    counts = pd.DataFrame({"bucket": [rate["bucket"].iloc[-1]] * 2, "key": ["rate_limit", "rare"], "count": [50, 1]})
    colours = {"rate_limit": ("Rate limits", "red"), OTHERS: ("Others", "grey")}
    chart = stacked_shares(counts, n, colours, span, 2 * MINUTE, title="class")
    assert chart is not None
    drawn = chart.data.set_index("kind")
    assert drawn[["share", "bottom", "top"]].to_numpy().tolist() == [[0.5, 0.0, 0.5], [0.01, 0.5, 0.51]]
    assert stacked_shares(counts[:0], n, colours, span, 2 * MINUTE, title="class") is None


def test_a_heat_map_has_the_shares_of_each_bucket() -> None:
    counts = pd.DataFrame({"bucket": pd.to_datetime([T0] * 3), "key": ["0", "5", "6"], "count": [1, 2, 1]})
    cells = sizes(counts, MINUTE)
    assert cells["share"].tolist() == [0.75, 0.25]
    assert cells["low"].tolist() == [1.0, pytest.approx(1.04**6)]
    assert cells["high"].iloc[0] == cells["low"].iloc[1]
    assert cells["end"].iloc[0] - cells["time"].iloc[0] == 60_000


def test_a_sparkline_breaks_where_there_is_no_data() -> None:
    url = sparkline([1.0, 2.0, math.nan, 3.0, 4.0], from_zero=True)
    svg = base64.b64decode(url.split(",")[1]).decode()
    assert svg.count("M") == 2
    assert "nan" not in svg
    assert sparkline([math.nan, 1.0], from_zero=True) == ""
    assert sparkline([0.0, 0.0, 0.0], from_zero=True)


def test_versions_sort_as_people_count() -> None:
    assert sorted(["v10", "v2", "v1", "(none)"], key=natural) == ["(none)", "v1", "v2", "v10"]


def test_markup_shows_as_characters_and_control_characters_not_at_all() -> None:
    assert escape("<a href='x'>\x00\x1b[31m\u202e&\n") == "&lt;a href=&#x27;x&#x27;&gt;[31m&amp;\n"
    assert bounded("abcdef", 4) == "abcd… (2 more characters)"
    assert bounded("abcd", 4) == "abcd"


def test_a_view_survives_its_url() -> None:
    view = View().with_filter("model", "gpt-4o").with_filter("feature", "").with_filter("service", "shop")
    assert from_url(view.to_url()) == view
    assert view.filters == (("service", "shop"), ("feature", ""), ("model", "gpt-4o"))
    assert from_url({"window": "7d"}).to_url() == {"window": "7d"}
    assert view.with_filter("model", None).where == {"service": "shop", "feature": ""}
