"""One kind of remarkable minute: its chances, learned from a stream, and the bets against them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final, Literal

Direction = Literal["stopped", "exploded"]

MONTH_MINUTES: Final = 30 * 24 * 60

_BEGINS: Final = 0.01
_BEGINS_WEIGHT: Final = 50.0
"""How often a run is taken to begin before anything was seen, and how many minutes that weighs."""

_GOES_ON_WEIGHT: Final = 5.0
"""Minutes that a kind's ``goes_on`` weighs."""

_PAUSE: Final = 5
_FULL: Final = 50_000.0
"""Minutes of a class at which what was seen of it is halved: a month's worth, so that a stream may change."""

_MOST: Final = 1e30

CLASSES: Final = 16
"""How busy a minute usually is, in doublings."""

_PAUSED: Final = 4
"""Place in a run after those of a run of one minute, of two and three, of four to seven, and longer ones."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One way in which a minute is remarkable.

    Attributes:
        direction: what it speaks for.
        factor: of the usual requests; at most so many when they stopped, more when they exploded.
        goes_on: how often one is taken to follow another before any was seen.
    """

    direction: Direction
    factor: float
    goes_on: float


def _by_place() -> list[float]:
    return [0.0] * (_PAUSED + 1)


def _by_class() -> list[float]:
    return [0.0] * CLASSES


def _by_both() -> list[list[float]]:
    return [_by_place() for _ in range(CLASSES)]


@dataclass(slots=True)
class Watch:
    """One kind of minute: what is known of its chances, by how busy it is, and what is bet on it.

    A run begins with a minute of the kind and ends after ``_PAUSE`` others in a row: in between, one is likelier.

    Attributes:
        others: minutes outside of runs.
        runs: how many there were.
        within: further minutes of runs, by how long the run was before, or whether it paused.
        again: how many of these were of the kind.
        run: length of the run at present, 0 outside.
        run_class: how busy it was when it began.
        run_counts: whether it will be learned.
        pause: minutes at its end so far that were not of the kind.
        run_within: what the run adds to ``within`` when it is over.
        run_again: and to ``again``.
        evidence: sum of the bets, in months.
        lead: logarithm of the best single bet; when it is not above 0, the next minute starts it anew.
        since: minute in which that began.
        arrived: requests since then.
    """

    others: list[float] = field(default_factory=_by_class)
    runs: list[float] = field(default_factory=_by_class)
    within: list[list[float]] = field(default_factory=_by_both)
    again: list[list[float]] = field(default_factory=_by_both)
    run: int = 0
    run_class: int = 0
    run_counts: bool = True
    pause: int = 0
    run_within: list[float] = field(default_factory=_by_place)
    run_again: list[float] = field(default_factory=_by_place)
    evidence: float = 0.0
    lead: float = 0.0
    since: int = 0
    arrived: int = 0

    def chance(self, kind: Kind, busy: int) -> float:
        """Of the next minute being of the kind, as far as was seen."""
        if not self.run:
            runs = self.runs[busy]
            return (runs + _BEGINS * _BEGINS_WEIGHT) / (self.others[busy] + runs + _BEGINS_WEIGHT)
        chance, now = kind.goes_on, self._place()
        # Long runs are few: what is not known of them is taken from shorter ones.
        for place in range(now + 1) if now != _PAUSED else (_PAUSED,):
            again = self.again[busy][place] + chance * _GOES_ON_WEIGHT
            chance = again / (self.within[busy][place] + _GOES_ON_WEIGHT)
        return chance

    def _place(self) -> int:
        """Where in a run: by its length, or in a pause."""
        return _PAUSED if self.pause else min(self.run.bit_length(), _PAUSED) - 1

    def bet(self, minute: int, requests: int, factor: float) -> None:
        """Multiply all bets, among them one that starts now."""
        if self.lead <= 0:
            self.lead, self.since, self.arrived = 0.0, minute, 0
        self.lead += math.log(factor)
        self.arrived += requests
        self.evidence = min((self.evidence + 1 / MONTH_MINUTES) * factor, _MOST)

    def note(self, busy: int, *, happened: bool, counts: bool) -> None:
        """Remember the minute; a run is learned when it has ended, if each of its minutes ``counts``."""
        if self.run:
            place = self._place()
            self.run_within[place] += 1
            self.run_again[place] += happened
            self.run += 1
            self.pause = 0 if happened else self.pause + 1
            self.run_counts = self.run_counts and counts
            if self.pause == _PAUSE:
                self._end()
        elif happened:
            self.run, self.run_class, self.run_counts, self.pause = 1, busy, counts, 0
        elif counts:
            self.others[busy] += 1

    def _end(self) -> None:
        busy = self.run_class
        if self.run_counts:
            self.runs[busy] += 1
            self.within[busy] = [sum(pair) for pair in zip(self.within[busy], self.run_within, strict=True)]
            self.again[busy] = [sum(pair) for pair in zip(self.again[busy], self.run_again, strict=True)]
        self.run, self.run_within, self.run_again = 0, _by_place(), _by_place()
        if self.others[busy] > _FULL:
            self.others[busy] /= 2
            self.runs[busy] /= 2
            self.within[busy] = [one / 2 for one in self.within[busy]]
            self.again[busy] = [one / 2 for one in self.again[busy]]
