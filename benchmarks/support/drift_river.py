"""river's own objects, one sample after the other, until they first say that the mean went up."""

from __future__ import annotations

import numpy as np
from river.drift import ADWIN, PageHinkley

from support.drift_rivals import DELTA, FADING


def adwin(values: list[float], baseline: int, confidence: float) -> float:
    """Samples after the baseline until ADWIN finds that its window got worse; infinite if it never does."""
    detector, before = ADWIN(delta=confidence), float(np.mean(values[:baseline]))
    for at, value in enumerate(values, 1 - baseline):
        detector.update(value)
        if detector.drift_detected and at > 0 and detector.estimation > before:
            return at
    return np.inf


def page_hinkley(values: list[float], baseline: int, threshold: float) -> float:
    """The same of PageHinkley, for increases only."""
    detector = PageHinkley(delta=DELTA, alpha=FADING, threshold=threshold, mode="up")
    for at, value in enumerate(values, 1 - baseline):
        detector.update(value)
        if detector.drift_detected and at > 0:
            return at
    return np.inf
