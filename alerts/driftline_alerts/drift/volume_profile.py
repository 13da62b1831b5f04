"""How many requests a minute usually brings: by hour of the week, with how much is known of it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final

from driftline_alerts.drift.hourly import DAY_HOURS, WEEK_HOURS, hour_of_week_at

MINUTE: Final = 60

_KEPT: Final = 0.75
"""What an hour of the week still weighs a week later: four weeks count, the last one most."""

_SEEN: Final = 40.0
"""Minutes, weighted, from which on an hour of the week has been seen at all."""

_KNOWN: Final = 70.0
"""The same from which on it is known: that takes two weeks."""

_MEMORY: Final = 60.0
"""Minutes over which the last hour is remembered; and in requests, where these are fewer, the next."""

_MEMORY_REQUESTS: Final = 50.0
_HALF_SEEN: Final = 10.0
"""Requests that the last hour's level is drawn to the usual one by."""

_STEEP: Final = 4.0
"""How far traffic may move within an hour that was never seen, before that is remarkable."""

_MOST_ABOVE: Final = 2.0
"""How far an hour of much traffic raises what is expected next: no explosion excuses itself."""


@dataclass(frozen=True, slots=True)
class Expected:
    """Requests in one minute, as the profile sees them, with the doubt turned to the side that alarms less.

    Attributes:
        low: fewest that are usual.
        high: most that are usual.
        weeks: how often hours of the week around this one were seen: 0, 1, or 2 for twice and more.
    """

    low: float
    high: float
    weeks: int


@dataclass(slots=True)
class Profile:
    """Rates by hour of the week (UTC), learned minute by minute.

    An hour counts together with those before and after it, of which the lowest and the highest are taken: so traffic
    may rise in the morning, and move by an hour when clocks change. The last hour's level moves both.

    Attributes:
        requests: by hour of the week, older weeks weighing less.
        minutes: in which they came, likewise.
        hour: of the week that was learned last; -1 at first.
        arrived: requests of the last hour or so.
        usual: how many the profile had for these minutes.
        recent: requests of the last hour, also where there is no profile.
        recent_minutes: in which they came.
    """

    requests: list[float] = field(default_factory=lambda: [0.0] * WEEK_HOURS)
    minutes: list[float] = field(default_factory=lambda: [0.0] * WEEK_HOURS)
    hour: int = -1
    arrived: float = 0.0
    usual: float = 0.0
    recent: float = 0.0
    recent_minutes: float = 0.0

    def expect(self, minute: int) -> Expected | None:
        """What is usual in a minute (counted since 1970); None in the first hour of all."""
        hour = hour_of_week_at(minute * MINUTE)
        around = [(hour + step) % WEEK_HOURS for step in (-1, 0, 1)]
        seen = min(self.minutes[one] for one in around)
        if seen >= _SEEN:
            level = (self.arrived + _HALF_SEEN) / (self.usual + _HALF_SEEN)
            low = min(self._rate(one, -2.0) for one in around) * min(level, 1.0)
            high = max(self._rate(one, 2.0) for one in around) * min(max(level, 1.0), _MOST_ABOVE)
            return Expected(low, high, 2 if seen >= _KNOWN else 1)
        return self._expect_unseen(hour)

    def _rate(self, hour: int, errors: float) -> float:
        """Requests a minute, by so many standard errors of a count off."""
        requests = self.requests[hour]
        return max(requests + errors * math.sqrt(requests + 1), 0.0) / self.minutes[hour]

    def _expect_unseen(self, hour: int) -> Expected | None:
        """By the last hour, and by this time of the day on the days that were seen."""
        if self.recent_minutes < _MEMORY / 2:
            return None
        of_day = {(hour + step) % DAY_HOURS for step in (-1, 0, 1)}
        rates = [self._rate(one, 0.0) for one in range(WEEK_HOURS) if one % DAY_HOURS in of_day and self._is_seen(one)]
        rates.append(self.recent / self.recent_minutes)
        return Expected(min(rates) / _STEEP, max(rates) * _STEEP, 0)

    def _is_seen(self, hour: int) -> bool:
        return self.minutes[hour] >= _SEEN

    def learn(self, minute: int, requests: int, *, is_ordinary: bool) -> None:
        """Take in a minute; one that is not ordinary does not move what is expected of the next."""
        hour = hour_of_week_at(minute * MINUTE)
        if is_ordinary:
            self._learn_level(hour, requests)
        if hour != self.hour:
            self.requests[hour] *= _KEPT
            self.minutes[hour] *= _KEPT
            self.hour = hour
        self.requests[hour] += requests
        self.minutes[hour] += 1

    def _learn_level(self, hour: int, requests: int) -> None:
        if self._is_seen(hour):
            usual = self.requests[hour] / self.minutes[hour]
            kept = math.exp(-min(1 / _MEMORY, usual / _MEMORY_REQUESTS))
            self.arrived, self.usual = self.arrived * kept + requests, self.usual * kept + usual
        kept = math.exp(-1 / _MEMORY)
        self.recent, self.recent_minutes = self.recent * kept + requests, self.recent_minutes * kept + 1
