"""Rhythm and overdispersion are found where they are, and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest

from drift_streams import hourly_flags
from driftline_alerts.drift.hourly import HOUR, Hourly, hour_of_week, hour_of_week_at
from driftline_alerts.drift.overdispersion import overdispersion
from driftline_alerts.drift.seasonal import learn

MONDAY = 4 * 24
"""The hour at which 1970-01-05 began, a Monday."""


def _by_day(hours: int, swing: float) -> np.ndarray:
    return 1 + swing * np.sin(2 * np.pi * np.arange(hours) / 24)


def test_hours_of_the_week_are_counted_from_monday_in_utc() -> None:
    assert hour_of_week(np.array([MONDAY, MONDAY + 167, MONDAY + 168])).tolist() == [0, 167, 0]
    assert hour_of_week_at((MONDAY + 25) * HOUR + 1799.5) == 25


@pytest.mark.parametrize("swing", [0.25, 0.5])
def test_a_daily_rhythm_becomes_offsets(swing: float) -> None:
    hours = 14 * 24
    rate = 0.05 * _by_day(hours, swing)
    season = learn(hourly_flags(np.random.default_rng(1), rate, np.full(hours, 400.0), first_hour=MONDAY))
    assert season.p_value < 1e-6
    assert season.phi < 2.5
    truth = np.log(rate / (1 - rate))[:168] - np.log(0.05 / 0.95)
    assert season.offsets == pytest.approx(truth, abs=0.12)


def test_a_steady_stream_has_no_offsets_and_no_overdispersion() -> None:
    rng = np.random.default_rng(2)
    found = [learn(hourly_flags(rng, np.full(336, 0.05), np.full(336, 40.0))) for _ in range(60)]
    assert sum(season.offsets.any() for season in found) <= 2
    assert np.mean([season.phi for season in found]) < 1.2


def test_less_than_two_weeks_give_no_offsets() -> None:
    hours = 13 * 24
    season = learn(hourly_flags(np.random.default_rng(3), 0.05 * _by_day(hours, 0.5), np.full(hours, 400.0)))
    assert not season.offsets.any()
    assert season.p_value == 1.0
    assert season.phi > 1.5


def test_the_weekend_is_told_apart_from_four_weeks_on() -> None:
    hours = 28 * 24
    is_weekend = hour_of_week(MONDAY + np.arange(hours)) >= 120
    rate = np.where(is_weekend, 0.10, 0.05)
    rng = np.random.default_rng(4)
    four = learn(hourly_flags(rng, rate, np.full(hours, 200.0), first_hour=MONDAY))
    assert four.offsets[120:].mean() - four.offsets[:120].mean() == pytest.approx(
        np.log(0.1 / 0.9 / 0.05 * 0.95), abs=0.1
    )
    half = slice(0, 14 * 24)
    two = learn(hourly_flags(rng, rate[half], np.full(14 * 24, 200.0), first_hour=MONDAY))
    assert two.offsets[120:].mean() == pytest.approx(two.offsets[:120].mean(), abs=0.05)


def test_hours_never_seen_are_not_extrapolated() -> None:
    hours = np.array([MONDAY + day * 24 + hour for day in range(14) for hour in range(9, 17)])
    rate = 0.02 + 0.01 * (hours % 24 - 9)
    n = np.full(len(hours), 500.0)
    hits = np.random.default_rng(5).binomial(500, rate).astype(np.float64)
    season = learn(Hourly(hours, n, hits, hits))
    seen = season.offsets[hour_of_week(hours)]
    assert season.p_value < 0.01
    assert season.offsets.min() == pytest.approx(seen.min())
    assert season.offsets.max() == pytest.approx(seen.max())


@pytest.mark.parametrize("total", [0.0, 1.0])
def test_a_stream_that_never_varies_has_neither(total: float) -> None:
    n = np.full(400, 10.0)
    season = learn(Hourly(np.arange(400), n, n * total, n * total))
    assert not season.offsets.any()
    assert season.phi == 1.0
    empty = np.zeros(0)
    assert learn(Hourly(np.zeros(0, dtype=np.int64), empty, empty, empty)).phi == 1.0


def test_traffic_of_one_hour_a_day_has_no_rhythm_that_could_be_known() -> None:
    hours, n = np.arange(20) * 24 + 9, np.full(20, 100.0)
    hits = np.random.default_rng(6).binomial(100, 0.1, 20).astype(np.float64)
    assert not learn(Hourly(hours, n, hits, hits)).offsets.any()


def _wandering(rng: np.random.Generator, block: int, n: np.ndarray, deviation: float) -> Hourly:
    effect = np.repeat(rng.normal(0, deviation, len(n) // block), block)
    return hourly_flags(rng, np.clip(0.1 * (1 + effect), 0, 1), n)


@pytest.mark.parametrize(("block", "deviation"), [(1, 0.5), (4, 0.25), (24, 0.12)])
def test_overdispersion_is_found_at_the_length_at_which_it_lives(block: int, deviation: float) -> None:
    rng = np.random.default_rng(7)
    n = np.full(60 * 24, 50.0)
    found = np.median([overdispersion(_wandering(rng, block, n, deviation), np.full(len(n), 0.1)) for _ in range(20)])
    truth = 1 + 50 * block * (0.1 * deviation) ** 2 / 0.09
    assert truth * 0.95 < found < truth * 1.7


def test_busy_hours_weigh_in_overdispersion_as_a_sum_feels_them() -> None:
    rng = np.random.default_rng(8)
    n = np.where(np.arange(60 * 24) % 24 < 12, 200.0, 10.0)
    found, sums = [], []
    for _ in range(60):
        hours = _wandering(rng, 1, n, 0.4)
        found.append(overdispersion(hours, np.full(len(n), 0.1)))
        sums.append(hours.total.sum())
    felt = np.var(sums) / (n.sum() * 0.09)
    assert felt / 1.6 < np.median(found) < felt * 1.6


def test_a_few_rare_events_are_not_taken_for_overdispersion() -> None:
    rng = np.random.default_rng(9)
    n = np.full(336, 20.0)
    found = [overdispersion(hourly_flags(rng, np.full(336, 0.002), n), np.full(336, 0.002)) for _ in range(60)]
    assert sum(phi > 1 for phi in found) <= 12


def test_overdispersion_is_capped() -> None:
    total = np.tile([50.0, 0.0], 200)
    assert overdispersion(Hourly(np.arange(400), np.full(400, 50.0), total, total), np.full(400, 0.5)) == 10.0
