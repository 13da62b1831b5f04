"""A recovery is found soon, seldom declared falsely, and unaffected by order, rollups and restarts."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drift_streams import LEVELS, judged
from driftline_alerts.drift.recovery import DAY, PROVEN, Recovery

A_DAY = 1000


def _started(**given: float) -> Recovery:
    return Recovery.between(LEVELS, 0.10, 0.15, at=0.0, **given)


def _declared_after(rng: np.random.Generator, harm: float, days: float) -> int | None:
    recovery, each = _started(), 20
    for step in range(1, int(days * A_DAY / each) + 1):
        recovery.update(rng.multinomial(each, judged(harm)).astype(np.float64), step * each / A_DAY * DAY)
        if recovery.is_proven:
            return step * each
    return None


def test_it_is_declared_within_two_days_of_a_thousand_scores() -> None:
    rng = np.random.default_rng(1)
    found = [_declared_after(rng, 0.10, 5) for _ in range(40)]
    assert all(after is not None for after in found)
    assert 400 < float(np.median([after for after in found if after is not None])) < 1000


def test_it_is_not_declared_while_the_level_stays_at_the_middle_or_worse() -> None:
    rng = np.random.default_rng(2)
    assert [_declared_after(rng, harm, 7) for harm in (0.125, 0.15, 0.25) * 3] == [None] * 9


@given(st.floats(0.01, 0.9), st.lists(st.integers(1, 20), min_size=11, max_size=11), st.floats(1, 10))
def test_a_bet_is_fair_at_the_middle_whatever_the_distribution(after: float, weights: list[int], phi: float) -> None:
    chances = np.array(weights) / sum(weights)
    middle = float(chances @ LEVELS)
    recovery = Recovery(LEVELS, middle, 0.0, phi)
    growth = 0.0
    for level, chance in enumerate(chances):
        one = Recovery(LEVELS, middle, 0.0, phi)
        growth += chance * one.update(np.eye(len(LEVELS))[level], DAY)
    assert growth <= 1 + 1e-9, recovery


@given(st.lists(st.integers(0, 4), min_size=11, max_size=11), st.floats(-1, 1))
def test_a_rollup_counts_as_one_whatever_the_order_within(counts: list[int], offset: float) -> None:
    whole = np.array(counts, dtype=np.float64)
    at_once, one_by_one = _started(), _started()
    at_once.update(whole, DAY, offset=offset)
    for level in np.repeat(np.arange(11), counts)[::-1]:
        one_by_one.update(np.eye(11)[level], DAY, offset=offset)
    assert one_by_one.evidence == pytest.approx(at_once.evidence, rel=1e-9)


def test_a_restart_changes_nothing() -> None:
    rng = np.random.default_rng(3)
    kept, restarted = _started(phi=1.7), _started(phi=1.7)
    for step in range(1, 30):
        counts = rng.multinomial(40, judged(0.11)).astype(np.float64)
        kept.update(counts, step * 3600.0, offset=0.1)
        restarted = Recovery.restored(json.loads(json.dumps(restarted.state())))
        restarted.update(counts, step * 3600.0, offset=0.1)
    assert restarted.evidence == kept.evidence > 0


def test_no_data_leaves_the_time_for_what_comes() -> None:
    silent, busy = _started(), _started()
    counts = judged(0.10) * 100
    silent.update(np.zeros(11), DAY)
    for recovery in (silent, busy):
        recovery.update(counts, 2 * DAY)
    assert silent.evidence == busy.evidence


def test_the_season_moves_the_middle() -> None:
    at_night = judged(0.10) * 500
    usual, expected = _started(), _started()
    usual.update(at_night, DAY)
    expected.update(at_night, DAY, offset=-0.5)
    assert expected.evidence < usual.evidence


def test_any_amount_of_evidence_stays_a_number() -> None:
    recovery = _started()
    for step in range(1, 5):
        recovery.update(np.array([1e7] + [0.0] * 10), step * DAY)
    assert recovery.evidence > PROVEN
    recovery.update(np.array([0.0] * 10 + [1e7]), 5 * DAY)
    assert np.isfinite(recovery.evidence)
