"""What a month will have cost, which model costs less, and which limits a page can be compared with."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from driftline_alerts.rule import build
from driftline_dashboard.topics import limits
from driftline_dashboard.topics.cost import _cheaper
from driftline_dashboard.topics.cost_data import Price
from driftline_dashboard.topics.forecast import _t, basis, forecast
from driftline_dashboard.view import View


def test_days_that_are_alike_leave_no_doubt() -> None:
    found = forecast([9.0, *[2.0] * 28], 10.0, 4.5)
    assert (found.value, found.low, found.high) == (19.0, 19.0, 19.0)


def test_whole_weeks_count_so_that_each_day_of_the_week_does_alike() -> None:
    week = [1.0, 1.0, 1.0, 1.0, 1.0, 8.0, 8.0]
    found = forecast([100.0, 100.0, *week, *week], 0.0, 10.0)
    assert basis([0.0] * 16) == 14
    assert found.value == pytest.approx(30.0)


def test_what_is_spent_stays_spent() -> None:
    found = forecast([0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 70.0], 5.0, 3.0)
    assert found.low == 5.0
    assert found.high is not None
    assert found.high > 35.0


def test_fewer_than_seven_whole_days_are_no_basis() -> None:
    found = forecast([1.0] * 6, 3.0, 2.0)
    assert found.value is None
    assert found.reason == "it takes 7 whole days to estimate from, and there are 6"


@pytest.mark.parametrize(("freedom", "known"), [(6, 2.4469), (13, 2.1604), (20, 2.0860), (27, 2.0518)])
def test_students_quantile_is_that_of_the_tables(freedom: int, known: float) -> None:
    assert _t(freedom) == pytest.approx(known, abs=2e-3)


@pytest.mark.parametrize("resemblance", [0.0, 0.6])
def test_the_interval_covers_about_as_often_as_it_says(resemblance: float) -> None:
    chance, left, covered = np.random.default_rng(5), 10, 0
    for _ in range(600):
        noise = np.zeros(60)
        for day in range(1, 60):
            noise[day] = resemblance * noise[day - 1] + chance.normal()
        days = 100.0 + 5.0 * noise[22:]
        found = forecast(days[:28].tolist(), 0.0, float(left))
        assert found.low is not None
        assert found.high is not None
        covered += found.low <= days[28 : 28 + left].sum() <= found.high
    assert covered / 600 > (0.92 if resemblance == 0 else 0.80)


PRICES = {
    "gpt-4o": Price(2.5, 10.0), "gpt-4o-mini": Price(0.15, 0.6), "gpt-nano": Price(0.05, 0.4), "other": Price(0.1, 0.5),
    "deepseek-chat": Price(0.14, 0.55), "deepseek-pro": Price(9.0, 90.0),
}  # fmt: skip


@pytest.mark.parametrize(
    ("spent", "cheaper"),
    [
        ({"gpt-4o": 9.0, "other": 1.0, "gpt-4o-mini": 2.0}, "other"),  # the cheapest of those in use
        ({"gpt-4o": 9.0}, "gpt-4o-mini"),  # else the next of the family
        ({"our-own": float("nan"), "gpt-4o-mini": 1.0}, "gpt-nano"),
        ({"deepseek-chat": 1.0}, "other"),  # nothing of the family is: the next of all
        ({"our-own": 1.6e-6}, "other"),  # by what it cost, as its price is not known
        ({"gpt-nano": 1.0}, ""),
        ({"our-own": float("nan")}, ""),
        ({"our-own": 0.0}, ""),
    ],
)
def test_another_model_is_a_cheaper_one_in_use_of_the_family_or_of_all(spent: dict[str, float], cheaper: str) -> None:
    used = pd.DataFrame(
        {"model": list(spent), "spend": list(spent.values()), "input_tokens": 10.0, "output_tokens": 1.0}
    )
    assert _cheaper(used, PRICES) == cheaper


def test_a_limit_on_a_total_is_about_the_rules_own_segment_only(monkeypatch: pytest.MonkeyPatch) -> None:
    rules = (
        build({"name": "all", "metric": "spend", "window": "24h", "above": 100}),
        build({"name": "each", "metric": "spend", "window": "24h", "above": 9, "group_by": "feature"}),
        build({"name": "hour", "metric": "spend", "window": "1h", "above": 5}),
        build({"name": "slow", "metric": "latency_p95", "window": "15m", "above": 3, "where": {"feature": "a"}}),
        build({"name": "doubled", "metric": "latency_p95", "window": "15m", "above": "2x", "baseline": "24h"}),
    )
    monkeypatch.setattr(limits, "alert_rules", lambda: rules)
    whole, part, other = View(), View().with_filter("feature", "a"), View().with_filter("feature", "b")
    day = timedelta(days=1)
    assert limits.limits(whole, "spend", day) == [(100.0, "limit of the rule all: $100.00")]
    assert limits.limits(part, "spend", day) == [(9.0, "limit of the rule each: $9.00")]
    assert [limit for limit, _ in limits.limits(part, "latency_p95")] == [3.0]
    assert limits.limits(other, "latency_p95") == []
