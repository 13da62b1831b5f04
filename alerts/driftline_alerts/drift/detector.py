"""The profiled betting e-detector (docs/drift-method.md), over many streams at once.

For each stream S is the least, over the means that its baseline may have had, of a sum over possible starts of a
change: what the baseline says against the mean, times what betting on a higher one has made since that start. Its unit
is expected false alarms times months. While the stream is healthy, P(S reaches 1/a within T months) <= a T, for any
distribution on [0, 1], however often it is looked at, and however small the baseline is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from driftline_alerts.drift import lattice
from driftline_alerts.drift.bets import BETS, WEIGHTS, height, log_factors, lowest_cell

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from driftline_alerts.drift.lattice import Lattice
    from driftline_alerts.drift.levels import Levels

    Array = NDArray[np.float64]

_EXPONENT: Final = 600.0
_MOST: Final = 1e40
"""Of the capital, so that no product overflows: a threshold is many orders of magnitude below."""
_FRESH: Final = 0.04
"""New observations, as a share of the baseline, after which its evidence is counted anew: older evidence is as valid,
as it was known before what came since, and that of each look would cost as much as all the rest."""
_TOGETHER: Final = 64
"""Streams of one product of matrices: neighbours on the lattice, so that they share most of their cells."""


@dataclass
class Detector:
    """The state of one stream.

    Attributes:
        levels: of y.
        overdispersion: factor on the variance of sums, at least 1: evidence is taken to the power of its inverse.
        tolerance: drift that is let pass, in logits.
        lattice: the means that its baseline may have had.
        baseline: counts of y, shape (levels,).
        pending: those that the baseline's evidence does not know yet, shape (levels,); they came at ``shift``.
        shift: of the mean by the season, in cells.
        log_capital: of the bets against each mean, shape (cells, bets against it).
        evidence: of the baseline against each mean, shape (cells,).
        capital: of the bets on a change, summed over its possible starts, shape (cells, bets).
        n: observations that the baseline's evidence knows.
        n_pending: those that it does not.
        suspicion: S, as of the last update.
        is_frozen: whether the baseline stays as it is, whatever arrives.
    """

    levels: Levels
    overdispersion: float
    tolerance: float
    lattice: Lattice
    baseline: Array
    pending: Array
    shift: int
    log_capital: Array
    evidence: Array
    capital: Array
    n: float
    n_pending: float = 0.0
    suspicion: float = 0.0
    is_frozen: bool = False

    @property
    def mean(self) -> float:
        """Of y, over the baseline."""
        return float(self.baseline @ self.levels.values / self.n)

    @property
    def variance(self) -> float:
        """Of y, over the baseline."""
        return float(self.baseline @ self.levels.values**2 / self.n) - self.mean**2

    def forget_suspicion(self) -> None:
        """Begin anew with the same baseline."""
        self.capital[:] = 0.0
        self.suspicion = 0.0


def watch(
    levels: Levels,
    counts: Array,
    *,
    shifts: Array | None = None,
    overdispersion: float = 1.0,
    tolerance: float = 0.0,
) -> Detector:
    """A detector that starts from a baseline, without suspicion.

    Args:
        levels: of y.
        counts: of the baseline, shape (levels,); or by the season's shift, shape (shifts, levels).
        shifts: of the mean at each row of the counts, in logits, shape (shifts,).
        overdispersion: factor on the variance of sums, at least 1.
        tolerance: drift that is let pass, in logits: 0.05 lets the odds of harm grow by 5 %.

    Raises:
        ValueError: there is nothing in the baseline.
    """
    rows = np.atleast_2d(counts).astype(float)
    total = rows.sum(axis=0)
    if not total.sum() > 0:
        raise ValueError("expected a baseline of at least one observation, got none")
    made = lattice.build(total, levels.values, overdispersion)
    cells = np.rint((np.zeros(len(rows)) if shifts is None else shifts) / made.step).astype(int)
    log_capital = np.zeros((made.cells, len(made.bets)))
    for shift in np.unique(cells):
        seen = rows[cells == shift].sum(axis=0)
        log_capital += lattice.log_capital(seen, levels.values, made.means(int(shift)), made.bets) / overdispersion
    return Detector(
        levels=levels,
        overdispersion=overdispersion,
        tolerance=tolerance,
        lattice=made,
        baseline=total,
        pending=np.zeros(len(levels)),
        shift=0,
        log_capital=log_capital,
        evidence=lattice.evidence(log_capital),
        capital=np.zeros((made.cells, BETS)),
        n=float(total.sum()),
    )


def update(detectors: Sequence[Detector], counts: Array, months: Array, shifts: Array | None = None) -> Array:
    """Take in what arrived since the last update, each observation exactly once.

    Args:
        detectors: each at most once; all of the same levels.
        counts: of y, shape (detectors, levels).
        months: that passed since the last update, and what known events add, shape (detectors,).
        shifts: of the mean that the season predicts, in logits, shape (detectors,).

    Returns:
        S of each, shape (detectors,).
    """
    if not detectors:
        return np.zeros(0)
    moved = np.zeros(len(detectors)) if shifts is None else shifts
    cells = np.rint(moved / [one.lattice.step for one in detectors]).astype(int)
    for one, shift in zip(detectors, cells, strict=True):
        if shift != one.shift or one.n_pending > _FRESH * one.n:
            absorb(one)
            one.shift = int(shift)
    n = counts.sum(axis=1)
    for rows, factors in _factors(detectors, counts):
        for row, factor in zip(rows, factors, strict=True):
            one = detectors[row]
            _bet(one, float(months[row]), factor)
            if not one.is_frozen:
                one.pending += counts[row]
                one.n_pending += float(n[row])
    return np.array([one.suspicion for one in detectors])


def absorb(detector: Detector) -> None:
    """Let the baseline's evidence know what is pending; means that it rejects by then are given up for good."""
    new, values = detector.pending, detector.levels.values
    if not detector.n_pending:
        return
    means = detector.lattice.means(detector.shift)
    gained = lattice.log_capital(new, values, means, detector.lattice.bets) / detector.overdispersion
    detector.log_capital = detector.log_capital + gained
    detector.baseline = detector.baseline + new
    detector.pending = np.zeros(len(values))
    detector.n, detector.n_pending = detector.n + detector.n_pending, 0.0
    detector.evidence = lattice.evidence(detector.log_capital)
    kept = max(int(np.searchsorted(detector.evidence, lattice.REJECTED, side="right")), 1)
    if kept < detector.lattice.cells:
        detector.lattice = replace(detector.lattice, cells=kept)
        detector.log_capital, detector.evidence = detector.log_capital[:kept], detector.evidence[:kept]
        detector.capital = detector.capital[:kept].copy()


