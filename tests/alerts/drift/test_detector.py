"""The promise of the detector holds for any distribution, baseline and way of looking; what it knows is only counts."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from driftline_alerts.drift import codec
from driftline_alerts.drift.detector import Detector, absorb, update, watch
from driftline_alerts.drift.levels import FLAG, RANK, SCORE, SHARE_OF_CAP, Levels
from driftline_alerts.drift.tails import upper_bound

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

few = settings(max_examples=20)
seeds = st.integers(0, 2**32 - 1)
STREAMS, LOOKS, A_LOOK = 60, 10, 200


def _law(rng: np.random.Generator, levels: Levels) -> Array:
    """Any distribution: some have nearly all of their mass at a few levels."""
    return rng.dirichlet(np.full(len(levels), rng.choice([0.05, 0.3, 2.0])))


def _healthy(rng: np.random.Generator, p: Array, levels: Levels, baseline: int, **given: Any) -> tuple[Array, Array]:
    """S at the end of a month of many streams with this law, and the highest S of each; shape (streams,) each."""
    detectors = [watch(levels, one, **given) for one in rng.multinomial(baseline, p, STREAMS).astype(float)]
    month, highest = np.full(STREAMS, 1 / LOOKS), np.zeros(STREAMS)
    for _ in range(LOOKS):
        now = update(detectors, rng.multinomial(A_LOOK, p, STREAMS).astype(float), month)
        highest = np.maximum(highest, now)
    return now, highest


def _shown(rng: np.random.Generator, levels: Levels, p: Array, looks: int, streams: int = 1) -> Array:
    return rng.multinomial(30, p, (looks, streams)).astype(float)


def _after(detector: Detector, looks: Array, months: float = 0.01) -> float:
    for counts in looks:
        update([detector], counts, np.array([months]))
    return detector.suspicion


@pytest.mark.parametrize("baseline", [1, 5, 50, 300])
@pytest.mark.parametrize("levels", [FLAG, SCORE, SHARE_OF_CAP], ids=lambda levels: levels.name)
def test_a_healthy_month_keeps_the_promise_whatever_the_law_and_the_baseline(levels: Levels, baseline: int) -> None:
    """The mean of S is at most the months, and the chance of reaching 1/a at most a: refuted here by no simulation."""
    rng = np.random.default_rng(baseline)
    last, highest = _healthy(rng, _law(rng, levels), levels, baseline)
    assert last.mean() <= 1 + 3 * last.std() / np.sqrt(STREAMS)
    for a in (0.5, 0.2, 0.05):
        alarms = int((highest >= 1 / a).sum())
        at_least = 1 - upper_bound(STREAMS - alarms, STREAMS, alpha=0.001)
        assert at_least <= a, f"S reached {1 / a:g} in {alarms} months of {STREAMS}"


@pytest.mark.parametrize("rate", [0.001, 0.02, 0.5])
def test_rare_flags_keep_the_promise(rate: float) -> None:
    rng = np.random.default_rng(8)
    last, highest = _healthy(rng, np.array([1 - rate, rate]), FLAG, 300)
    assert last.mean() <= 1
    assert (highest >= 20).mean() <= 0.05


def test_a_mean_taken_for_known_would_break_the_promise() -> None:
    """What the tests above can see: a detector that believes a baseline of 50 is wrong in one month of six."""
    rng = np.random.default_rng(9)
    p = np.array([0.8, 0.2])
    detectors = [watch(FLAG, one) for one in rng.multinomial(50, p, STREAMS).astype(float)]
    for one in detectors:
        believed = int(np.searchsorted(one.lattice.means(), one.mean))
        one.lattice = replace(one.lattice, cells=believed)
        one.evidence, one.capital = np.ones(believed), one.capital[:believed]
        one.is_frozen = True
    highest = np.zeros(STREAMS)
    for _ in range(LOOKS):
        shown = rng.multinomial(A_LOOK, p, STREAMS).astype(float)
        highest = np.maximum(highest, update(detectors, shown, np.full(STREAMS, 1 / LOOKS)))
    assert (highest >= 20).mean() > 0.1


@pytest.mark.parametrize("levels", [FLAG, SCORE, RANK], ids=lambda levels: levels.name)
def test_what_gets_much_worse_is_found_and_what_gets_better_is_not(levels: Levels) -> None:
    rng = np.random.default_rng(3)
    good = np.linspace(2, 1, len(levels)) / np.linspace(2, 1, len(levels)).sum()
    baseline = rng.multinomial(2_000, good).astype(float)
    assert _after(watch(levels, baseline), _shown(rng, levels, good[::-1], 60)) > 20
    assert _after(watch(levels, baseline), _shown(rng, levels, np.eye(len(levels))[0], 60)) < 0.5


@few
@given(seeds)
def test_the_order_within_a_look_changes_nothing_but_when_it_is_looked(seed: int) -> None:
    """A look takes counts; the same observations in looks without passing time make the same of a bet."""
    rng = np.random.default_rng(seed)
    p = _law(rng, SCORE)
    baseline, shown = rng.multinomial(500, p).astype(float), rng.multinomial(40, _law(rng, SCORE)).astype(float)
    whole, parts = watch(SCORE, baseline), watch(SCORE, baseline)
    update([whole], shown[None], np.array([0.1]))
    one_by_one = np.repeat(np.eye(len(SCORE)), shown.astype(int), axis=0)[rng.permutation(int(shown.sum()))]
    for place, counts in enumerate(one_by_one):
        update([parts], counts[None], np.array([0.0 if place else 0.1]))
    np.testing.assert_allclose(parts.suspicion, whole.suspicion, rtol=1e-9)
    absorb(whole)
    absorb(parts)
    cells = min(whole.lattice.cells, parts.lattice.cells)
    np.testing.assert_allclose(parts.log_capital[:cells], whole.log_capital[:cells], rtol=1e-9, atol=1e-9)
    np.testing.assert_array_equal(parts.baseline, whole.baseline)


@few
@given(seeds)
def test_flags_are_the_same_as_scores_that_are_all_or_nothing(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rate = rng.uniform(0.01, 0.6)
    flags = rng.multinomial(800, [1 - rate, rate]).astype(float)
    looks = _shown(rng, FLAG, np.array([1 - rate, rate]) * [0.9, 1.0] + [0, 0.1 * (1 - rate)], 6)
    as_scores = np.zeros((6, 1, len(SCORE)))
    as_scores[:, :, [0, -1]] = looks
    score = np.zeros(len(SCORE))
    score[[0, -1]] = flags
    assert _after(watch(SCORE, score), as_scores) == pytest.approx(_after(watch(FLAG, flags), looks), rel=1e-9)


@few
@given(seeds)
def test_a_restart_goes_on_exactly(seed: int) -> None:
    rng = np.random.default_rng(seed)
    p = _law(rng, SCORE)
    kept = watch(SCORE, rng.multinomial(400, p).astype(float), overdispersion=1.3, tolerance=0.05)
    looks = _shown(rng, SCORE, _law(rng, SCORE), 12)
    _after(kept, looks[:6])
    head, arrays = codec.dump(kept)
    restarted, size = codec.load(head, memoryview(arrays))
    assert size == len(arrays)
    assert _after(restarted, looks[6:]) == pytest.approx(_after(kept, looks[6:]), rel=1e-9, abs=1e-300)
    np.testing.assert_allclose(restarted.capital, kept.capital, rtol=1e-9)


@few
@given(seeds)
def test_a_stream_among_others_is_the_same_as_alone(seed: int) -> None:
    """Whatever the others' baselines, steps of the lattice, shifts and overdispersion are."""
    rng = np.random.default_rng(seed)
    rates = rng.uniform(0.005, 0.9, 12)
    sizes = rng.choice([40, 700, 30_000], 12)
    together = [
        watch(FLAG, np.array([n - n * rate, n * rate]), overdispersion=float(phi), tolerance=float(tolerance))
        for n, rate, phi, tolerance in zip(
            sizes, rates, rng.uniform(1, 4, 12), rng.choice([0.0, 0.05], 12), strict=True
        )
    ]
    apart = deepcopy(together)
    for _ in range(4):
        hits = rng.binomial(50, np.minimum(rates * 1.3, 1)).astype(float)
        shown, shifts = np.stack([50 - hits, hits], axis=1), rng.uniform(-0.5, 0.5, 12)
        months = rng.uniform(0, 0.1, 12)
        found = update(together, shown, months, shifts)
        alone = [update([one], shown[[row]], months[[row]], shifts[[row]])[0] for row, one in enumerate(apart)]
        np.testing.assert_allclose(found, alone, rtol=1e-9)


