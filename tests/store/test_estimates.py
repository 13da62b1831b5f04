"""The estimates against a known truth: they are centred on it, and their intervals hold it as often as they say."""

from __future__ import annotations

import numpy as np
import pytest

from driftline_store.estimates.agreement import MEASURES, agreement, confusion
from driftline_store.estimates.correlation import pearson, spearman
from driftline_store.estimates.prediction_powered import Judged, Labelled, corrected_mean, worth
from driftline_store.metrics_interval import weighted_mean, wilson
from support.made_truth import Judge, Traffic, covered, judged_and_labelled

JUDGE = Judge(sensitivity=0.85, specificity=0.90)


@pytest.mark.parametrize("pass_rate", [0.7, 0.9, 0.97])
@pytest.mark.parametrize(
    ("bad_seen", "good_seen", "raised"),
    [(0.5, 0.5, 0.01), (0.5, 0.05, 0.5), (0.5, 0.05, 0.1), (0.9, 0.02, 0.5)],
    ids=["equal rates", "errors at 50 %", "errors at 10 %", "nearly all errors at 50 %"],
)
def test_quality_is_unbiased_and_its_interval_covers_when_bad_answers_are_judged_more_often(
    pass_rate: float, bad_seen: float, good_seen: float, raised: float
) -> None:
    traffic = Traffic(10_000, pass_rate, bad_seen, good_seen, raised)
    mean, variance, effective = traffic.sample(np.random.default_rng(3), 20_000)
    assert mean.mean() == pytest.approx(pass_rate, abs=0.003)
    assert covered(*weighted_mean(mean, variance, effective), pass_rate) > 0.945


def test_an_unweighted_mean_would_be_far_off() -> None:
    traffic = Traffic(10_000, 0.9, bad_seen=0.5, good_seen=0.05, raised=0.5)
    bad, good = 1000 * (0.5 * 0.5 + 0.5 * 0.01), 9000 * (0.05 * 0.5 + 0.95 * 0.01)
    assert good / (bad + good) < 0.6
    assert traffic.sample(np.random.default_rng(3), 2_000)[0].mean() == pytest.approx(0.9, abs=0.003)


def test_answers_that_are_all_judged_alike_have_wilsons_interval() -> None:
    p, n = np.array([0.0, 0.2, 0.9, 1.0]), np.full(4, 50.0)
    assert np.allclose(weighted_mean(p, p * (1 - p) / n, n), wilson(p, n))


def test_scores_that_differ_little_have_a_shorter_interval_than_yes_and_no() -> None:
    low, high = weighted_mean(np.array([0.8]), np.array([0.01 / 100]), np.array([100.0]))
    yes_low, yes_high = wilson(np.array([0.8]), np.array([100.0]))
    assert yes_low < low < 0.8 < high < yes_high


@pytest.mark.parametrize("pass_rate", [0.7, 0.9, 0.95])
@pytest.mark.parametrize("labels", [200, 50, 30])
def test_corrected_quality_covers_the_truth_and_is_surer_than_labels_alone(labels: int, pass_rate: float) -> None:
    judged, labelled = judged_and_labelled(
        np.random.default_rng(1), 5_000, labels=labels, judged=5_000, pass_rate=pass_rate, judge=JUDGE
    )
    found = corrected_mean(judged, labelled)
    assert abs((judged.ws / judged.w).mean() - pass_rate) > 0.05, "the judge alone is off"
    assert found.corrected.value.mean() == pytest.approx(pass_rate, abs=0.004)
    assert covered(found.corrected.low, found.corrected.high, pass_rate) >= 0.94
    assert (found.corrected.high - found.corrected.low).mean() < (found.alone.high - found.alone.low).mean()


