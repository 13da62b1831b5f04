"""A small world whose streams arrive as one says, without any store: the clock, segments, and what came of each."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from driftline_alerts.drift.budget import split
from driftline_alerts.drift.fleet import Fleet
from driftline_alerts.drift.incidents import Incidents
from driftline_alerts.drift.lifecycle import Over, Turn, end_silent, turns
from driftline_alerts.drift.segments import LEVELS
from driftline_alerts.drift.stream import ANCHORS, Part, StreamKey
from driftline_alerts.drift.tuning import Tuning
from driftline_store.histogram import BASE, bin_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from driftline_alerts.drift.finding import Finding
    from driftline_alerts.evaluate import Segment

START = datetime(2026, 11, 2, tzinfo=UTC)
# Shares by score in twentieths, of good and of bad answers.
GOOD = {20: 0.63, 18: 0.25, 16: 0.08, 14: 0.03, 12: 0.01}
BAD = {20: 0.01, 18: 0.03, 16: 0.06, 14: 0.08, 12: 0.10, 10: 0.12, 8: 0.12, 6: 0.12, 4: 0.12, 2: 0.10, 0: 0.14}


def segment(*values: str) -> Segment:
    """The first of environment, feature, model, prompt and version."""
    return tuple(zip(LEVELS[-1], values, strict=False))


def scores(mean: float) -> dict[int, float]:
    """Shares by level of a judge's scores with that mean: some answers are bad, the rest is good."""
    good, bad = (sum(key * share for key, share in law.items()) / 20 for law in (GOOD, BAD))
    weight = (mean - bad) / (good - bad)
    return {key: weight * GOOD.get(key, 0.0) + (1 - weight) * share for key, share in BAD.items()}


def flags(rate: float) -> dict[int, float]:
    """Shares of no and yes."""
    return {0: 1 - rate, 1: rate}


def durations(median: float, spread: float = 0.28) -> dict[int, float]:
    """Shares by bin of latencies with that median, in seconds, that are log-logistic: p95 is 2.28 times the median."""
    bins = np.arange(bin_of(median) - 120, bin_of(median) + 160)
    edges = np.append(bins, bins[-1] + 1) * np.log(BASE)
    reached = 1 / (1 + np.exp(-(edges - np.log(median)) / spread))
    return {int(one): float(share) for one, share in zip(bins, np.diff(reached), strict=True)}


@dataclass
class World:
    """What drift detection sees of it.

    Attributes:
        laws: shares by key of each stream of a leaf, by metric and leaf.
        rates: observations an hour of each.
        anchors: shares by key of what the judge thinks of its anchors, 30 an hour; none if empty.
    """

    seed: int = 1
    tuning: Tuning = field(default_factory=Tuning)
    warm_up: float = 3600.0
    budget: float = 1.0
    laws: dict[tuple[str, Segment], Mapping[int, float]] = field(default_factory=dict)
    rates: dict[tuple[str, Segment], float] = field(default_factory=dict)
    anchors: Mapping[int, float] = field(default_factory=dict)
    past: list[Part] = field(default_factory=list)
    now: datetime = START

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng(self.seed)
        self.fleet, self.incidents = Fleet(self.warm_up, self.tuning), Incidents()
        self.turns: list[Turn | Over] = []

    def stream(self, metric: str, leaf: Segment, law: Mapping[int, float], per_hour: float) -> None:
        """Let a leaf's metric be so from now on; its ancestors follow."""
        self.laws[metric, leaf], self.rates[metric, leaf] = law, per_hour

    def pass_time(self, hours: float, step_minutes: float = 20) -> list[Finding]:
        """Let time go by; gives what people are told."""
        told = []
        for _ in range(round(hours * 60 / step_minutes)):
            new = list(self._step(timedelta(minutes=step_minutes)))
            shares = split(self.fleet.monitors.values(), self.budget)
            told += [one for turn in new if (one := self.incidents.take(turn, self.fleet, shares, self.look_back))]
            self.turns += new
        return told

    def look_back(self, key: StreamKey, since: float, until: float) -> Counter[int]:
        """Counts of a stream between two Unix times."""
        found: Counter[int] = Counter()
        for part in self.past:
            if part.key == key and since <= part.begin.timestamp() < until:
                found.update(part.counts)
        return found

    def turning(self, hours: float) -> Iterator[Turn | Over]:
        """The turns of a single step, one after the other."""
        return self._step(timedelta(hours=hours))

    def _step(self, length: timedelta) -> Iterator[Turn | Over]:
        begin, self.now = self.now, self.now + length
        counts: dict[StreamKey, Counter[int]] = {}
        for (metric, leaf), law in self.laws.items():
            n = self.rng.poisson(self.rates[metric, leaf] * length.total_seconds() / 3600)
            drawn = self.rng.multinomial(n, np.array([*law.values()]) / sum(law.values()))
            some = {key: int(count) for key, count in zip(law, drawn, strict=True) if count}
            instrument = ("judge", "quality") if metric == "quality" else ("", "")
            for level in LEVELS:
                key = StreamKey(metric, instrument[0], leaf[: len(level)], instrument[1])
                if some and len(leaf) >= len(level):
                    counts.setdefault(key, Counter()).update(some)
        if self.anchors:
            drawn = self.rng.multinomial(round(30 * length.total_seconds() / 3600), [*self.anchors.values()])
            counts[StreamKey("quality", "judge", ANCHORS, "quality")] = Counter(
                {key: int(count) for key, count in zip(self.anchors, drawn, strict=True) if count}
            )
        parts = [Part(key, of_key, begin, self.now) for key, of_key in counts.items()]
        self.past += parts
        touched = self.fleet.apply(parts)
        shares = split(self.fleet.monitors.values(), self.budget)
        changes = turns(touched, shares, self.look_back)
        return chain(changes, end_silent(self.fleet.monitors.values(), self.now.timestamp()))
