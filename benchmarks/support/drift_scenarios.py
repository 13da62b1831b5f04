"""The table of what must be found, how soon, and what the promise is meanwhile."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from driftline_alerts.drift.transform import freeze
from support.drift_laws import flags, latencies, notch_worse, scores
from support.drift_watched import PANEL

if TYPE_CHECKING:
    from support.drift_laws import Array, Law, Samples

BUDGET: Final = 0.05
"""False alarms a month that are promised; the threshold is its inverse, and is not calibrated."""


@dataclass(frozen=True, eq=False)
class Family:
    """A metric of a stream and its healthy law.

    Attributes:
        name: in the output.
        healthy: law.
        questions: of the panel.
        readings: what is reported: members of the panel, or their mean.
        down: whether small keys are the harm.
        month: observations in 30 days.
        baseline: observations that a detector starts from.
        before: healthy ones that follow.
        cap: those after the change, at most.
        windows: observations of an hour and of a day.
        grain: observations between two looks in healthy months and before the change.
        months: healthy ones.
    """

    name: str
    healthy: Law
    questions: tuple[str, ...]
    readings: tuple[str, ...]
    down: bool
    month: int
    baseline: int
    before: int
    cap: int
    windows: tuple[int, int]
    grain: int
    months: int

    def harm(self) -> Array:
        """Value in [0, 1] of each key, as detectors of a mean get it; shape (keys,)."""
        weights = np.rint(self.healthy.p * 1e9).astype(int).tolist()
        keys = self.healthy.keys.tolist()
        made = freeze(self.questions[0], dict(zip(keys, weights, strict=True)), down=self.down)
        return np.array([made.levels.values[int(made.counts({key: 1}).argmax())] for key in keys])


@dataclass(frozen=True)
class Bar:
    """At most: samples until found, their ratio to the oracle's, false alarms a month. None where none is set."""

    median: float | None
    p90: float | None
    ratio: float | None
    alarms: float


@dataclass(frozen=True, eq=False)
class Scenario:
    """A change and how soon it has to be found.

    Attributes:
        title: in the output.
        family: of the stream.
        changed: law after the change.
        grain: observations between two looks.
        bar: of the first reading.
        readings: of the family that are reported.
        ramp: samples over which the new law replaces the old one.
    """

    title: str
    family: Family
    changed: Law
    grain: int
    bar: Bar
    readings: tuple[str, ...]
    ramp: int = 0

    def samples(self, rng: np.random.Generator, runs: int) -> Samples:
        """Baseline, healthy samples and changed ones of each run."""
        family = self.family
        healthy = family.baseline + family.before
        drawn = self.family.healthy.draw(rng, (runs, healthy + family.cap))
        share = np.minimum(np.arange(family.cap, dtype=np.float32) / max(self.ramp, 1), 1) if self.ramp else 1.0
        for row in drawn:
            new = self.changed.draw(rng, (1, family.cap))[0]
            row[healthy:] = np.where(rng.random(family.cap, np.float32) < share, new, row[healthy:])
        return drawn


_JUDGED: Final = Family(
    name="judge 0.90",
    healthy=scores(0.90),
    questions=("mean", "top_share", "low_share"),
    readings=(PANEL, "mean"),
    down=True,
    month=30_000,
    baseline=5_000,
    before=2_000,
    cap=30_000,
    windows=(42, 1_000),
    grain=25,
    months=300,
)
_ERRORS: Final = Family(
    name="rate 2 %",
    healthy=flags(0.02),
    questions=("flag",),
    readings=("flag",),
    down=False,
    month=300_000,
    baseline=20_000,
    before=10_000,
    cap=100_000,
    windows=(417, 10_000),
    grain=250,
    months=160,
)
_RATE_5: Final = replace(_ERRORS, name="rate 5 %", healthy=flags(0.05))
_RATE_HALF: Final = replace(_ERRORS, name="rate 0.5 %", healthy=flags(0.005))
_LATENCY: Final = replace(
    _ERRORS,
    name="latency",
    healthy=latencies(1.0),
    questions=("rank", "over_p95"),
    readings=("rank", "over_p95", PANEL),
    cap=50_000,
    months=100,
)

_BOTH: Final = (PANEL, "mean")
_FLAG: Final = ("flag",)
_SLOWER: Final = ("rank", "over_p95", PANEL)

SCENARIOS: Final = (
    Scenario("judge 0.90→0.85", _JUDGED, scores(0.85), 5, Bar(440, 760, 1.8, 0.02), _BOTH),
    Scenario("judge 0.90→0.88", _JUDGED, scores(0.88), 10, Bar(2_700, 7_000, 2.5, 0.02), _BOTH),
    Scenario("judge 0.90→0.75", _JUDGED, scores(0.75), 2, Bar(75, 115, 1.9, 0.02), _BOTH),
    Scenario("judge one notch worse", _JUDGED, notch_worse(0.90, 0.85), 2, Bar(85, 130, 1.7, 0.02), _BOTH),
    Scenario("judge ramp, 3 days", _JUDGED, scores(0.85), 10, Bar(2_300, 2_800, 1.2, 0.02), _BOTH, ramp=3_000),
    Scenario("errors 2→4 %", _ERRORS, flags(0.04), 20, Bar(1_650, 3_200, 1.8, 0.02), _FLAG),
    Scenario("rate 5→7 %", _RATE_5, flags(0.07), 20, Bar(3_600, 6_300, 2.0, 0.03), _FLAG),
    Scenario("rate 0.5→2 %", _RATE_HALF, flags(0.02), 20, Bar(1_100, 1_900, 1.7, 0.02), _FLAG),
    Scenario("latency +20 %", _LATENCY, latencies(1.2), 10, Bar(570, 950, 1.6, 0.03), _SLOWER),
    Scenario("latency +50 %", _LATENCY, latencies(1.5), 5, Bar(145, 200, 1.5, 0.03), _SLOWER),
)

_ANY: Final = Bar(None, None, None, 0.05)
BASELINES: Final = tuple(
    Scenario(
        f"0.90→0.85, baseline {size:,}",
        replace(_JUDGED, name=f"judge 0.90, baseline {size:,}", baseline=size, before=500, months=60),
        scores(0.85),
        10,
        Bar(1_000, 4_500, None, 0.05) if size == 500 else _ANY,
        _BOTH,
    )
    for size in (300, 500, 1_000, 2_000, 20_000)
)
"""The same change with more or less known of before; a bar is set for 500."""