@pytest.mark.parametrize(("of_passed", "of_failed"), [(0.05, 0.5), (0.3, 0.05)])
def test_corrected_quality_covers_when_the_judges_verdict_decides_what_people_label(
    of_passed: float, of_failed: float
) -> None:
    random = np.random.default_rng(8)
    good = random.random((1_000, 1_000)) < 0.9
    scores = JUDGE.passes(random, good)
    chance = np.where(scores > 0, of_passed, of_failed)
    run, answer = np.nonzero(random.random(good.shape) < chance)
    total, passed = np.full(1_000, 1_000.0), scores.sum(axis=1)
    judged = Judged(w=total, ws=passed, w2=total, w2s=passed, w2s2=passed)
    labelled = Labelled(
        run, np.ones(len(run)), 1 / chance[run, answer], scores[run, answer], good[run, answer].astype(float)
    )
    found = corrected_mean(judged, labelled)
    assert found.corrected.value.mean() == pytest.approx(0.9, abs=0.005)
    assert covered(found.corrected.low, found.corrected.high, 0.9) >= 0.94


def test_a_judge_that_tells_nothing_adds_nothing() -> None:
    judged, labelled = judged_and_labelled(
        np.random.default_rng(4), 2_000, labels=200, judged=5_000, pass_rate=0.9, judge=Judge(0.5, 0.5)
    )
    found = corrected_mean(judged, labelled)
    assert found.power.mean() < 0.1
    assert covered(found.corrected.low, found.corrected.high, 0.9) >= 0.94


def test_a_judge_that_says_what_people_say_makes_a_label_worth_many() -> None:
    judged, labelled = judged_and_labelled(
        np.random.default_rng(4), 200, labels=200, judged=20_000, pass_rate=0.8, judge=Judge(1.0, 1.0)
    )
    found = corrected_mean(judged, labelled)
    assert found.corrected.value == pytest.approx(judged.ws / judged.w, abs=0.001)
    assert (found.corrected.high - found.corrected.low).mean() < 0.5 * (found.alone.high - found.alone.low).mean()


def test_with_equal_weights_the_estimate_is_that_of_ppi_plus_plus() -> None:
    judged, labelled = judged_and_labelled(
        np.random.default_rng(2), 1, labels=100, judged=1_000, pass_rate=0.8, judge=JUDGE
    )
    score, label = labelled.score, labelled.label
    rest = (judged.ws[0] - score.sum()) / 900
    everywhere = judged.ws[0] / 1_000
    # Of disjoint samples, as the paper has it: λ = cov(label, score) / ((1 + n/N) var(score)).
    covariance = np.mean((label - label.mean()) * (score - score.mean()))
    power = covariance / ((1 + 100 / 900) * everywhere * (1 - everywhere))
    expected = label.mean() + power * (rest - score.mean())
    assert corrected_mean(judged, labelled).corrected.value[0] == pytest.approx(expected, abs=0.003)


@pytest.mark.parametrize(("labels", "is_known"), [(0, False), (29, False), (30, True)])
def test_too_few_labels_give_no_number(labels: int, is_known: bool) -> None:
    judged, labelled = judged_and_labelled(
        np.random.default_rng(2), 1, labels=labels, judged=1_000, pass_rate=0.8, judge=JUDGE
    )
    found = corrected_mean(judged, labelled)
    ends = [getattr(one, end)[0] for one in (found.corrected, found.alone) for end in ("value", "low", "high")]
    assert np.isfinite(ends).all() == is_known
    assert np.isfinite(ends).any() == is_known
    assert found.effective[0] == labels


def test_labels_are_worth_as_many_as_the_heaviest_of_them_would_be() -> None:
    group, weight = np.array([0, 0, 0, 2]), np.array([1.0, 1.0, 4.0, 7.0])
    assert worth(group, 3, weight).tolist() == [1.5, 0.0, 1.0]


