"""Logarithmic histograms: one small representation for percentiles, rank tests and drift.

A positive value ``x`` falls into bin ``floor(log(x) / log(BASE))``. Rendering a bin by its geometric
middle is wrong by at most ``sqrt(BASE) - 1``, that is 2 %. Values are clamped to one microsecond and to
some eleven days (when they are seconds), so that every number has a bin.
"""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

BASE: Final = 1.04
_LOWEST: Final = 1e-6
_HIGHEST: Final = 1e6


def bin_of(value: float) -> int:
    """Bin of a value; what is not positive falls into the lowest one."""
    return math.floor(math.log(min(max(value, _LOWEST), _HIGHEST)) / math.log(BASE))


def middle(index: int) -> float:
    """Value that stands for a bin: its geometric middle."""
    return float(BASE ** (index + 0.5))


def quantile(counts: Mapping[int, float], q: float) -> int:
    """The smallest key up to which the share ``q`` of the counts lies, as ``quantile_sql`` finds it.

    Raises:
        ValueError: there are no counts.
    """
    keys = sorted(counts)
    running = itertools.accumulate(counts[key] for key in keys)
    least = q * sum(counts.values())
    for key, reached in zip(keys, running, strict=True):
        if reached >= least:
            return key
    raise ValueError("expected counts to find a quantile in, got none")


def bin_sql(expression: str) -> str:
    """The same as ``bin_of`` in SQL, as Int16."""
    return f"toInt16(floor(log(least(greatest({expression}, {_LOWEST}), {_HIGHEST})) / {math.log(BASE)!r}))"


def quantile_sql(histogram: str, q: float) -> str:
    """SQL for the ``q``-quantile of a ``Map(Int16, UInt64)`` of bins and counts; NULL when it is empty.

    The smallest bin at which the running count reaches ``q`` of the total, as its geometric middle.
    """
    keys, counts = f"mapKeys({histogram})", f"mapValues({histogram})"
    running = f"arrayCumSum({counts})"
    at = f"arrayFirstIndex(c -> c >= {q!r} * arraySum({counts}), {running})"
    return f"if(empty({keys}), NULL, pow({BASE!r}, {keys}[{at}] + 0.5))"
