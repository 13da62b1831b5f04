"""What an alert says: since when, from which level to which, each with its interval."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

if TYPE_CHECKING:
    from driftline_alerts.drift.moments import Column, Moments

SUPPORT: Final = 3.0
"""How far below the best log likelihood a start or a level is still believed.

Half the 95 % quantile of chi-square with one degree of freedom would be 1.92, but the start was searched for and the
moment was chosen by an alert. Simulated at the alert, 3 holds the level in 96 to 99 % and the start in 98 to 100 %.
"""


@dataclass(frozen=True, slots=True)
class Change:
    """A change as the data since then shows it, in the orientation of the data: harm is up.

    Attributes:
        start: rollup from which on the new level holds, most likely.
        earliest: the first rollup that it can have begun with.
        latest: the last one.
        n: observations since ``start``.
        level: mean since ``start``. It overstates what is to come, since an alert comes when chance helps: show the
            interval first.
        low: lower end of the 95 % interval of the new level, within [0, 1].
        high: upper end of it.
        effect: ``level`` minus the mean of the baseline.
    """

    start: int
    earliest: int
    latest: int
    n: int
    level: float
    low: float
    high: float
    effect: float


def locate(n: Column, total: Column, baseline: Moments, *, phi: float = 1.0) -> Change | None:
    """Where and by how much a mean has gone up: the profile of a quasi-likelihood over all starts.

    For each start the mean of everything since then is compared with the baseline, by its variance: the baseline's,
    more where the mean has gone towards one half, times ``phi``, plus what is not known of the baseline itself.

    Args:
        n: observations in each rollup, chronological, the last of which ends now; shape (rollups,).
        total: sum of the values in each, in [0, 1] each; same shape.
        baseline: of before.
        phi: overdispersion, at least 1.

    Returns:
        None where no start has a mean above the baseline's.
    """
    since, summed = np.cumsum(n[::-1])[::-1], np.cumsum(total[::-1])[::-1]
    has_data = since > 0
    size = np.where(has_data, since, 1.0)
    mean = np.where(has_data, summed / size, 0.0)
    variance = _variance(mean, size, baseline, phi)
    support = np.where(mean > baseline.mean, size * (mean - baseline.mean) ** 2 / (2 * variance), 0.0)
    if not support.any():
        return None
    start = _last_of_equal(support, since)
    least = support[start] - SUPPORT
    # A start without support says nothing about a new level; where all is believed, so is no change.
    believed = np.nonzero((support >= least) & (support > 0))[0]
    half = np.sqrt(2 * variance[believed] * (support[believed] - least) / size[believed])
    return Change(
        start=start,
        earliest=int(believed[0]),
        latest=int(believed[-1]),
        n=int(since[start]),
        level=float(mean[start]),
        low=float(np.clip((mean[believed] - half).min(), 0, 1)),
        high=float(np.clip((mean[believed] + half).max(), 0, 1)),
        effect=float(mean[start] - baseline.mean),
    )


def _variance(mean: Column, size: Column, baseline: Moments, phi: float) -> Column:
    """Of one observation since each start, so that the mean's own is this over ``size``."""
    known = baseline.with_one_more()
    growth = np.maximum(1.0, mean * (1 - mean) / (known.mean * (1 - known.mean)))
    return known.variance * growth * (1 + size / max(baseline.n, 1.0)) * phi


def _last_of_equal(support: Column, since: Column) -> int:
    """The best start; where empty rollups come before it, which change nothing, the one with data."""
    best = int(np.argmax(support))
    return int(np.nonzero(since == since[best])[0][-1])


def decide(before: float, after: float, *, absolute: float, relative: float = 0.0) -> Literal["page", "notice"]:
    """Whether a proven change is large enough to call somebody.

    Args:
        before: value before, in any unit, turned so that harm is up.
        after: value since then, likewise.
        absolute: least effect that pages, in the same unit.
        relative: least effect as a share of ``before``; both must be reached.
    """
    # Half a part in 10^9, so that 0.10 -> 0.12 reaches 0.02 whatever the rounding.
    least = max(absolute, relative * abs(before)) * (1 - 5e-10)
    return "page" if after - before >= least else "notice"
