"""Counts and sums say the same about a sample."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drift_streams import LEVELS
from driftline_alerts.drift.moments import Moments


@given(st.lists(st.integers(0, 1000), min_size=11, max_size=11))
def test_they_are_those_of_the_values_themselves(counts: list[int]) -> None:
    found = Moments.of_counts(LEVELS, np.array(counts, dtype=np.float64))
    values = np.repeat(LEVELS, counts)
    assert found.n == len(values)
    assert found.mean == pytest.approx(values.mean() if len(values) else 0.0)
    assert found.variance == pytest.approx(values.var() if len(values) else 0.0, abs=1e-12)


def test_one_more_is_half_a_0_and_half_a_1() -> None:
    assert Moments(0, 0, 0).with_one_more() == Moments(1, 0.5, 0.25)
    rate = Moments(99, 0.0, 0.0).with_one_more()
    assert rate.mean == pytest.approx(0.005)
    assert rate.variance == pytest.approx(0.005 * 0.995)
