"""When an alert may be closed: the detector turned round, which bets that the level is better than half-way back."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from driftline_alerts.drift.moments import Column

BETS: Final = 8
LEAST_BET: Final = 0.1
CAP: Final = 0.9
"""Of the largest bet that could lose everything on one observation."""

DAY: Final = 86400.0
PROVEN: Final = 20.0
"""Evidence at which recovery is declared: at most 1 in 20 a day, while the level stays worse than the middle."""

_MOST: Final = 1e30
_STEEPEST: Final = 600.0


@dataclass(slots=True)
class Recovery:
    """Evidence that a stream in alert has come back, in days: a Shiryaev-Roberts sum of bets against the alert's level.

    As long as every conditional mean is at or above the middle between baseline and alert, each bet is a fair game or
    worse, so that ``evidence`` grows by one a day on average, and the probability of declaring recovery within ``T``
    days is at most ``T / PROVEN``. That holds however often it is updated and whatever the values' distribution.

    Attributes:
        values: what the counts of an update count, in [0, 1], harm is up; shape (levels,).
        middle: between the baseline's mean and the alert's level, inside (0, 1).
        as_of: up to when time has been given to the bets, in Unix seconds; at first the moment of the alert.
        phi: overdispersion, at least 1.
        capital: of each bet; shape (BETS,).
    """

    values: Column
    middle: float
    as_of: float
    phi: float = 1.0
    capital: Column = field(default_factory=lambda: np.zeros(BETS))

    @classmethod
    def between(cls, values: Column, before: float, after: float, *, at: float, phi: float = 1.0) -> Recovery:
        """For an alert at Unix second ``at`` that found the level to have gone from ``before`` up to ``after``."""
        return cls(values, float(np.clip(before + (after - before) / 2, 1e-6, 1 - 1e-6)), at, phi)

    @property
    def evidence(self) -> float:
        """In days: how long one would wait for as much by chance."""
        return float(self.capital.mean())

    @property
    def is_proven(self) -> bool:
        """Whether recovery may be declared."""
        return self.evidence >= PROVEN

    def update(self, counts: Column, at: float, *, offset: float = 0.0) -> float:
        """Take in what has newly arrived; nothing arrived changes nothing.

        Args:
            counts: how often each of ``values`` arrived since the last update; shape (levels,).
            at: end of that time in Unix seconds.
            offset: of the season in logit units, by which the middle moves.

        Returns:
            ``evidence``.
        """
        if not counts.any():
            return self.evidence
        middle = self.middle if not offset else 1 / (1 + math.exp(-math.log(self.middle / (1 - self.middle)) - offset))
        bets = np.geomspace(LEAST_BET, CAP / (1 - middle), BETS)
        growth = np.log1p(bets[:, None] * (middle - self.values)) @ counts / self.phi
        started = self.capital + max(at - self.as_of, 0.0) / DAY
        self.capital = np.minimum(started * np.exp(np.clip(growth, -_STEEPEST, _STEEPEST)), _MOST)
        self.as_of = max(at, self.as_of)
        return self.evidence

    def state(self) -> dict[str, Any]:
        """Everything, as JSON takes it."""
        return {
            "values": self.values.tolist(),
            "middle": self.middle,
            "as_of": self.as_of,
            "phi": self.phi,
            "capital": self.capital.tolist(),
        }

    @classmethod
    def restored(cls, state: Mapping[str, Any]) -> Recovery:
        """What gave ``state``, which then goes on as if nothing had happened."""
        arrays = {name: np.array(state[name], dtype=np.float64) for name in ("values", "capital")}
        return cls(**{**state, **arrays})
