"""A made-up project for drift detection: hours of traffic of several features, models and prompt versions.

What each segment brought in an hour is drawn for all hours at once, and given out as parts, as the feed does from the
store. It is the world's memory as well: for looks back, and for seasons that are learned anew.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import numpy as np

from driftline_alerts.drift.segments import lineage
from driftline_alerts.drift.stream import ANCHORS, Part, StreamKey
from driftline_store.histogram import BASE, bin_of
from driftline_store.monitored import MONITORED

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Counts = NDArray[np.int64]

HOUR: Final = 3600
DAY_HOURS: Final = 24
START: Final = 1_767_571_200
"""2026-01-05 00:00 UTC, a Monday."""
INSTRUMENT, JUDGE = "f1", "quality"

JUDGED: Final = 0.02
"""Share of the requests that the judge scores."""
_ANCHORS_AN_HOUR: Final = 4.0

_SHARES: Final = {
    "error_rate": 0.02, "timeout_rate": 0.006, "rate_limit_rate": 0.004, "content_block_rate": 0.002,
    "server_error_rate": 0.003, "quota_rate": 0.001, "authentication_error_rate": 0.001, "context_length_rate": 0.001,
    "invalid_output_rate": 0.002, "call_error_rate": 0.02, "fallback_rate": 0.03, "failed_check_rate": 0.01,
    "satisfaction": 0.2, "report_rate": 0.002, "edit_rate": 0.1,
}  # fmt: skip
"""Probability of harm of each flag."""
_OF_REQUESTS: Final = {"satisfaction": 0.05, "edit_rate": 0.05, "cost_per_session_p95": 0.3}
"""How many observations a request brings, where it is not one."""
_SIZES: Final = {
    "latency_p95": (1.2, 0.28), "time_to_first_token_p95": (0.4, 0.25), "cost_per_call_p95": (0.004, 0.3),
    "cost_per_request_p95": (0.004, 0.3), "cost_per_session_p95": (0.012, 0.4), "output_length_p50": (160.0, 0.3),
}  # fmt: skip
"""Median and spread of each size: log-logistic, whose tails are heavy."""
_RHYTHMIC: Final = {
    "quality": 1.0, "error_rate": 1.0, "timeout_rate": 1.0, "fallback_rate": 1.0,
    "latency_p95": 0.4, "time_to_first_token_p95": 0.4,
}  # fmt: skip
"""Metrics that are worse by day than by night, and how much of the swing they have."""
_BINS: Final = 140

_GOOD: Final = np.array([0, 0, 0, 0, 0, 0, 0.01, 0.03, 0.08, 0.25, 0.63])
_BAD: Final = np.array([0.14, 0.10, 0.12, 0.12, 0.12, 0.12, 0.10, 0.08, 0.06, 0.03, 0.01])
"""Probabilities of scores in tenths: of good answers, and of bad ones."""


@dataclass
class Leaf:
    """A finest segment.

    Attributes:
        values: environment, feature, model, prompt and its version.
        traffic: requests to be expected by hour.
        harm: by metric, factor on the probability of harm, on the size, or on what a score lacks to 1; by hour.
        quality: mean score.
    """

    values: tuple[str, ...]
    traffic: Floats
    harm: dict[str, Floats] = field(default_factory=dict)
    quality: float = 0.9


@dataclass
class _Stream:
    keys: list[int]
    counts: Counts


class World:
    """All that arrives."""

    def __init__(self, leaves: Collection[Leaf], rng: np.random.Generator, *, swing: float) -> None:
        """Draw it.

        Args:
            leaves: of one environment.
            rng: decides.
            swing: how much harm rises by day and falls by night, 0.25 is a quarter.
        """
        self.hours = len(next(iter(leaves)).traffic)
        self._streams: dict[StreamKey, _Stream] = {}
        wave = day_wave(self.hours)
        for leaf in leaves:
            requests = rng.poisson(leaf.traffic)
            for metric in MONITORED:
                factor = leaf.harm.get(metric, np.ones(self.hours)) * (1 + swing * wave * _RHYTHMIC.get(metric, 0.0))
                self._add(leaf, metric, *_drawn(metric, leaf, requests, factor, rng))
        n = rng.poisson(_ANCHORS_AN_HOUR, self.hours)
        moved = rng.multinomial(n, np.tile([0.1, 0.8, 0.1], (self.hours, 1)))
        self._streams[StreamKey("quality", INSTRUMENT, ANCHORS, JUDGE)] = _Stream([9, 10, 11], moved)

    def parts(self, first: int, end: int, wanted: Collection[StreamKey] | None = None) -> list[Part]:
        """What arrived in some hours, as one part for each of these streams, or of all."""
        begin, until = time_of(first), time_of(end)
        found = []
        for key, stream in self._streams.items():
            if wanted is None or key in wanted:
                row = stream.counts[first:end].sum(axis=0)
                at = np.nonzero(row)[0]
                if len(at):
                    counts = {stream.keys[one]: int(row[one]) for one in at}
                    found.append(Part(key, counts, begin, until))
        return found

    def past(self, first: int, end: int, wanted: Collection[StreamKey]) -> Iterator[Part]:
        """What arrived in each of some hours, of some streams."""
        for hour in range(max(first, 0), end):
            yield from self.parts(hour, hour + 1, wanted)

    def look_back(self, key: StreamKey, since: float, until: float) -> Counter[int]:
        """Counts of a stream in the hours of a time."""
        first, end = max(int(since - START) // HOUR, 0), int(until - START) // HOUR
        stream = self._streams[key]
        totals = stream.counts[first:end].sum(axis=0)
        return Counter({key: int(n) for key, n in zip(stream.keys, totals, strict=True) if n})

    def _add(self, leaf: Leaf, metric: str, keys: list[int], counts: Counts) -> None:
        of_judge = (INSTRUMENT, JUDGE) if metric == "quality" else ("", "")
        for segment in lineage(leaf.values):
            key = StreamKey(metric, of_judge[0], segment, of_judge[1])
            known = self._streams.get(key)
            self._streams[key] = _Stream(keys, counts + known.counts if known else counts)


def time_of(hour: int) -> datetime:
    """When an hour of the world begins."""
    return datetime.fromtimestamp(START + hour * HOUR, UTC)


def day_wave(hours: int) -> Floats:
    """From -1 at night to 1 at noon, by hour."""
    wave: Floats = np.sin(2 * np.pi * (np.arange(hours) % DAY_HOURS - 6) / DAY_HOURS)
    return wave


def rhythm(hours: int, a_day: float) -> Floats:
    """Requests by hour, with nights and weekends, for so many on a working day."""
    at = np.arange(hours)
    by_day = 1 + 0.8 * day_wave(hours)
    weekend = np.where(at % (7 * DAY_HOURS) >= 5 * DAY_HOURS, 0.4, 1.0)
    traffic: Floats = a_day / DAY_HOURS * by_day * weekend
    return traffic


def _drawn(
    metric: str, leaf: Leaf, requests: Counts, factor: Floats, rng: np.random.Generator
) -> tuple[list[int], Counts]:
    """Keys, and counts by hour and key."""
    kind = MONITORED[metric].kind
    if kind == "flag":
        n = rng.binomial(requests, _OF_REQUESTS.get(metric, 1.0))
        hits = rng.binomial(n, np.minimum(_SHARES[metric] * factor, 1.0))
        return [0, 1], np.stack([n - hits, hits], axis=1)
    if kind == "score":
        n = rng.binomial(requests, JUDGED)
        return [2 * tenth for tenth in range(11)], rng.multinomial(n, _scores(1 - (1 - leaf.quality) * factor))
    n = rng.binomial(requests, _OF_REQUESTS.get(metric, 1.0))
    median, spread = _SIZES[metric]
    keys = np.arange(bin_of(median) - _BINS // 2, bin_of(median) + _BINS // 2)
    return keys.tolist(), rng.multinomial(n, _bins(keys, np.log(median * factor), spread))


def _scores(mean: Floats) -> Floats:
    """Probabilities by tenths of a mix of good and bad answers with these means."""
    tenths = np.arange(11) / 10
    good, bad = float(_GOOD @ tenths), float(_BAD @ tenths)
    share = np.clip((good - mean) / (good - bad), 0, 1)[:, None]
    mixed: Floats = (1 - share) * _GOOD + share * _BAD
    return mixed


def _bins(keys: Counts, at: Floats, spread: float) -> Floats:
    """Probabilities of bins around a logarithm."""
    edges = np.append(keys, keys[-1] + 1) * np.log(BASE)
    below = 1 / (1 + np.exp(-np.clip((edges[None, :] - at[:, None]) / spread, -50, 50)))
    below[:, 0], below[:, -1] = 0.0, 1.0
    found: Floats = np.diff(below, axis=1)
    return found
