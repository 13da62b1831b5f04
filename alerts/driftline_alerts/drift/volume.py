"""Whether requests have stopped or exploded: a detector of its own, on arrivals by the minute.

A minute is remarkable when it brings nothing, less than a tenth of the usual, or more than three or ten times the
usual. How often such minutes begin, and how often one follows another, is learned from the stream itself by how busy
it is, so that bursts and pauses that belong to it raise nobody. Each kind of minute is bet on against these chances;
the sums of the bets (Shiryaev-Roberts, as for the other streams) grow by one a month on average while the chances
hold. An alarm comes at 2 over the false alarms a month that are accepted, in each of the two directions, and so is
false at most so often.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from driftline_alerts.drift.volume_profile import Expected, Profile
from driftline_alerts.drift.volume_watch import CLASSES, Direction, Kind, Watch

if TYPE_CHECKING:
    from collections.abc import Mapping

FALSE_A_MONTH: Final = 0.05
"""False alarms of one stream in 30 days, unless the project's budget asks for fewer."""
DAY_MINUTES: Final = 24 * 60
OVER: Final = 20.0
"""Evidence in days at which an alarm ends: at most 1 in 20 a day while nothing is usual again."""

RELEARNED_AFTER: Final = 7 * DAY_MINUTES
"""Minutes after which an open alarm no longer keeps the profile from learning."""

_KINDS: Final = (
    Kind("stopped", 0.0, 0.1),
    Kind("stopped", 0.1, 0.1),
    Kind("exploded", 3.0, 0.4),
    Kind("exploded", 10.0, 0.4),
)
_WIDEST: Final[Mapping[Direction, int]] = {"stopped": 1, "exploded": 2}
"""The kind of each direction that the other implies; an alarm ends when minutes are no longer of it."""

_RAREST: Final = 0.0003
"""No minute is taken for rarer, so that none makes an alarm alone, nor do two."""

_YOUNG_BEGINS: Final = 0.003
_YOUNG_GOES_ON: Final = 0.5
"""Chances that are assumed at least during the first two weeks."""

_SURE: Final = 0.99
"""How much of what is left to certainty a bet takes."""

_LULL: Final = 0.5
"""Of the usual requests, what a quarter of an hour may well have by chance."""

_STILL: Final = 0.95
"""Least share of remarkable minutes while an alarm still holds."""

_FEWEST_MORE: Final = 10.0
"""Requests a minute that an explosion is above its factor at least."""

_SLOWEST: Final = 1 / 600
"""Requests a minute below which silence says nothing."""

_SUSPICIOUS: Final = 2.0
"""Log evidence from which on a minute does not change what is expected of the next."""

_MOST: Final = 1e30


@dataclass(frozen=True, slots=True)
class Alarm:
    """Traffic that is no longer what it was.

    Attributes:
        direction: whether it stopped or exploded.
        since: minute, counted since 1970, from which on.
        at: minute after which it was proven.
        usual: requests a minute that were to be expected: the fewest for a stop, the most for an explosion.
        seen: requests a minute since then.
        evidence: in months: as much comes by chance at most once in so many.
    """

    direction: Direction
    since: int
    at: int
    usual: float
    seen: float
    evidence: float


