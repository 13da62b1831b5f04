"""Many streams of one law through the product's detector: when it speaks, and how high suspicion gets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from driftline_alerts.drift.detector import update, watch
from driftline_alerts.drift.transform import freeze

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from driftline_alerts.drift.detector import Detector
    from support.drift_laws import Array, Law, Samples

PANEL: Final = "panel"
"""The reading that is the mean of its members' S."""


class Watched:
    """Streams, each with a detector for every question of a panel.

    Args:
        law: whose keys the samples are places of.
        baseline: of each stream, shape (streams, samples).
        questions: of the panel.
        down: whether small keys are the harm.
        month: observations in 30 days.
    """

    def __init__(self, law: Law, baseline: Samples, questions: Sequence[str], *, down: bool, month: int) -> None:
        self._month = month
        self._members: dict[str, tuple[list[Detector], Samples]] = {}
        found = [np.bincount(row, minlength=len(law.keys)) for row in baseline]
        for question in questions:
            detectors, levels = [], np.empty((len(found), len(law.keys)), np.uint8)
            for row, counts in enumerate(found):
                made = freeze(question, dict(zip(law.keys.tolist(), counts.tolist(), strict=True)), down=down)
                levels[row] = [int(made.counts({key: 1}).argmax()) for key in law.keys.tolist()]
                by_level = np.bincount(levels[row], counts, minlength=len(made.levels))
                detectors.append(watch(made.levels, by_level))
            self._members[question] = detectors, levels

    def look(self, streams: Array, arrived: Samples) -> dict[str, Array]:
        """Suspicion of some streams by reading, after what arrived there, shape (streams, samples)."""
        months = np.full(len(streams), arrived.shape[1] / self._month)
        found = {}
        for question, (detectors, levels) in self._members.items():
            some = [detectors[stream] for stream in streams]
            size = len(some[0].levels)
            level = levels[streams[:, None], arrived] + size * np.arange(len(streams))[:, None]
            counts = np.bincount(level.ravel(), minlength=size * len(streams)).reshape(-1, size).astype(float)
            found[question] = update(some, counts, months)
        return found | {PANEL: np.mean(list(found.values()), axis=0)}


def highest(watched: Watched, samples: Samples, grain: int) -> dict[str, Array]:
    """The highest suspicion of each stream by reading, looked at after every ``grain`` samples; shape (streams,)."""
    streams = np.arange(len(samples))
    most: dict[str, Array] = {}
    for _, block in _blocks(samples, grain):
        for reading, now in watched.look(streams, block).items():
            most[reading] = np.maximum(most.get(reading, now), now)
    return most


def first_passages(
    watched: Watched, samples: Samples, grain: int, thresholds: Sequence[float], readings: Sequence[str]
) -> dict[str, Array]:
    """Samples until each reading reaches each threshold; infinite where it never does.

    Returns:
        By reading, shape (streams, thresholds). A stream is followed until all its readings have reached all.
    """
    passed = {reading: np.full((len(samples), len(thresholds)), np.inf) for reading in readings}
    streams = np.arange(len(samples))
    for end, block in _blocks(samples, grain):
        now = watched.look(streams, block[streams])
        for reading, at in passed.items():
            reached = now[reading][:, None] >= np.asarray(thresholds)
            at[streams] = np.where(reached & np.isinf(at[streams]), end, at[streams])
        streams = np.nonzero(np.isinf(np.hstack(list(passed.values()))).any(axis=1))[0]
        if not len(streams):
            break
    return passed


def _blocks(samples: Samples, grain: int) -> Iterator[tuple[int, Samples]]:
    for begin in range(0, samples.shape[1], grain):
        block = samples[:, begin : begin + grain]
        yield begin + block.shape[1], block
