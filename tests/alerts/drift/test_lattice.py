"""The means that a baseline may have had: where the lattice begins and ends, and what is said against each of them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from driftline_alerts.drift import lattice
from driftline_alerts.drift.levels import FLAG, SCORE

few = settings(max_examples=30)
counts_of_scores = st.lists(st.integers(0, 3_000), min_size=21, max_size=21).filter(any)
flags = st.tuples(st.integers(0, 50_000), st.integers(0, 2_000)).filter(any)


def _evidence(counts: np.ndarray, values: np.ndarray) -> tuple[lattice.Lattice, np.ndarray]:
    made = lattice.build(counts, values, 1.0)
    return made, lattice.evidence(lattice.log_capital(counts, values, made.means(), made.bets))


@few
@given(counts_of_scores)
def test_evidence_grows_with_the_mean_that_it_speaks_against(counts: list[int]) -> None:
    _, found = _evidence(np.array(counts, float), SCORE.values)
    assert (np.diff(found) >= 0).all()


@few
@given(flags)
def test_a_lattice_ends_with_the_first_mean_that_its_baseline_rejects_or_with_the_highest(
    flag: tuple[int, int],
) -> None:
    made, found = _evidence(np.array(flag, float), FLAG.values)
    assert (found[1:-1] <= lattice.REJECTED).all()
    assert found[-1] > lattice.REJECTED or made.means()[-1] + 1e-9 > lattice.sigmoid(
        np.array([lattice.HIGHEST_LOGIT - made.step])
    )


@few
@given(flags)
def test_the_baselines_mean_with_half_an_observation_more_is_within_its_lattice(flag: tuple[int, int]) -> None:
    made = lattice.build(np.array(flag, float), FLAG.values, 1.0)
    mean = lattice.sigmoid(np.array(lattice.logit((flag[1] + 0.5) / (sum(flag) + 1))))
    assert made.means()[0] <= mean <= made.means()[-1] * (1 + 1e-9)


@few
@given(flags)
def test_all_lattices_of_a_step_are_parts_of_one(flag: tuple[int, int]) -> None:
    made = lattice.build(np.array(flag, float), FLAG.values, 1.0)
    logits = np.log(made.means() / (1 - made.means())) / made.step
    np.testing.assert_allclose(logits, made.first + np.arange(made.cells), atol=1e-6)


@few
@given(counts_of_scores, st.floats(0.02, 0.98), st.floats(0.05, 50.0))
def test_a_bet_of_the_baseline_is_fair_at_the_mean_that_it_is_against(
    weights: list[int], share: float, bet: float
) -> None:
    """Whatever the distribution: the expected capital after one observation is what was there before."""
    chances = np.array(weights, float) / sum(weights)
    mixed = share * chances + (1 - share) / len(SCORE)
    mean = float(mixed @ SCORE.values)
    each = [
        float(np.exp(lattice.log_capital(one, SCORE.values, np.array([mean]), (bet,)))[0, 0])
        for one in np.eye(len(SCORE))
    ]
    assert float(mixed @ each) == pytest.approx(1.0, abs=1e-9)


@few
@given(flags, st.floats(1.0, 10.0))
def test_overdispersion_lets_more_means_be_possible(flag: tuple[int, int], phi: float) -> None:
    found = np.array(flag, float)
    plain, wide = (lattice.build(found, FLAG.values, factor) for factor in (1.0, phi))
    assert wide.means()[-1] >= plain.means()[-1] - plain.step
    assert wide.step >= plain.step


@pytest.mark.parametrize(("n", "hits"), [(1, 0), (1, 1), (20_000, 0), (20_000, 20_000), (1_000_000, 3)])
def test_a_baseline_at_the_edge_has_a_lattice(n: int, hits: int) -> None:
    made, found = _evidence(np.array([n - hits, hits], float), FLAG.values)
    assert made.cells >= 2
    assert np.isfinite(found).all()
    assert (np.diff(made.means()) > 0).all()


@pytest.mark.parametrize(("n", "rate"), [(300, 0.1), (1000, 0.02), (5000, 0.005), (20_000, 0.001)])
def test_evidence_of_flags_against_their_true_mean_is_at_most_one_on_average(n: int, rate: float) -> None:
    total = 0.0
    for hits in range(n + 1):
        chance = math.exp(
            math.lgamma(n + 1) - math.lgamma(hits + 1) - math.lgamma(n - hits + 1)
            + hits * math.log(rate) + (n - hits) * math.log1p(-rate)
        )  # fmt: skip
        if chance > 1e-12:
            counts = np.array([n - hits, hits], float)
            made = lattice.build(counts, FLAG.values, 1.0)
            against = lattice.log_capital(counts, FLAG.values, np.array([rate]), made.bets)
            total += chance * float(np.exp(against).mean())
    assert total <= 1 + 1e-6
    assert total > 0.9, "a bet that can win nothing"


def test_a_rate_that_is_nearly_all_has_a_lattice_around_it() -> None:
    made = lattice.build(np.array([1.0, 4999.0]), FLAG.values, 1.0)
    assert made.means()[0] < 4999 / 5000 < made.means()[-1]