@dataclass(slots=True)
class Volume:
    """The detector of one stream of requests.

    What holds: at most the false alarms a month that an update accepts, as far as remarkable minutes come no more
    often than they did. From the third week on a stop of 100 requests a minute is found in some 5 minutes. Before, the
    usual is not known by hour of the week: then it is what the last hour and the same time of other days had, a quarter
    of the least and four times the most, and an alarm takes some 15 minutes. Traffic that ends within an hour every
    evening will be called stopped on the first one.

    It must see each minute once, in order; minutes in which nothing was recorded for reasons of our own are left out.
    To start with a profile, show it the past first.

    Attributes:
        profile: what is usual.
        alarm: that is open, if any. Nothing is learned meanwhile, for up to a week.
        recovery: evidence in days that it is over.
    """

    profile: Profile = field(default_factory=Profile)
    watches: list[Watch] = field(default_factory=lambda: [Watch() for _ in _KINDS])
    alarm: Alarm | None = None
    recovery: float = 0.0

    def update(self, minute: int, requests: int, *, false_a_month: float = FALSE_A_MONTH) -> None:
        """Take in how many requests arrived in a minute, counted since 1970; afterwards look at ``alarm``.

        Args:
            minute: each once, in order.
            requests: that arrived in it.
            false_a_month: false alarms in 30 days that are accepted.
        """
        expected = self.profile.expect(minute)
        if expected is not None:
            self._look(minute, requests, expected, 2 / false_a_month)
        if self.alarm is None or minute - self.alarm.at >= RELEARNED_AFTER:
            self.profile.learn(minute, requests, is_ordinary=all(watch.lead < _SUSPICIOUS for watch in self.watches))

    def _look(self, minute: int, requests: int, expected: Expected, enough: float) -> None:
        was_open = self.alarm is not None
        for number, (kind, watch) in enumerate(zip(_KINDS, self.watches, strict=True)):
            usual = expected.low if kind.direction == "stopped" else expected.high
            if kind.direction == "stopped" and usual < _SLOWEST:
                continue
            # Pauses depend on how busy it is, and bursts hardly; they are rare, so that all are learned from together.
            busy = _class_of(usual) if kind.direction == "stopped" else 0
            happened = _is_remarkable(kind, requests, usual)
            chance = _chance(watch, kind, busy, expected)
            if was_open:
                self._see_whether_over(number, chance, happened=happened)
            else:
                watch.bet(minute, requests, _payout(chance, happened=happened))
            counts = expected.weeks > 0 and (kind.direction == "exploded" or not was_open)
            watch.note(busy, happened=happened, counts=counts)
        if not was_open:
            self._raise(minute, expected, enough)

    def _raise(self, minute: int, expected: Expected, enough: float) -> None:
        both: tuple[tuple[Direction, float], ...] = (("stopped", expected.low), ("exploded", expected.high))
        for direction, usual in both:
            mine = [number for number, kind in enumerate(_KINDS) if kind.direction == direction]
            evidence = sum(self.watches[number].evidence for number in mine) / len(mine)
            if evidence >= enough:
                best = max((self.watches[number] for number in mine), key=lambda watch: watch.evidence)
                seen = best.arrived / (minute - best.since + 1)
                self.alarm = Alarm(direction, best.since, minute, usual, seen, evidence)
                self.recovery = 0.0
                return

    def _see_whether_over(self, number: int, chance: float, *, happened: bool) -> None:
        if self.alarm is None or number != _WIDEST[self.alarm.direction]:
            return
        chance = min(chance, 1 - _STILL)
        factor = chance / _STILL if happened else (1 - chance) / (1 - _STILL)
        self.recovery = min((self.recovery + 1 / DAY_MINUTES) * factor, _MOST)
        if self.recovery >= OVER:
            self.alarm = None
            for watch in self.watches:
                watch.evidence, watch.lead = 0.0, 0.0

    def state(self) -> dict[str, Any]:
        """Everything, as JSON takes it."""
        return dataclasses.asdict(self)

    @classmethod
    def restored(cls, state: Mapping[str, Any]) -> Volume:
        """What gave ``state``, which then goes on as if nothing had happened."""
        return cls(
            profile=Profile(**state["profile"]),
            watches=[Watch(**watch) for watch in state["watches"]],
            alarm=Alarm(**state["alarm"]) if state["alarm"] else None,
            recovery=state["recovery"],
        )


def _class_of(usual: float) -> int:
    """How busy a minute usually is, in doublings from one request in 16 minutes on."""
    return min(max(math.floor(math.log2(max(usual, _SLOWEST))) + 4, 0), CLASSES - 1)


def _is_remarkable(kind: Kind, requests: int, usual: float) -> bool:
    if kind.direction == "stopped":
        return requests <= kind.factor * usual
    return requests > kind.factor * usual + _FEWEST_MORE


def _chance(watch: Watch, kind: Kind, busy: int, expected: Expected) -> float:
    """Of a minute of the kind, and rather too high than too low."""
    least = 0.0 if watch.run else _RAREST
    if expected.weeks < 2:
        least = _YOUNG_GOES_ON if watch.run else _YOUNG_BEGINS
    alone = 0.0
    if kind.direction == "stopped":
        alone = _poisson_at_most(kind.factor * expected.low, _LULL * expected.low)
    return max(least, alone, watch.chance(kind, busy))


def _payout(chance: float, *, happened: bool) -> float:
    """Of a bet that it happens, which is fair if the chance is right, and loses if it is lower."""
    if not happened:
        return 1 - _SURE
    return (1 - (1 - _SURE) * (1 - chance)) / chance


def _poisson_at_most(most: float, mean: float) -> float:
    """Probability of at most ``most`` requests; 0 where they are too many for that to matter."""
    if mean > 60:
        return 0.0
    term = total = math.exp(-mean)
    for count in range(1, math.floor(most) + 1):
        term *= mean / count
        total += term
    return total
