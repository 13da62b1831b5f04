"""Stream updates a second on one core."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from river.drift import ADWIN

from driftline_alerts.drift.detector import update, watch
from driftline_alerts.drift.levels import FLAG, RANK, SCORE

if TYPE_CHECKING:
    from driftline_alerts.drift.detector import Detector
    from driftline_alerts.drift.levels import Levels
    from support.drift_laws import Array

_MIXED: Final = ((FLAG, 0.5), (FLAG, 0.02), (SCORE, 0.1), (RANK, 0.5))
"""Levels and mean harm of the detectors of four streams: two of one flag each, a score and a rank; and of the panels'
further members below."""
_PANELS: Final = ((FLAG, 0.1), (FLAG, 0.37), (FLAG, 0.05))
_ARRIVED: Final = 20
_LOOKS: Final = 5


def measured(rng: np.random.Generator, *, streams: int) -> dict[str, Any]:
    """Looks at so many streams, of which half have one detector, a quarter two and a quarter three.

    Returns:
        CPU time per update of a stream in microseconds, and how many values ADWIN takes in the same time.
    """
    quarter = streams // 4
    kinds = [(levels, mean, quarter) for levels, mean in _MIXED]
    kinds += [(levels, mean, quarter) for levels, mean in _PANELS]
    banks = [_bank(rng, levels, mean, size) for levels, mean, size in kinds]
    months = np.full(quarter, 1e-5)
    began = time.process_time()
    for _ in range(_LOOKS):
        for detectors, counts in banks:
            update(detectors, counts, months)
    took = (time.process_time() - began) / _LOOKS
    return {
        "scenario": "speed",
        "streams": 4 * quarter,
        "detectors": len(kinds) * quarter,
        "updates_per_second": 4 * quarter / took,
        "microseconds": took / (4 * quarter) * 1e6,
        "adwin_values": took / (4 * quarter) / _adwin_seconds(rng),
    }


def _bank(rng: np.random.Generator, levels: Levels, mean: float, size: int) -> tuple[list[Detector], Array]:
    p = _tilted(levels, mean)
    baselines = rng.multinomial(5_000, p, size).astype(float)
    return [watch(levels, one) for one in baselines], rng.multinomial(_ARRIVED, p, size).astype(float)


def _tilted(levels: Levels, mean: float) -> Array:
    """Probabilities with that mean: geometric in the level."""
    low, high = -50.0, 50.0
    for _ in range(60):
        tilt = (low + high) / 2
        p = np.exp(tilt * (levels.values - (tilt > 0)))
        low, high = (tilt, high) if p @ levels.values / p.sum() < mean else (low, tilt)
    made: Array = p / p.sum()
    return made


def _adwin_seconds(rng: np.random.Generator) -> float:
    """CPU time of one value."""
    detector, values = ADWIN(), (rng.random(100_000) < 0.02).astype(float).tolist()
    began = time.process_time()
    for value in values:
        detector.update(value)
    return (time.process_time() - began) / len(values)