def test_a_frozen_baseline_stays_as_it_is() -> None:
    rng = np.random.default_rng(4)
    one = watch(FLAG, np.array([900.0, 100.0]))
    one.is_frozen = True
    before = deepcopy(one)
    _after(one, _shown(rng, FLAG, np.array([0.8, 0.2]), 40))
    absorb(one)
    assert (one.n, one.mean, one.lattice) == (before.n, before.mean, before.lattice)
    np.testing.assert_array_equal(one.evidence, before.evidence)


def test_a_baseline_that_is_not_frozen_learns_from_what_arrives() -> None:
    rng = np.random.default_rng(4)
    one = watch(FLAG, np.array([900.0, 100.0]))
    looks = _shown(rng, FLAG, np.array([0.9, 0.1]), 40)
    _after(one, looks)
    absorb(one)
    assert one.n == 1000 + 40 * 30
    np.testing.assert_array_equal(one.baseline, np.array([900, 100]) + looks.sum(axis=(0, 1)))


def test_a_tolerance_lets_a_small_drift_pass_and_a_large_one_not() -> None:
    rng = np.random.default_rng(5)
    baseline = np.array([9_000_000.0, 1_000_000.0])
    odds_up_20_percent, odds_doubled = 0.12 / 1.02, 0.2 / 1.1

    def found(rate: float, tolerance: float) -> float:
        hits = rng.binomial(1_500, rate, 20).astype(float)
        return _after(watch(FLAG, baseline, tolerance=tolerance), np.stack([1_500 - hits, hits], axis=1)[:, None])

    assert found(odds_up_20_percent, 0.0) > 20
    assert found(odds_up_20_percent, 0.25) < 1
    assert found(odds_doubled, 0.25) > 20


