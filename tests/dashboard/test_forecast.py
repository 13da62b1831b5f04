"""What a month will have cost: the estimate, its interval, and when there is none."""

from __future__ import annotations

import numpy as np
import pytest

from driftline_dashboard.forecast import _t, basis, forecast


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
