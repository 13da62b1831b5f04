"""From a metric's counts, by bin or level, to counts of y: each of a panel's questions has its own y.

Every y is a step function of the key, frozen when the baseline is complete: level = number of edges below the key. An
error in it does no harm: the mean of y is estimated by the detector, whatever the function (docs/drift-method.md).
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np

from driftline_alerts.drift.levels import FLAG, RANK, SCORE, SHARE_OF_CAP, Levels
from driftline_store.histogram import BASE, middle, quantile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from numpy.typing import NDArray

_TOP_SCORE: Final = 20
_LOW_SCORE: Final = 10
_TOP_SHARE: Final = 0.1
"""Least share of the baseline that is at the level which counts as the top one."""
_CAP_QUANTILE: Final = 0.999
_TAIL: Final = 0.05


@dataclass(frozen=True)
class Transform:
    """One y.

    Attributes:
        name: of the question, as in ``QUESTIONS``.
        levels: of y.
        sign: -1 where a small key is the harm.
        edges: ascending, for keys times the sign.
    """

    name: str
    levels: Levels
    sign: int
    edges: tuple[float, ...]

    def counts(self, raw: Mapping[int, float]) -> NDArray[np.float64]:
        """Counts by level, shape (levels,), of counts by key."""
        return self.counted(*columns(raw))

    def counted(self, keys: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """The same of keys and their counts, shape (keys,) each."""
        return np.asarray(np.bincount(self.level_of(keys), weights, len(self.levels)), float)

    def level_of(self, keys: NDArray[np.float64]) -> NDArray[np.intp]:
        """The level of each key, shape (keys,)."""
        return self._edges.searchsorted(keys if self.sign > 0 else -keys)

    @cached_property
    def _edges(self) -> NDArray[np.float64]:
        return np.array(self.edges)


def columns(raw: Mapping[int, float]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Keys and their counts, shape (keys,) each."""
    return np.fromiter(raw, float, len(raw)), np.fromiter(raw.values(), float, len(raw))


def freeze(name: str, baseline: Mapping[int, int], *, down: bool = False) -> Transform:
    """The y of a question, made for a baseline.

    Args:
        name: of ``QUESTIONS``.
        baseline: counts by key.
        down: whether it is harm when the metric falls.

    Raises:
        KeyError: there is no such question.
        ValueError: the baseline is empty.
    """
    oriented = {(-key if down else key): count for key, count in baseline.items() if count > 0}
    if not oriented:
        raise ValueError(f"expected counts to freeze the question {name!r} on, got none")
    levels, edges = QUESTIONS[name]
    return Transform(name, levels, -1 if down else 1, edges(dict(sorted(oriented.items()))))


def _flag(_: Mapping[int, int]) -> tuple[float, ...]:
    return (0.0,)


def _mean(_: Mapping[int, int]) -> tuple[float, ...]:
    return tuple(float(level - _TOP_SCORE) for level in range(_TOP_SCORE))


def _top_share(oriented: Mapping[int, int]) -> tuple[float, ...]:
    return (float(quantile(oriented, _TOP_SHARE)),)


def _low_share(_: Mapping[int, int]) -> tuple[float, ...]:
    return (-float(_LOW_SCORE + 1),)


def _rank(oriented: Mapping[int, int]) -> tuple[float, ...]:
    keys, middles = np.array(list(oriented)), np.array(list(_mid_ranks(oriented.values())))
    level = np.minimum((middles * len(RANK)).astype(int), len(RANK) - 1)
    below = np.searchsorted(level, np.arange(len(RANK) - 1), side="right")
    return tuple(float(keys[count - 1]) if count else float(keys[0] - 1) for count in below)


def _over_p95(oriented: Mapping[int, int]) -> tuple[float, ...]:
    return (float(quantile(oriented, 1 - _TAIL)),)


def _share_of_cap(oriented: Mapping[int, int]) -> tuple[float, ...]:
    cap = middle(quantile(oriented, _CAP_QUANTILE))
    points = SHARE_OF_CAP.points
    between = (cap * math.sqrt(low * high) for low, high in itertools.pairwise(points))
    return tuple(float(math.floor(math.log(edge) / math.log(BASE))) for edge in between)


def _mid_ranks(counts: Iterable[int]) -> NDArray[np.float64]:
    """Middle of each key's stretch of the cumulative distribution."""
    each = np.array(list(counts), float)
    middles: NDArray[np.float64] = (np.cumsum(each) - each / 2) / each.sum()
    return middles


QUESTIONS: Final[dict[str, tuple[Levels, Callable[[Mapping[int, int]], tuple[float, ...]]]]] = {
    "flag": (FLAG, _flag),
    "mean": (SCORE, _mean),
    "top_share": (FLAG, _top_share),
    "low_share": (FLAG, _low_share),
    "rank": (RANK, _rank),
    "over_p95": (FLAG, _over_p95),
    "share_of_cap": (SHARE_OF_CAP, _share_of_cap),
}
"""The levels of each question's y, and how its edges follow from a baseline."""