def test_agreement_of_a_textbook_case() -> None:
    # What AC1 was made for: raters who agree on 94 %, with a kappa near 0.
    found = agreement(np.array([118.0, 5.0, 2.0, 0.0]), 125)
    values = {name: found[name].value for name in MEASURES}
    assert values == pytest.approx(
        {"agreement": 0.944, "kappa": -0.0234, "ac1": 0.9408, "sensitivity": 118 / 123, "specificity": 0.0}, abs=5e-5
    )
    for one in found.values():
        assert one.low is not None
        assert one.value is not None
        assert one.high is not None
        assert one.low <= one.value <= one.high


def test_what_cannot_be_measured_says_why() -> None:
    all_pass = agreement(np.array([40.0, 0.0, 0.0, 0.0]), 40)
    assert all_pass["kappa"].value is None
    assert all_pass["kappa"].reason == "both give every answer the same"
    assert all_pass["specificity"].reason == "people failed none"
    assert all_pass["agreement"].value == all_pass["ac1"].value == all_pass["sensitivity"].value == 1
    low = all_pass["sensitivity"].low
    assert low is not None
    assert 0.9 < low < 0.97, "40 answers do not make it certain"
    nothing = agreement(np.zeros(4), 0)
    assert {one.reason for one in nothing.values()} == {"there are no answers"}


@pytest.mark.parametrize("pass_rate", [0.7, 0.9])
def test_intervals_of_agreement_cover(pass_rate: float) -> None:
    random = np.random.default_rng(6)
    shares = np.array([
        pass_rate * JUDGE.sensitivity, pass_rate * (1 - JUDGE.sensitivity),
        (1 - pass_rate) * (1 - JUDGE.specificity), (1 - pass_rate) * JUDGE.specificity,
    ])  # fmt: skip
    truth = agreement(shares, 1e9)
    runs = [agreement(cells, 200) for cells in random.multinomial(200, shares, size=300).astype(float)]
    for name in MEASURES:
        held = [one[name].low <= truth[name].value <= one[name].high for one in runs]  # type: ignore[operator]
        assert np.mean(held) > 0.91, name


def test_a_confusion_matrix_counts_by_weight_and_splits_what_people_disagree_on() -> None:
    people, judge = np.array([1.0, 1.0, 0.5, 0.0]), np.array([1.0, 0.0, 0.0, 0.0])
    assert confusion(np.array([1.0, 2.0, 4.0, 8.0]), people, judge).tolist() == [1.0, 4.0, 0.0, 10.0]


def test_correlations_are_numpys_with_an_interval_that_covers() -> None:
    random = np.random.default_rng(7)

    def pairs(count: int) -> tuple[np.ndarray, np.ndarray]:
        truth = random.normal(size=count)
        seen = 0.7 * truth + 0.7 * random.normal(size=count)
        return truth, np.clip(np.round(8 + 2 * seen), 0, 10) / 10

    people, judge = pairs(200_000)
    rho, rank = pearson(people, judge, np.ones(200_000)).value, spearman(people, judge, np.ones(200_000)).value
    assert rho == pytest.approx(np.corrcoef(people, judge)[0, 1])
    found = [(pearson(a, b, np.ones(60)), spearman(a, b, np.ones(60))) for a, b in (pairs(60) for _ in range(400))]
    for at, truth in enumerate((rho, rank)):
        assert np.mean([one[at].low <= truth <= one[at].high for one in found]) > 0.92  # type: ignore[operator]


def test_a_correlation_of_ranks_does_not_mind_the_scale() -> None:
    people = np.random.default_rng(1).random(40)
    assert spearman(people, people**9, np.ones(40)).value == pytest.approx(1)
    assert spearman(people, -people, np.ones(40)).value == pytest.approx(-1)


def test_a_correlation_of_few_or_equal_scores_is_none_and_says_why() -> None:
    few, many = np.arange(29.0), np.arange(40.0)
    assert pearson(few, few, np.ones(29)).reason == "29 of the 30 answers that it takes"
    assert pearson(few[:0], few[:0], few[:0]).value is None
    assert spearman(many, np.ones(40), np.ones(40)).reason == "the scores of one side are all alike"
