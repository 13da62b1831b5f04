"""Intervals that are looked at as often as one likes."""

from __future__ import annotations

import math

import numpy as np
import pytest

from drift_streams import LEVELS, judged
from driftline_alerts.drift.confidence import half_width


def test_the_half_width_is_that_of_the_formula() -> None:
    variance, scale = 0.036 / 5000 * 2, 0.02
    ratio = scale**2 / variance
    expected = math.sqrt(variance * (1 + variance / scale**2) * math.log((1 + ratio) / 0.05**2))
    assert half_width(variance, scale) == pytest.approx(expected, rel=1e-12)
    assert half_width(0.0, scale) == 0.0


def test_it_is_wider_than_that_of_one_look_and_narrows_with_the_data() -> None:
    sizes = (200, 2_000, 20_000, 200_000)
    widths = [half_width(0.04 / n, 0.02) for n in sizes]
    assert widths == sorted(widths, reverse=True)
    assert all(width > 1.96 * math.sqrt(0.04 / n) for width, n in zip(widths, sizes, strict=True))


def test_it_holds_the_truth_at_every_look_in_95_of_100_runs() -> None:
    rng = np.random.default_rng(5)
    y = rng.choice(LEVELS, size=(200, 4000), p=judged(0.15))
    n = np.arange(1, 4001)
    mean = np.cumsum(y, axis=1) / n
    variance = np.cumsum(y**2, axis=1) / n - mean**2
    looks = range(100, 4000, 40)
    misses = 0
    for of_mean, of_variance in zip(mean, variance, strict=True):
        off = [abs(of_mean[at] - 0.15) > half_width(of_variance[at] / (at + 1), 0.05) for at in looks]
        misses += any(off)
    assert misses <= 0.05 * 200
