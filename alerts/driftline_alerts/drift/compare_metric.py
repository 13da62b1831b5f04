"""A monitored metric of two versions compared, from the counts of each."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from driftline_alerts.drift.compare import Question, compare_means, compare_quantiles
from driftline_store.histogram import BASE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from driftline_alerts.drift.compare import Comparison
    from driftline_alerts.drift.moments import Column
    from driftline_store.metrics import Better
    from driftline_store.monitored import Monitored

_LEVELS: Final[Mapping[str, int]] = {"flag": 2, "score": 21}
"""Keys of the kinds whose keys are levels, from 0 on, evenly from 0 to 1."""

_UPWARDS: Final[Mapping[Better | None, Literal[-1, 0, 1]]] = {"lower": -1, None: 0, "higher": 1}


def compare_metric(metric: Monitored, a: Mapping[int, int], b: Mapping[int, int], *, alpha: float) -> Comparison:
    """B against A: means of flags and scores, quantiles of what is in logarithmic bins.

    Args:
        metric: what was counted.
        a: key -> count of A, as ``monitored_counts.read_counts`` gives them.
        b: of B.
        alpha: 0.05 over the number of metrics that are compared.
    """
    least = metric.least_effect
    question = Question(_UPWARDS[metric.definition.better], least.absolute, least.relative, alpha)
    levels = _LEVELS.get(metric.kind)
    if levels is not None:
        first, second = (_column(counts, range(levels)) for counts in (a, b))
        return compare_means(np.linspace(0, 1, levels), first, second, question)
    keys = range(min([*a, *b], default=0), max([*a, *b], default=0) + 1)
    edges = np.arange(keys.start, keys.stop + 1, dtype=np.float64) * math.log(BASE)
    return compare_quantiles(edges, _column(a, keys), _column(b, keys), metric.quantile, question)


def _column(counts: Mapping[int, int], keys: range) -> Column:
    return np.array([counts.get(key, 0) for key in keys], dtype=np.float64)
