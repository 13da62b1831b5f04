"""Made-up truth: judged and labelled answers of many runs at once, for tests and benchmarks of the estimates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from driftline_store.estimates.prediction_powered import Judged, Labelled

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
