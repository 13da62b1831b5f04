"""Budgets of the judges: what is left of a day and a month of UTC, and when judging pauses.

Whether there is money left is asked before a task is begun. What is under way then is finished, so a budget can be
passed by what the calls under way cost.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from driftline.errors import SettingsError
from driftline_processors.judge.build import provider_of

if TYPE_CHECKING:
    from driftline_processors.judge.config import Evaluators
    from driftline_processors.prices import PriceBook

logger = logging.getLogger(__name__)

Spent = Callable[[str, datetime], Decimal]
"""USD that the store has as spent by an evaluator (``ALL``: by all) since a time. Blocks; may raise what it raises."""

ALL: Final = ""
"""Instead of an evaluator's name: all of them together."""


@dataclass(frozen=True, slots=True)
class Limit:
    """What may be spent in a period.

    Attributes:
        evaluator: by whom; ``ALL`` by all.
        period: ``day`` or ``month``.
        usd: at most.
    """

    evaluator: str
    period: str
    usd: Decimal

    def begin(self, now: datetime) -> datetime:
        """Of the period that holds a moment."""
        midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        return midnight if self.period == "day" else midnight.replace(day=1)

    def end(self, now: datetime) -> datetime:
        """Of the period that holds a moment: the begin of the next one."""
        begin = self.begin(now)
        # 32 days after the first of a month is in the next one.
        return begin + timedelta(days=1) if self.period == "day" else (begin + timedelta(days=32)).replace(day=1)


@dataclass(frozen=True, slots=True)
class Pause:
    """That, and until when, an evaluator does not judge because its money is spent."""

    limit: Limit
    spent: Decimal
    until: datetime

    def __str__(self) -> str:
        whose = f"evaluator {self.limit.evaluator!r}" if self.limit.evaluator else "all judges together"
        return (
            f"{whose}: {self.spent:.2f} of {self.limit.usd:.2f} USD a {self.limit.period} are spent; "
            f"paused until {self.until:%Y-%m-%d %H:%M} UTC"
        )


class Purse:
    """Knows what is spent, between two looks into the store by adding up what comes in here."""

    def __init__(
        self, config: Evaluators, spent: Spent, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._limits = limits(config)
        self._spent = spent
        self._clock = clock
        self._known: dict[Limit, tuple[datetime, Decimal]] = {}
        self._told: set[tuple[Limit, datetime]] = set()

    def refresh(self) -> None:
        """Look into the store, for what other processes spend. Blocks; call it now and then, first before judging."""
        now = self._clock()
        for limit in self._limits:
            stored = self._spent(limit.evaluator, limit.begin(now))
            # What was judged here and is still on its way to the store is in the higher one of the two.
            self._set(limit, now, max(stored, self._in(limit, now)))

    def add(self, evaluator: str, cost: Decimal | None) -> None:
        """Count what a judgement has cost; None is unknown."""
        now = self._clock()
        for limit in self._limits:
            if limit.evaluator in {evaluator, ALL}:
                self._set(limit, now, self._in(limit, now) + (cost or Decimal(0)))

    def allows(self, evaluator: str) -> bool:
        """Whether it may judge now."""
        return self.pause(evaluator) is None

    def pause(self, evaluator: str) -> Pause | None:
        """Why it may not, for the longest time; None if it may."""
        found = [pause for pause in self.pauses() if pause.limit.evaluator in {evaluator, ALL}]
        return max(found, key=lambda pause: pause.until, default=None)

    def pauses(self) -> list[Pause]:
        """All that hold now, for the report."""
        now = self._clock()
        return [
            Pause(limit, spent, limit.end(now))
            for limit in self._limits
            if (spent := self._in(limit, now)) >= limit.usd
        ]

    def _in(self, limit: Limit, now: datetime) -> Decimal:
        begin, spent = self._known.get(limit, (None, Decimal(0)))
        return spent if begin == limit.begin(now) else Decimal(0)

    def _set(self, limit: Limit, now: datetime, spent: Decimal) -> None:
        begin = limit.begin(now)
        self._known[limit] = (begin, spent)
        if spent >= limit.usd and (limit, begin) not in self._told:
            self._told.add((limit, begin))
            logger.warning("%s", Pause(limit, spent, limit.end(now)))


def limits(config: Evaluators) -> tuple[Limit, ...]:
    """All that a configuration sets."""
    budgets = [(ALL, config.budget), *((judge.name, judge.budget) for judge in config.judges)]
    return tuple(
        Limit(name, period, usd)
        for name, budget in budgets
        for period, usd in (("day", budget.per_day), ("month", budget.per_month))
        if usd is not None
    )


def check_budgets(config: Evaluators, prices: PriceBook) -> None:
    """Refuse a budget that could not hold, because what the calls cost is not known.

    Raises:
        SettingsError: names the evaluator and its model.
    """
    limited = {limit.evaluator for limit in limits(config)}
    for judge in config.judges:
        if limited & {judge.name, ALL} and not prices.quote(provider_of(judge), judge.model).known:
            raise SettingsError(
                f"evaluator {judge.name!r} has a budget, but the price of its model {judge.model!r} is not known; "
                "add it to the file of the setting 'prices_file', or take the budget away"
            )
