"""Healthy months of a family: what the product's detector promises is counted, the rivals' thresholds are set."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from driftline_alerts.drift.tails import upper_bound
from support.drift_rivals import fixed_window, kswin, oracle, page_hinkley, repeated_z_test
from support.drift_river import adwin
from support.drift_scenarios import BUDGET
from support.drift_watched import Watched, highest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from support.drift_laws import Array, Samples
    from support.drift_rivals import Statistic
    from support.drift_scenarios import Family, Scenario

_BATCH: Final = 50
CONFIDENCES: Final = (0.002, 0.005, 0.01, 0.02, 0.05)
"""Of ADWIN, whose default is the first: the largest that keeps the budget is taken."""
KSWIN, PAGE_HINKLEY = "KSWIN", "Page-Hinkley"


@dataclass(frozen=True)
class Quiet:
    """Healthy months through the product's detector: the highest suspicion of each by reading, shape (months,)."""

    most: dict[str, Array]

    def alarms(self, reading: str, threshold: float = 1 / BUDGET) -> dict[str, float]:
        """Months with an alarm, and the exact upper bound of their share."""
        most = self.most[reading]
        found = int((most >= threshold).sum())
        return {"months": len(most), "alarms": found, "at_most": upper_bound(found, len(most))}


@dataclass(frozen=True)
class Calibrated:
    """What the rivals need so that they keep the same budget, from healthy months.

    Attributes:
        months: that there were.
        thresholds: by rival, which 5 % of the months reach.
        oracles: the oracle's by title of a scenario.
        confidence: that ADWIN is given.
        adwin_alarms: ADWIN's false alarms a month with it.
    """

    months: int
    thresholds: dict[str, float]
    oracles: dict[str, float]
    confidence: float
    adwin_alarms: float


def rivals(family: Family, rng: np.random.Generator) -> dict[str, Statistic]:
    """By name."""
    hour, day = family.windows
    return {
        PAGE_HINKLEY: page_hinkley,
        KSWIN: kswin(rng),
        "window, 1 h": fixed_window(hour),
        "window, 24 h": fixed_window(day),
        "z-test, 1 h": repeated_z_test(hour),
        "z-test, 24 h": repeated_z_test(day),
    }


def quiet(family: Family, rng: np.random.Generator, *, months: int) -> Quiet:
    """Months, each with a baseline of its own, as the product sees them."""
    most: dict[str, list[Array]] = {}
    for begin in range(0, months, _BATCH):
        drawn = _months(family, rng, min(_BATCH, months - begin))
        watched = Watched(
            family.healthy, drawn[:, : family.baseline], family.questions, down=family.down, month=family.month
        )
        for reading, found in highest(watched, drawn[:, family.baseline :], family.grain).items():
            most.setdefault(reading, []).append(found)
    return Quiet({reading: np.concatenate(found) for reading, found in most.items()})


def calibrated(family: Family, scenarios: Sequence[Scenario], rng: np.random.Generator, *, months: int) -> Calibrated:
    """Thresholds that 5 % of months reach, each month with a baseline of its own."""
    drawn = _months(family, rng, months)
    confidence, alarms = _confidence(family, drawn)
    return Calibrated(
        months=months,
        thresholds={name: _threshold(_peaks(one, name, family, drawn)) for name, one in rivals(family, rng).items()},
        oracles={one.title: _threshold(_oracle_peaks(one, drawn)) for one in scenarios},
        confidence=confidence,
        adwin_alarms=alarms,
    )


def _months(family: Family, rng: np.random.Generator, months: int) -> Samples:
    return family.healthy.draw(rng, (months, family.baseline + family.month))


def _peaks(statistic: Statistic, name: str, family: Family, drawn: Samples) -> list[float]:
    harm = family.harm()
    # Drawing anew at each sample takes longer than all the others together.
    some = drawn[: max(len(drawn) // 10, 5)] if name == KSWIN else drawn
    return [float(statistic(harm[row], family.baseline).max()) for row in some]


def _oracle_peaks(scenario: Scenario, drawn: Samples) -> list[float]:
    evidence = scenario.changed.evidence_against(scenario.family.healthy)
    return [float(oracle(evidence[row[scenario.family.baseline :]]).max()) for row in drawn]


def _threshold(peaks: list[float]) -> float:
    return float(np.quantile(peaks, 1 - BUDGET))


def _confidence(family: Family, drawn: Samples) -> tuple[float, float]:
    """The largest that keeps the budget, or the smallest."""
    some = [family.harm()[row].tolist() for row in drawn]
    best, rate = CONFIDENCES[0], math.nan
    for confidence in CONFIDENCES:
        found = sum(np.isfinite(adwin(values, family.baseline, confidence)) for values in some) / len(some)
        if found > BUDGET and not math.isnan(rate):
            break
        best, rate = confidence, float(found)
        if found > BUDGET:
            break
    return best, rate
