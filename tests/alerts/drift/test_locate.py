"""What is said at an alert: since when, how much, how surely, and whether anybody is called."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drift_streams import LEVELS, judged
from driftline_alerts.drift.locate import decide, locate
from driftline_alerts.drift.moments import Moments

BEFORE = Moments.of_counts(LEVELS, judged(0.10) * 5000)


def _rollups(rng: np.random.Generator, harm: float, rollups: int, n: int = 10) -> np.ndarray:
    found: np.ndarray = rng.choice(LEVELS, size=(rollups, n), p=judged(harm)).sum(axis=1)
    return found


def test_a_change_is_located_with_its_size() -> None:
    rng = np.random.default_rng(1)
    total = np.concatenate([_rollups(rng, 0.10, 300), _rollups(rng, 0.25, 50)])
    change = locate(np.full(350, 10.0), total, BEFORE)
    assert change is not None
    assert change.earliest <= 300 <= change.latest + 1
    assert abs(change.start - 300) <= 3
    assert change.low < 0.25 < change.high
    assert change.level == pytest.approx(0.25, abs=0.04)
    assert change.n == 10 * (350 - change.start)


def test_the_intervals_hold_the_truth_as_often_as_they_say() -> None:
    rng = np.random.default_rng(2)
    holds_level, holds_start = 0, 0
    for _ in range(300):
        total = np.concatenate([_rollups(rng, 0.10, 200), _rollups(rng, 0.15, 40)])
        change = locate(np.full(240, 10.0), total, BEFORE)
        assert change is not None
        holds_level += change.low <= 0.15 <= change.high
        holds_start += change.earliest <= 201 and change.latest >= 199
    assert holds_level >= 0.95 * 300
    assert holds_start >= 0.95 * 300


def test_nothing_above_the_baseline_is_no_change() -> None:
    assert locate(np.full(20, 10.0), np.full(20, 0.5), BEFORE) is None
    assert locate(np.zeros(0), np.zeros(0), BEFORE) is None
    assert locate(np.zeros(5), np.zeros(5), BEFORE) is None


def test_rollups_without_data_do_not_move_the_start() -> None:
    n, total = np.full(60, 10.0), np.concatenate([np.full(40, 1.0), np.full(20, 4.0)])
    n[30:40] = total[30:40] = 0.0
    change = locate(n, total, BEFORE)
    assert change is not None
    assert change.start == 40


def test_a_first_error_after_none_is_a_change_of_a_finite_size() -> None:
    change = locate(np.full(10, 100.0), np.array([0.0] * 9 + [20.0]), Moments(20_000, 0.0, 0.0))
    assert change is not None
    assert change.start == 9
    assert 0 < change.low < 0.2 < change.high < 0.4


def test_overdispersion_and_a_small_baseline_widen_what_is_said() -> None:
    rng = np.random.default_rng(3)
    total = np.concatenate([_rollups(rng, 0.10, 100), _rollups(rng, 0.20, 30)])
    n = np.full(130, 10.0)
    plain = locate(n, total, BEFORE)
    careful = locate(n, total, BEFORE, phi=3.0)
    unsure = locate(n, total, Moments(100, BEFORE.mean, BEFORE.variance))
    assert plain is not None
    for wider in (careful, unsure):
        assert wider is not None
        assert wider.high - wider.low > plain.high - plain.low
        assert wider.latest - wider.earliest >= plain.latest - plain.earliest


@given(
    st.lists(st.tuples(st.integers(0, 50), st.floats(0, 1)), max_size=40),
    st.floats(0, 1),
    st.integers(1, 100_000),
    st.floats(1, 10),
)
def test_a_change_lies_where_its_intervals_say(
    rollups: list[tuple[int, float]], mean: float, size: int, phi: float
) -> None:
    n = np.array([count for count, _ in rollups], dtype=np.float64)
    total = n * np.array([value for _, value in rollups], dtype=np.float64)
    change = locate(n, total, Moments(size, mean, mean * (1 - mean)), phi=phi)
    if change is not None:
        assert 0 <= change.earliest <= change.start
        assert change.start <= change.latest or n[change.latest : change.start].sum() == 0
        assert 0 <= change.low <= change.level + 1e-9
        assert change.level <= change.high + 1e-9
        assert change.high <= 1
        assert change.effect > 0


@pytest.mark.parametrize(
    ("before", "after", "absolute", "relative", "decision"),
    [
        (0.10, 0.12, 0.02, 0.0, "page"),
        (0.10, 0.119, 0.02, 0.0, "notice"),
        (0.001, 0.0025, 0.002, 0.25, "notice"),
        (0.02, 0.023, 0.002, 0.25, "notice"),
        (0.02, 0.025, 0.002, 0.25, "page"),
        (1.0, 1.1, 0.0, 0.1, "page"),
        (-400.0, -350.0, 0.0, 0.1, "page"),
        (0.1, 0.05, 0.02, 0.0, "notice"),
    ],
)
def test_only_an_effect_that_reaches_both_least_ones_pages(
    before: float, after: float, absolute: float, relative: float, decision: str
) -> None:
    assert decide(before, after, absolute=absolute, relative=relative) == decision
