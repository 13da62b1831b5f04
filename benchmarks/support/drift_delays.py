"""How long a change takes to be found, by the product's detector, the rivals and the oracle on the same samples."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from support import drift_river
from support.drift_healthy import KSWIN, PAGE_HINKLEY, rivals
from support.drift_rivals import oracle
from support.drift_scenarios import BUDGET
from support.drift_watched import Watched, first_passages, highest

if TYPE_CHECKING:
    from support.drift_healthy import Calibrated, Quiet
    from support.drift_laws import Array, Samples
    from support.drift_scenarios import Family, Scenario

ONE_PAGE: Final = 300.0
"""Threshold of each of 300 streams when a page a month is allowed for all of them together."""
_KSWIN_RUNS, _KSWIN_CAP = 40, 10_000


def compared(
    scenario: Scenario, quiet: Quiet, known: Calibrated, rng: np.random.Generator, *, runs: int
) -> dict[str, Any]:
    """A line of the table with the oracle and the rivals on the same samples."""
    drawn = scenario.samples(rng, runs)
    line = _line(scenario, quiet, drawn)
    best = summary(_oracle(scenario, drawn, known.oracles[scenario.title]))
    return line | {
        "family": scenario.family.name,
        "oracle": best,
        "ratio": line["own"][scenario.readings[0]]["median"] / best["median"],
        "rivals": {name: summary(delays) for name, delays in _rivals(scenario.family, drawn, known, rng).items()},
        "calibrated": asdict(known),
    }


def alone(scenario: Scenario, quiet: Quiet, rng: np.random.Generator, *, runs: int) -> dict[str, Any]:
    """A line of the table for the product's detector only."""
    return _line(scenario, quiet, scenario.samples(rng, runs))


def _line(scenario: Scenario, quiet: Quiet, drawn: Samples) -> dict[str, Any]:
    found, first = _product(scenario, drawn), scenario.readings[0]
    return {
        "scenario": scenario.title,
        "grain": scenario.grain,
        "own": {reading: summary(delays[:, 0]) | quiet.alarms(reading) for reading, delays in found.items()},
        "at_one_page": summary(found[first][:, 1]) | quiet.alarms(first, ONE_PAGE),
        "bar": asdict(scenario.bar),
    }


def summary(delays: Array) -> dict[str, float]:
    """Of the runs without a false alarm before the change: how many, median and 90th percentile of their delays."""
    late = delays[~np.isnan(delays)]
    median, p90 = np.quantile(late, (0.5, 0.9), method="lower") if len(late) else (np.nan, np.nan)
    return {"runs": len(late), "median": float(median), "p90": float(p90)}


def _product(scenario: Scenario, drawn: Samples) -> dict[str, Array]:
    family = scenario.family
    change = family.baseline + family.before
    watched = Watched(
        family.healthy, drawn[:, : family.baseline], family.questions, down=family.down, month=family.month
    )
    before = highest(watched, drawn[:, family.baseline : change], family.grain)
    thresholds = (1 / BUDGET, ONE_PAGE)
    passed = first_passages(watched, drawn[:, change:], scenario.grain, thresholds, scenario.readings)
    for reading, delays in passed.items():
        delays[before[reading] >= 1 / BUDGET] = np.nan
    return passed


def _oracle(scenario: Scenario, drawn: Samples, threshold: float) -> Array:
    family = scenario.family
    evidence = scenario.changed.evidence_against(family.healthy)
    return np.array([_delay(oracle(evidence[row[family.baseline :]]), threshold, family.before) for row in drawn])


def _rivals(family: Family, drawn: Samples, known: Calibrated, rng: np.random.Generator) -> dict[str, Array]:
    harm, start, before = family.harm(), family.baseline, family.before
    found: dict[str, Array] = {}
    for name, statistic in rivals(family, rng).items():
        threshold = known.thresholds[name]
        if name == PAGE_HINKLEY:
            passed = [drift_river.page_hinkley(harm[row].tolist(), start, threshold) for row in drawn]
            found[name] = _after(passed, before)
            continue
        some = drawn[:_KSWIN_RUNS, : start + before + _KSWIN_CAP] if name == KSWIN else drawn
        found[name] = np.array([_delay(statistic(harm[row], start), threshold, before) for row in some])
    passed = [drift_river.adwin(harm[row].tolist(), start, known.confidence) for row in drawn]
    return {"ADWIN": _after(passed, before)} | found


def _delay(statistic: Array, threshold: float, before: int) -> float:
    """Samples from the change until the threshold is passed; NaN if that is before the change."""
    over = statistic > threshold
    at = int(over.argmax())
    return float(_after([at + 1.0 if over[at] else np.inf], before)[0])


def _after(passed: list[float], before: int) -> Array:
    delays = np.array(passed) - before
    return np.where(delays > 0, delays, np.nan)