def _bet(detector: Detector, months: float, factor: Array) -> None:
    capital = detector.capital
    capital += months * detector.evidence[:, None]
    capital *= factor
    np.minimum(capital, _MOST, out=capital)
    detector.suspicion = float((capital @ WEIGHTS).min())


def _factors(detectors: Sequence[Detector], counts: Array) -> Iterator[tuple[list[int], list[Array]]]:
    """What the counts multiply the bets' capital by, shape (cells, bets) each, for some rows after the other."""
    places = np.array([_place(one) for one in detectors])
    halvings = np.array([one.lattice.halvings for one in detectors])
    order = np.lexsort((places, halvings))
    for begin in range(0, len(order), _TOGETHER):
        group = order[begin : begin + _TOGETHER]
        for same in (group[halvings[group] == value] for value in np.unique(halvings[group])):
            ends = places[same] + [detectors[row].lattice.cells for row in same]
            low, high = int(places[same[0]]), int(ends.max())
            table = log_factors(detectors[same[0]].levels, int(halvings[same[0]]))[low:high]
            logs = (counts[same] / _overdispersion(detectors, same)) @ table.reshape(-1, counts.shape[1]).T
            factors = np.exp(np.clip(logs, -_EXPONENT, _EXPONENT, out=logs), out=logs).reshape(len(same), -1, BETS)
            yield (
                same.tolist(),
                [factors[i, places[row] - low : ends[i] - low] for i, row in enumerate(same)],
            )


def _overdispersion(detectors: Sequence[Detector], rows: NDArray[np.int64]) -> Array:
    return np.array([[detectors[row].overdispersion] for row in rows])


def _place(detector: Detector) -> int:
    """Row of the tables in which the first cell's upper end is, with the season's shift and what is let pass.

    At their lower end a higher mean is tested than was asked for, which is the careful side; at the upper one nearly
    all is harm already.
    """
    made = detector.lattice
    allowed = math.ceil(detector.tolerance / made.step - 1e-9)
    place = made.first + detector.shift + 1 + allowed - lowest_cell(made.halvings)
    return min(max(place, 0), height(made.halvings) - made.cells)
