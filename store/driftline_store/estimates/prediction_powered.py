"""The mean that people would have given, from few labels of theirs and many scores of the judge.

The judge errs, so the mean of its scores is off by an amount that more scores do not lessen. Where people labelled
answers that it scored as well, the difference is seen, and the mean of the scores is corrected by it::

    people(labelled) + λ · (judge(all) - judge(labelled))

Each term is a weighted mean. At λ = 0 this is the labels alone; at λ = 1 it is prediction-powered inference
(Angelopoulos, Bates, Fannjiang, Jordan and Zrnic (2023), "Prediction-powered inference", Science 382). The λ taken is
the one with the least variance, estimated from the same data (Angelopoulos, Duchi and Zrnic (2023), "PPI++: efficient
prediction-powered inference", arXiv:2311.01453). So a judge that follows people closely makes labels worth more,
and one that does not changes nothing. Whatever the judge, the estimate is aimed at what people say.

Labelled answers are part of the judged ones: sampling in two phases (Särndal, Swensson and Wretman (1992), "Model
assisted survey sampling", 9), for which the variance here is linearised. With equal weights that is the PPI++ of
disjoint samples, written differently. The interval is not the normal one, which is too short and too symmetric at high
pass rates, but that of ``weighted_mean``. `benchmarks/judge_accuracy.py` measures how often it covers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from driftline_store.metrics_interval import weighted_mean

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from driftline_store.metrics_interval import Column

FEWEST: Final = 30
"""Labels, counted as ``worth`` does, below which nothing is said: the interval would not cover as often as it says."""


_UNSEEN: Final = 3.0
"""Answers that the judge misjudges or that are bad, allowed for although none is among the labels: the rule of three
(Hanley and Lippman-Hand (1983), "If nothing goes wrong, is everything all right?", JAMA 249)."""


@dataclass(frozen=True)
class Judged:
    """Sums over all judged answers of each group, of powers of their weight w and score s.

    Attributes:
        w, ws, w2, w2s, w2s2: sum of w, w·s, w², w²·s and w²·s²; shape (groups,).
    """

    w: Column
    ws: Column
    w2: Column
    w2s: Column
    w2s2: Column


SUMS: Final = ("w", "ws", "w2", "w2s", "w2s2")
"""Fields of ``Judged``, in their order."""


def raw_mean(judged: Judged) -> tuple[Column, Column, Column]:
    """Weighted mean of each group's scores and its 95 % interval, which is about which answers were judged.

    The variance is (sum w²s² - 2m sum w²s + m² sum w²) / (sum w)², m being the mean. NaN where nothing was judged.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = judged.ws / judged.w
        variance = _spread(judged, mean)
        return mean, *weighted_mean(mean, variance, judged.w**2 / judged.w2)


def _spread(judged: Judged, mean: Column) -> Column:
    return (judged.w2s2 - 2 * mean * judged.w2s + mean**2 * judged.w2) / judged.w**2


@dataclass(frozen=True)
class Labelled:
    """The judged answers that people labelled; columns of one length.

    Attributes:
        group: index into the groups.
        weight: 1 / the probability with which the answer was judged.
        label_weight: 1 / the probability with which it was judged and labelled, or a multiple of that.
        score: by the judge, 0 to 1.
        label: by people, 0 to 1.
    """

    group: NDArray[np.intp]
    weight: Column
    label_weight: Column
    score: Column
    label: Column


@dataclass(frozen=True)
class Estimate:
    """A mean with its 95 % interval; NaN where there are too few labels. Shape (groups,)."""

    value: Column
    low: Column
    high: Column


@dataclass(frozen=True)
class Corrected:
    """The mean of each group.

    Attributes:
        corrected: by labels and scores.
        alone: by the labels alone, for comparison.
        effective: what the labels are ``worth``.
        power: λ; 0 where the scores tell nothing.
    """

    corrected: Estimate
    alone: Estimate
    effective: Column
    power: Column


def worth(group: NDArray[np.intp], groups: int, weight: Column) -> Column:
    """How many labels of each group would speak for as much if each were as heavy as the heaviest.

    No more than Kish's effective size, and the same for equal weights. What was not seen may have the heaviest weight:
    where bad answers were labelled less often than good ones, Kish's size promises too much.

    Returns:
        Shape (groups,); 0 where there are no labels.
    """
    heaviest = np.zeros(groups)
    np.maximum.at(heaviest, group, weight)
    total = np.bincount(group, weights=weight, minlength=groups)
    return np.divide(total, heaviest, out=np.zeros(groups), where=heaviest > 0)


def corrected_mean(judged: Judged, labelled: Labelled) -> Corrected:
    """Estimate the mean label of all answers of each group.

    Args:
        judged: of at least one group.
        labelled: answers whose sums are in ``judged``.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        return _corrected_mean(judged, labelled)


def _corrected_mean(judged: Judged, labelled: Labelled) -> Corrected:
    groups, group = len(judged.w), labelled.group

    def total(values: Column) -> Column:
        return np.bincount(group, weights=values, minlength=groups).astype(np.float64)

    v, all_v = labelled.label_weight, total(labelled.label_weight)
    label, score = total(v * labelled.label) / all_v, total(v * labelled.score) / all_v
    effective = worth(group, groups, v)
    mean = judged.ws / judged.w

    # What each answer adds to the error of the label's mean, and to that of the difference between the scores'.
    of_label = v * (labelled.label - label[group]) / all_v[group]
    of_score = v * (labelled.score - score[group]) / all_v[group]
    in_all = labelled.weight * (labelled.score - mean[group]) / judged.w[group]
    spread = _spread(judged, mean)
    label_variance = total(of_label**2)
    covariance = total(of_label * (of_score - in_all))
    score_variance = total(of_score * (of_score - 2 * in_all)) + spread

    # Rounding can leave the variance of equal scores a little beside 0.
    is_told = (effective >= FEWEST) & (covariance > 0) & (score_variance * effective > 1e-12)
    power = np.where(is_told, covariance / np.where(is_told, score_variance, 1.0), 0.0)
    value = np.clip(label + power * (mean - score), 0, 1)
    variance = label_variance - 2 * power * covariance + power**2 * score_variance
    return Corrected(
        _estimate(value, variance, effective, fitted=np.where(is_told, 2.0, 1.0)),
        _estimate(label, label_variance, effective, fitted=np.ones(groups)),
        effective,
        power,
    )


def _estimate(value: Column, variance: Column, effective: Column, *, fitted: Column) -> Estimate:
    """The interval; ``fitted`` numbers, the mean and λ, were chosen so that the variance looks small."""
    value = np.where(effective >= FEWEST, value, np.nan)
    low, high = weighted_mean(value, variance * effective / (effective - fitted), effective, unseen=_UNSEEN)
    return Estimate(value, low, high)
