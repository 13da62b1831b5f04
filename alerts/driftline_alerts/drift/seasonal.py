"""The daily and weekly rhythm of a stream's mean, as a table by hour of the week that a detector looks up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from driftline_alerts.drift.hourly import DAY_HOURS, WEEK_HOURS, hour_of_week
from driftline_alerts.drift.overdispersion import overdispersion
from driftline_alerts.drift.tails import f_tail

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from driftline_alerts.drift.hourly import Hourly
    from driftline_alerts.drift.moments import Column

FEWEST_DAYS: Final = 14
WEEKEND_DAYS: Final = 28
"""Days from which on weekends are told apart: four of them have then been seen."""

SIGNIFICANT: Final = 0.01
_HARMONICS: Final = (1, 2)
_FURTHEST: Final = 5.0
"""The season moves the mean of values, or what they lack of 1, by at most this factor downwards."""


@dataclass(frozen=True, slots=True)
class Season:
    """What was learned of a healthy stream.

    Attributes:
        offsets: what to add to the logit of the stream's mean, by hour of the week; shape (168,), zeros where no
            rhythm is proven.
        phi: overdispersion that is left, from 1 to 10.
        p_value: of the rhythm against none; 1 where there is too little to tell.
        days: that it was learned from.
    """

    offsets: Column
    phi: float
    p_value: float
    days: int


def learn(hours: Hourly) -> Season:
    """Rhythm and overdispersion of a stream, from nothing but its past.

    Least squares on the first two harmonics of a day, from 28 days also on whether it is Saturday or Sunday (UTC), each
    hour weighted with its observations; an F test, divided by the overdispersion around the fit, decides whether the
    rhythm is used. Below 14 days there is none, and ``phi`` is what can be seen so far.
    """
    n = float(hours.n.sum())
    flat = np.full(len(hours.n), hours.total.sum() / n if n else 0.0)
    none = Season(np.zeros(WEEK_HOURS), overdispersion(hours, flat), 1.0, hours.days)
    if hours.days < FEWEST_DAYS or not 0 < hours.total.sum() < n:
        return none
    shape = _shape(np.arange(WEEK_HOURS), with_weekend=hours.days >= WEEKEND_DAYS)
    at = hour_of_week(hours.hour)
    fitted = _fit(shape[at], hours)
    if fitted is None:
        return none
    by_week = shape @ fitted
    expected = by_week[at]
    phi = overdispersion(hours, expected)
    p_value = _p_value(hours, expected, flat, of=shape.shape[1] - 1, phi=phi)
    if p_value >= SIGNIFICANT:
        return Season(none.offsets, none.phi, p_value, hours.days)
    return Season(_offsets(by_week, expected, float(flat[0])), phi, p_value, hours.days)


def _shape(hour: NDArray[np.int64], *, with_weekend: bool) -> Column:
    """Columns of the regression by hour of the week: 1, sine and cosine of each harmonic, weekend."""
    angle = 2 * np.pi * (hour + 0.5) / DAY_HOURS
    columns = [np.ones(len(hour)), *(wave(k * angle) for k in _HARMONICS for wave in (np.sin, np.cos))]
    if with_weekend:
        columns.append((hour >= 5 * DAY_HOURS).astype(np.float64))
    return np.stack(columns, axis=1)


def _fit(shape: Column, hours: Hourly) -> Column | None:
    """Coefficients by weighted least squares; None where the hours with data cannot tell them apart."""
    weight = np.sqrt(hours.n)
    mean = hours.total / np.maximum(hours.n, 1.0)
    found, _, rank, _ = np.linalg.lstsq(shape * weight[:, None], mean * weight, rcond=1e-6)
    return None if rank < shape.shape[1] else found.astype(np.float64)


def _p_value(hours: Hourly, expected: Column, flat: Column, *, of: int, phi: float) -> float:
    explained = float((hours.n * (expected - flat) ** 2).sum())
    left = float((hours.squares - 2 * expected * hours.total + expected**2 * hours.n).sum())
    within = float(hours.n.sum()) - of - 1
    if within <= 0 or left <= 0:
        return 1.0
    return f_tail(explained / of / (left / within) / phi, of, within)


def _offsets(by_week: Column, seen: Column, mean: float) -> Column:
    """Logits of the fitted means against that of the whole; hours never seen are not extrapolated."""
    low, high = max(float(seen.min()), mean / _FURTHEST), min(float(seen.max()), 1 - (1 - mean) / _FURTHEST)
    level = np.clip(by_week, low, high)
    offsets: Column = np.log(level / (1 - level)) - np.log(mean / (1 - mean))
    return offsets
