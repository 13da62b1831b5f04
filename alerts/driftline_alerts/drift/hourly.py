"""What is learned from when a stream is built: its sums by the hour, over two weeks and more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from driftline_alerts.drift.moments import Column

HOUR: Final = 3600
DAY_HOURS: Final = 24
WEEK_HOURS: Final = 168
# 1970-01-01 was a Thursday.
_EPOCH_IN_WEEK: Final = 3 * DAY_HOURS


@dataclass(frozen=True, slots=True)
class Hourly:
    """Sums of a stream's values in [0, 1], an entry for each hour with data, chronological.

    Attributes:
        hour: whole hours since 1970-01-01 UTC; shape (hours,).
        n: observations; same shape.
        total: sum of the values.
        squares: sum of their squares.
    """

    hour: NDArray[np.int64]
    n: Column
    total: Column
    squares: Column

    @property
    def days(self) -> int:
        """Dates in UTC, from that of the first hour to that of the last."""
        return int(self.hour[-1] // DAY_HOURS - self.hour[0] // DAY_HOURS) + 1 if len(self.hour) else 0


def hour_of_week(hour: NDArray[np.int64]) -> NDArray[np.int64]:
    """0 for Monday from 00:00 to 01:00 UTC, up to 167, of whole hours since 1970-01-01 UTC; any shape."""
    return (hour + _EPOCH_IN_WEEK) % WEEK_HOURS


def hour_of_week_at(moment: float) -> int:
    """The same of a Unix time in seconds."""
    return int(hour_of_week(np.array(int(moment // HOUR))))
