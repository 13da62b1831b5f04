"""Made-up truth: judged and labelled answers of many runs at once, for tests and benchmarks of the estimates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from driftline_store.estimates.prediction_powered import Judged, Labelled
from driftline_store.metrics_interval import Z

if TYPE_CHECKING:
    from numpy.random import Generator

    from driftline_store.metrics_interval import Column


@dataclass(frozen=True)
class Judge:
    """How a made-up judge errs: the share of good answers that it passes, and of bad ones that it fails."""

    sensitivity: float = 0.85
    specificity: float = 0.90

    def passes(self, random: Generator, good: np.ndarray) -> Column:
        """A verdict for each answer: 1 or 0."""
        return (random.random(good.shape) < self.chance(good)).astype(float)

    def chance(self, good: np.ndarray | float) -> np.ndarray:
        """With which an answer is passed; ``good`` is 1 or 0, or the share of good answers."""
        return np.asarray(good * self.sensitivity + (1 - good) * (1 - self.specificity))


def judged_and_labelled(
    random: Generator, runs: int, *, labels: int, judged: int, pass_rate: float, judge: Judge
) -> tuple[Judged, Labelled]:
    """Runs with equal weights: of ``judged`` answers each the first ``labels`` are labelled."""
    good = random.random((runs, labels)) < pass_rate
    scores = judge.passes(random, good)
    passed = scores.sum(axis=1) + random.binomial(judged - labels, judge.chance(pass_rate), size=runs)
    total, equal = np.full(runs, float(judged)), np.ones(runs * labels)
    group = np.repeat(np.arange(runs), labels)
    sums = Judged(w=total, ws=passed, w2=total, w2s=passed, w2s2=passed)
    return sums, Labelled(group, equal, equal, scores.ravel(), good.astype(float).ravel())


def graded(random: Generator, runs: int, labels: int, judged: int) -> tuple[Judged, Labelled, float]:
    """The same with scores: people's in steps of a quarter, 3 % of them 0, the judge's in tenths and too mild.

    Returns:
        sums and labels of the runs, and the true mean of people's scores.
    """

    def people(count: tuple[int, ...]) -> Column:
        scores: Column = np.where(random.random(count) < 0.03, 0.0, np.round(4 * random.beta(6, 2, count)) / 4)
        return scores

    def judge(scores: Column) -> Column:
        mild = 0.25 + 0.75 * scores + random.normal(scale=0.1, size=scores.shape)
        return np.clip(np.round(10 * mild), 0, 10) / 10

    truth = float(people((4_000_000,)).mean())
    label = people((runs, labels))
    score = judge(label)
    # The rest of a run is drawn from a pool, of which only its sums count.
    pool = judge(people((400_000,)))
    levels, share = np.unique(pool, return_counts=True)
    rest = random.multinomial(judged - labels, share / len(pool), size=runs)
    sums = [np.full(runs, float(judged)), *((score**k).sum(axis=1) + (rest * levels**k).sum(axis=1) for k in (1, 2))]
    equal = np.ones(runs * labels)
    group = np.repeat(np.arange(runs), labels)
    return (
        Judged(w=sums[0], ws=sums[1], w2=sums[0], w2s=sums[1], w2s2=sums[2]),
        Labelled(group, equal, equal, score.ravel(), label.ravel()),
        truth,
    )


def textbook(judged: Judged, labelled: Labelled) -> tuple[Column, Column]:
    """The normal interval of PPI++ for equal weights, as its paper has it, for comparison.

    Angelopoulos, Duchi and Zrnic (2023), arXiv:2311.01453, for the mean: λ from the labelled answers, and the
    judged ones without a label as the second sample.
    """
    runs = len(judged.w)
    label, score = labelled.label.reshape(runs, -1), labelled.score.reshape(runs, -1)
    n = label.shape[1]
    others = judged.w - n
    rest = (judged.ws - score.sum(axis=1)) / others
    spread = (judged.w2s2 - (score**2).sum(axis=1)) / others - rest**2
    centred = score - score.mean(axis=1, keepdims=True)
    covariance = ((label - label.mean(axis=1, keepdims=True)) * centred).mean(axis=1)
    power = covariance / ((1 + n / others) * np.maximum(spread, 1e-12))
    value = label.mean(axis=1) + power * (rest - score.mean(axis=1))
    variance = (label - power[:, None] * score).var(axis=1, ddof=1) / n + power**2 * spread / others
    half = Z * np.sqrt(variance)
    return value - half, value + half


def covered(low: Column, high: Column, truth: float) -> float:
    """Share of the intervals that hold the truth."""
    return float(((low <= truth) & (truth <= high)).mean())


@dataclass(frozen=True)
class Traffic:
    """Requests of which some kind is judged more often, and that may fail more often too.

    Attributes:
        bad_seen, good_seen: shares of the bad and of the good answers that are of that kind.
        raised: rate at which that kind is judged; the rest at ``base``.
    """

    requests: int
    pass_rate: float
    bad_seen: float
    good_seen: float
    raised: float
    base: float = 0.01

    def sample(self, random: Generator, runs: int) -> tuple[Column, Column, Column]:
        """Hájek's estimate of the pass rate in each run, its variance and Kish's effective size."""
        bad, good = 1 - self.pass_rate, self.pass_rate
        kinds = [bad * self.bad_seen, bad * (1 - self.bad_seen), good * self.good_seen, good * (1 - self.good_seen)]
        rate = np.array([self.raised, self.base, self.raised, self.base])
        score = np.array([0.0, 0.0, 1.0, 1.0])
        count = random.binomial(random.multinomial(self.requests, kinds, size=runs), rate)
        w, w2 = count / rate, count / rate**2
        mean = (w * score).sum(axis=1) / w.sum(axis=1)
        variance = (w2 * (score - mean[:, None]) ** 2).sum(axis=1) / w.sum(axis=1) ** 2
        return mean, variance, w.sum(axis=1) ** 2 / w2.sum(axis=1)
