"""Two versions compared: seldom a false winner however often one looks, and a verdict as soon as the data allow."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drift_streams import LEVELS, judged
from driftline_alerts.drift.betting import e_value
from driftline_alerts.drift.compare import FEWEST, Question, compare_means, compare_quantiles
from driftline_alerts.drift.two_samples import cohens_d, mann_whitney, of_means, of_quantiles
from support.drift_pairs import LOOKS

SCORES = 1 - LEVELS[::-1]
FLAG = np.array([0.0, 1.0])
SCORE = Question(upwards=1, absolute=0.02)
RATE = Question(upwards=-1, absolute=0.002, relative=0.25)
EDGES = np.arange(-140, 101).astype(np.float64) * math.log(1.04)
LATENCY = Question(upwards=-1, relative=0.1)


def _scores(rng: np.random.Generator, mean: float, n: int) -> np.ndarray:
    return rng.multinomial(n, judged(1 - mean)[::-1]).astype(np.float64)


def _flags(hits: float, n: float) -> np.ndarray:
    return np.array([n - hits, hits], dtype=np.float64)


def _seconds(rng: np.random.Generator, factor: float, n: int) -> np.ndarray:
    seconds = factor * rng.lognormal(0.0, 0.8, n)
    return np.histogram(np.log(seconds), EDGES)[0].astype(np.float64)


@pytest.mark.parametrize(("mean_b", "verdict"), [(0.93, "better"), (0.90, "equivalent"), (0.85, "worse")])
def test_a_verdict_says_what_b_is(mean_b: float, verdict: str) -> None:
    rng = np.random.default_rng(1)
    found = compare_means(SCORES, _scores(rng, 0.90, 20_000), _scores(rng, mean_b, 20_000), SCORE)
    assert found.verdict == verdict
    assert found.low is not None
    assert found.high is not None
    assert found.low <= mean_b - 0.90 <= found.high
    assert found.more is None


def test_less_is_better_of_errors_and_neither_of_what_has_no_direction() -> None:
    fewer = (FLAG, _flags(400, 10_000), _flags(200, 10_000))
    assert compare_means(*fewer, RATE).verdict == "better"
    assert compare_means(*fewer, Question(upwards=0, absolute=0.002)).verdict == "different"


def test_too_little_data_goes_on_and_says_how_long() -> None:
    rng = np.random.default_rng(2)
    found = compare_means(SCORES, _scores(rng, 0.90, 500), _scores(rng, 0.88, 500), SCORE)
    assert found.verdict == "keep going"
    assert found.more is not None
    assert 0.2 < found.more < 20
    early = compare_means(SCORES, _scores(rng, 0.90, FEWEST // 4), _scores(rng, 0.90, FEWEST // 4), SCORE)
    assert early.low is None
    assert early.more is not None
    assert early.more >= 3


def test_the_expected_wait_is_what_it_takes() -> None:
    a, b = judged(0.10)[::-1] * 600, judged(0.12)[::-1] * 600
    before = compare_means(SCORES, a, b, SCORE)
    assert before.verdict == "keep going"
    assert before.more is not None
    after = 1 + before.more
    assert compare_means(SCORES, a * after * 1.02, b * after * 1.02, SCORE).verdict == "worse"
    assert compare_means(SCORES, a * after * 0.95, b * after * 0.95, SCORE).verdict == "keep going"


def test_of_rare_cases_only_the_exact_test_makes_a_winner() -> None:
    close = compare_means(FLAG, _flags(12, 20_000), _flags(37, 20_000), Question(upwards=-1, absolute=0.001))
    assert close.low is not None
    assert close.low > 0
    assert close.evidence is not None
    assert close.evidence < 20
    assert close.verdict == "keep going"
    assert compare_means(FLAG, _flags(0, 500), _flags(40, 500), RATE).verdict == "worse"


def test_nothing_seen_of_one_is_no_verdict() -> None:
    found = compare_means(FLAG, _flags(0, 0), _flags(5, 100), RATE)
    assert (found.verdict, found.change, found.more, found.n_b) == ("keep going", None, None, 100)
    nothing = np.zeros(len(EDGES) - 1)
    assert compare_quantiles(EDGES, nothing, nothing, 0.95, LATENCY).verdict == "keep going"


def test_equal_samples_without_any_variation_are_equivalent_once_there_are_many() -> None:
    few, many = _flags(0, 300), _flags(0, 1_000_000)
    assert compare_means(FLAG, few, few, RATE).verdict == "keep going"
    assert compare_means(FLAG, many, many, RATE).more is not None


@pytest.mark.parametrize(("factor", "verdict"), [(1.0, "equivalent"), (1.25, "worse"), (0.8, "better")])
def test_quantiles_are_compared_as_a_ratio(factor: float, verdict: str) -> None:
    rng = np.random.default_rng(3)
    found = compare_quantiles(EDGES, _seconds(rng, 1.0, 40_000), _seconds(rng, factor, 40_000), 0.95, LATENCY)
    assert found.verdict == verdict
    assert found.a == pytest.approx(math.exp(0.8 * 1.645), rel=0.05)
    assert found.low is not None
    assert found.high is not None
    assert found.low <= factor - 1 <= found.high


def test_the_variance_of_a_quantile_is_what_it_varies() -> None:
    rng = np.random.default_rng(4)
    found = [of_quantiles(EDGES, _seconds(rng, 1, 4000), _seconds(rng, 1, 4000), 0.95) for _ in range(300)]
    assert np.mean([one.variance for one in found]) == pytest.approx(np.var([one.change for one in found]), rel=0.25)


@pytest.mark.parametrize(
    ("values", "mean", "question"), [(SCORES, 0.90, SCORE), (FLAG, 0.02, RATE), (FLAG, 0.20, RATE)]
)
def test_320_looks_make_less_than_5_false_winners_of_100(values: np.ndarray, mean: float, question: Question) -> None:
    rng = np.random.default_rng(5)
    chances = judged(1 - mean)[::-1] if question is SCORE else np.array([1 - mean, mean])
    won = [_has_winner(rng, values, chances, question) for _ in range(200)]
    assert sum(won) < 0.05 * len(won)


def _has_winner(rng: np.random.Generator, values: np.ndarray, chances: np.ndarray, question: Question) -> bool:
    """Whether one of two equal versions ever wins; while they are near each other, neither can."""
    steps = np.diff(LOOKS, prepend=0)
    a, b = (np.cumsum([rng.multinomial(n, chances) for n in steps], axis=0).astype(np.float64) for _ in "ab")
    deviation = math.sqrt(chances @ values**2 - (chances @ values) ** 2)
    apart = abs((a - b) @ values) / LOOKS > 2 * deviation * np.sqrt(2 / LOOKS)
    found = (compare_means(values, a[at], b[at], question).verdict for at in np.flatnonzero(apart))
    return any(verdict in {"better", "worse"} for verdict in found)


def test_the_interval_depends_on_neither_the_level_seen_nor_the_change_that_matters() -> None:
    a, b = _flags(300, 5000), _flags(360, 5000)
    of_rate, of_share = (compare_means(FLAG, a, b, one) for one in (RATE, Question(upwards=-1, absolute=0.002)))
    assert of_rate.least != of_share.least
    assert (of_rate.low, of_rate.high) == (of_share.low, of_share.high)


@settings(max_examples=25)
@given(st.lists(st.integers(0, 3000), min_size=11, max_size=11), st.integers(1, 9))
def test_the_exact_test_finds_nothing_between_equal_samples(counts: list[int], times: int) -> None:
    a = np.array(counts, dtype=np.float64)
    assert e_value(SCORES, a, a * times) <= 1 + 1e-9


@settings(max_examples=25)
@given(st.lists(st.integers(0, 500), min_size=11, max_size=11), st.lists(st.integers(0, 500), min_size=11, max_size=11))
def test_the_exact_test_is_the_same_from_both_sides(first: list[int], second: list[int]) -> None:
    a, b = (np.array(one, dtype=np.float64) for one in (first, second))
    assert e_value(SCORES, a, b) == pytest.approx(e_value(SCORES, b, a), rel=1e-9)
    # Scores turned into harm say the same.
    assert e_value(LEVELS, a[::-1], b[::-1]) == pytest.approx(e_value(SCORES, a, b), rel=1e-6)


def test_the_exact_test_is_seldom_wrong_on_few_and_lopsided_data() -> None:
    rng = np.random.default_rng(6)
    wrong = 0
    for _ in range(100):
        a, b, most = np.zeros(2), np.zeros(2), 0.0
        for _ in range(10):
            a += rng.multinomial(300, (0.995, 0.005))
            b += rng.multinomial(30, (0.995, 0.005))
            most = max(most, e_value(FLAG, a, b))
        wrong += most >= 20
    assert wrong <= 5


def test_effect_sizes_are_those_of_the_raw_values() -> None:
    rng = np.random.default_rng(7)
    x, y = rng.integers(0, 11, 300), np.minimum(rng.integers(0, 11, 200) + 1, 10)
    a, b = (np.bincount(one, minlength=11).astype(np.float64) for one in (x, y))
    wins = (y[:, None] > x).mean() + (y[:, None] == x).mean() / 2
    ranks = mann_whitney(a, b)
    assert ranks.theta == pytest.approx(wins)
    assert ranks.low < wins < ranks.high
    spread = math.sqrt((np.var(SCORES[x]) + np.var(SCORES[y])) / 2)
    assert cohens_d(SCORES, a, b) == pytest.approx((SCORES[y].mean() - SCORES[x].mean()) / spread)
    assert of_means(SCORES, a, b).change == pytest.approx(SCORES[y].mean() - SCORES[x].mean())


def test_ranks_of_samples_that_do_not_overlap_are_not_certain() -> None:
    ranks = mann_whitney(np.array([50.0, 0.0]), np.array([0.0, 50.0]))
    assert ranks.theta == 1.0
    assert ranks.low < 0.97