def test_a_season_that_is_known_is_followed_and_one_that_is_not_is_found() -> None:
    rng = np.random.default_rng(6)
    season = 0.5 * np.sin(2 * np.pi * np.arange(240) / 24)
    rate = 1 / (1 + np.exp(np.log(9) - season))
    hits = rng.binomial(200, rate).astype(float)
    hours = np.stack([200 - hits, hits], axis=1)
    known = watch(FLAG, hours[:48], shifts=season[:48])
    unknown = watch(FLAG, hours[:48].sum(axis=0))
    most = [0.0, 0.0]
    for counts, shift in zip(hours[48:], season[48:], strict=True):
        most[0] = max(most[0], *update([known], counts[None], np.array([1 / 720]), np.array([shift])))
        most[1] = max(most[1], *update([unknown], counts[None], np.array([1 / 720])))
    assert most[0] < 1
    assert most[1] > 20


@pytest.mark.parametrize("shift", [-0.3, 0.3])
def test_a_season_does_not_hide_what_comes_on_top(shift: float) -> None:
    rng = np.random.default_rng(7)
    one = watch(FLAG, np.array([9_000.0, 1_000.0]))
    rate = 1 / (1 + np.exp(np.log(9) - shift - 0.8))
    for hits in rng.binomial(100, rate, 60):
        update([one], np.array([[100.0 - hits, hits]]), np.array([0.001]), np.array([shift]))
    assert one.suspicion > 20


def test_means_that_were_given_up_never_come_back() -> None:
    rng = np.random.default_rng(8)
    one = watch(FLAG, np.array([90.0, 10.0]))
    cells, highest = [one.lattice.cells], [float(one.lattice.means()[-1])]
    for rate in np.repeat([0.02, 0.2], 30):
        hits = float(rng.binomial(100, rate))
        update([one], np.array([[100 - hits, hits]]), np.array([0.001]))
        cells.append(one.lattice.cells)
        highest.append(float(one.lattice.means()[-1]))
        assert len(one.evidence) == len(one.capital) == len(one.log_capital) == one.lattice.cells
    assert cells == sorted(cells, reverse=True)
    assert cells[-1] < cells[0]
    assert highest == sorted(highest, reverse=True)


@few
@given(seeds, st.floats(0, 0.5))
def test_without_arrivals_suspicion_grows_by_no_more_than_the_months(seed: int, months: float) -> None:
    rng = np.random.default_rng(seed)
    p = _law(rng, SCORE)
    one = watch(SCORE, rng.multinomial(300, p).astype(float))
    before = _after(one, _shown(rng, SCORE, p, 3))
    update([one], np.zeros((1, len(SCORE))), np.array([months]))
    assert before <= one.suspicion <= before + months + 1e-12 + 1e-9 * before


def test_an_event_gives_a_change_that_begins_with_it_a_head_start() -> None:
    rng = np.random.default_rng(10)
    baseline, looks = np.array([9_000.0, 1_000.0]), _shown(rng, FLAG, np.array([0.8, 0.2]), 8)
    told, untold = watch(FLAG, baseline), watch(FLAG, baseline)
    update([told], looks[0], np.array([0.0001 + 1 / 30]))
    update([untold], looks[0], np.array([0.0001]))
    assert _after(told, looks[1:], 0.0001) > 5 * _after(untold, looks[1:], 0.0001)


def test_forgetting_keeps_the_baseline() -> None:
    rng = np.random.default_rng(11)
    one = watch(FLAG, np.array([900.0, 100.0]))
    _after(one, _shown(rng, FLAG, np.array([0.5, 0.5]), 20))
    kept = deepcopy(one)
    one.forget_suspicion()
    assert one.suspicion == 0
    assert not one.capital.any()
    np.testing.assert_array_equal(one.evidence, kept.evidence)


def test_more_overdispersion_needs_more_evidence() -> None:
    rng = np.random.default_rng(12)
    baseline, looks = np.array([9_000.0, 1_000.0]), _shown(rng, FLAG, np.array([0.8, 0.2]), 30)
    plain, wide = (_after(watch(FLAG, baseline, overdispersion=phi), looks) for phi in (1.0, 3.0))
    assert plain > 1_000 * wide


def test_a_baseline_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="expected a baseline of at least one observation, got none"):
        watch(FLAG, np.zeros(2))


def test_no_streams_have_no_suspicion() -> None:
    assert update([], np.zeros((0, 2)), np.zeros(0)).shape == (0,)
