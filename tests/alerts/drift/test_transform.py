"""What a panel asks of a metric's sums: every key counts once, harm never falls where the metric gets worse."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from driftline_alerts.drift.levels import ALL
from driftline_alerts.drift.transform import QUESTIONS, freeze
from driftline_store.histogram import bin_of

few = settings(max_examples=30)
bins = st.dictionaries(st.integers(-300, 300), st.integers(1, 10_000), min_size=1, max_size=20)
names = st.sampled_from(sorted(QUESTIONS))


@few
@given(names, bins, bins, st.booleans())
def test_every_observation_is_counted_once(name: str, frozen: dict[int, int], raw: dict[int, int], down: bool) -> None:
    counts = freeze(name, frozen, down=down).counts(raw)
    assert counts.sum() == sum(raw.values())
    assert (counts >= 0).all()


@few
@given(names, bins, st.integers(-400, 400), st.integers(1, 50), st.booleans())
def test_harm_never_falls_where_the_metric_gets_worse(
    name: str, frozen: dict[int, int], key: int, more: int, down: bool
) -> None:
    made = freeze(name, frozen, down=down)
    before, after = (int(made.counts({one: 1}).argmax()) for one in (key, key - more if down else key + more))
    assert before <= after


@few
@given(names, bins, bins, bins)
def test_sums_of_parts_are_the_sum_of_the_whole(
    name: str, frozen: dict[int, int], one: dict[int, int], other: dict[int, int]
) -> None:
    made = freeze(name, frozen)
    both = {key: one.get(key, 0) + other.get(key, 0) for key in one | other}
    np.testing.assert_array_equal(made.counts(one) + made.counts(other), made.counts(both))


@few
@given(names, bins)
def test_the_order_of_a_baselines_keys_changes_nothing(name: str, frozen: dict[int, int]) -> None:
    assert freeze(name, dict(reversed(frozen.items()))) == freeze(name, frozen)


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_question_has_an_edge_between_each_two_levels(name: str) -> None:
    made = freeze(name, {20: 10, 19: 5, 3: 1})
    assert len(made.edges) == len(made.levels) - 1
    assert list(made.edges) == sorted(made.edges)
    assert made.levels is ALL[made.levels.name]


def test_a_score_loses_what_it_lacks_of_the_best() -> None:
    made = freeze("mean", {20: 50, 10: 50}, down=True)
    for score in range(21):
        assert made.levels.values[int(made.counts({score: 1}).argmax())] == pytest.approx(1 - score / 20)


def test_the_shares_of_top_and_low_scores_are_asked_for_by_the_score() -> None:
    baseline = {20: 600, 18: 300, 10: 50, 4: 50}
    top, low = (freeze(name, baseline, down=True) for name in ("top_share", "low_share"))
    assert top.counts({20: 1, 18: 2, 10: 4}).tolist() == [1, 6]
    assert low.counts({20: 1, 11: 2, 10: 4, 0: 8}).tolist() == [3, 12]


def test_a_top_score_that_hardly_ever_comes_is_not_the_top() -> None:
    made = freeze("top_share", {20: 5, 18: 600, 10: 395}, down=True)
    assert made.counts({20: 1, 18: 2, 16: 4}).tolist() == [3, 4]


def test_a_rank_is_the_share_of_the_baseline_that_was_better() -> None:
    made = freeze("rank", dict.fromkeys(range(1_000), 1))
    ranks = [float(made.levels.values[int(made.counts({key: 1}).argmax())]) for key in range(1_000)]
    assert np.abs(np.array(ranks) - (np.arange(1_000) + 0.5) / 1_000).max() <= 0.5 / 20 + 1e-9


def test_about_a_twentieth_of_a_baseline_is_over_its_95th_percentile() -> None:
    made = freeze("over_p95", dict.fromkeys(range(1_000), 1))
    assert made.counts(dict.fromkeys(range(1_000), 1)).tolist() == [950, 50]


def test_an_amount_over_its_cap_grows_with_the_amount_and_ends_at_1() -> None:
    made = freeze("share_of_cap", {bin_of(1.0): 9_980, bin_of(0.001): 20})
    share = [float(made.levels.values[int(made.counts({bin_of(value): 1}).argmax())]) for value in (1e-5, 0.1, 1, 50)]
    assert share[0] == pytest.approx(1 / 400)
    assert share[1] == pytest.approx(0.1, rel=0.2)
    assert share[2:] == [1.0, 1.0]


def test_nothing_to_freeze_on_is_said() -> None:
    with pytest.raises(ValueError, match="expected counts to freeze the question 'rank' on"):
        freeze("rank", {3: 0})


def test_an_unknown_question_is_refused() -> None:
    with pytest.raises(KeyError, match="median"):
        freeze("median", {3: 1})
