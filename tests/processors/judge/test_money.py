"""Budgets, by a clock and a store of the test's own."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from driftline.errors import SettingsError
from driftline.settings import load
from driftline_processors.judge.config import Evaluators, parse_config
from driftline_processors.judge.money import ALL, Limit, Purse, check_budgets
from driftline_processors.prices import GenaiPriceBook

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
MIDNIGHT = datetime(2026, 11, 27, tzinfo=UTC)
DECEMBER = datetime(2026, 12, 1, tzinfo=UTC)


def config(total: str = "{}", tone: str = "{}", facts: str = "{}", model: str = "gpt-4o-mini") -> Evaluators:
    text = (
        f"budget: {total}\nevaluators:\n"
        f"  - {{name: tone, kind: judge, model: {model}, budget: {tone}}}\n"
        f"  - {{name: facts, kind: judge, budget: {facts}}}\n"
    )
    return parse_config(text, "f", load({}))


@dataclass
class World:
    """A clock and a store."""

    now: datetime = NOON
    stored: dict[tuple[str, datetime], Decimal] = field(default_factory=dict)

    def spent(self, evaluator: str, since: datetime) -> Decimal:
        return self.stored.get((evaluator, since), Decimal(0))

    def purse(self, of: Evaluators) -> Purse:
        return Purse(of, self.spent, lambda: self.now)


def test_without_a_limit_nothing_pauses() -> None:
    purse = World().purse(config())
    purse.add("tone", Decimal(10**9))
    assert purse.allows("tone")


def test_a_spent_day_pauses_one_evaluator_until_midnight_utc() -> None:
    world = World()
    purse = world.purse(config(tone="{per_day: 1}"))
    purse.add("tone", Decimal("0.99"))
    assert purse.allows("tone")
    purse.add("facts", Decimal(5))
    assert purse.allows("tone")
    purse.add("tone", Decimal("0.01"))
    assert [purse.allows(name) for name in ("tone", "facts")] == [False, True]
    pause = purse.pause("tone")
    assert pause
    assert pause.until == MIDNIGHT
    world.now = MIDNIGHT - timedelta(microseconds=1)
    assert not purse.allows("tone")
    world.now = MIDNIGHT
    assert purse.allows("tone")


def test_a_spent_month_pauses_until_the_first_of_the_next() -> None:
    world = World()
    purse = world.purse(config(tone="{per_day: 1, per_month: 3}"))
    for day in range(3):
        world.now = NOON + timedelta(days=day)
        purse.add("tone", Decimal(1))
    pause = purse.pause("tone")
    assert pause
    assert (pause.limit.period, pause.until) == ("month", DECEMBER)
    world.now = DECEMBER
    assert purse.allows("tone")


def test_the_total_counts_all_and_pauses_all() -> None:
    purse = World().purse(config(total="{per_day: 3}", tone="{per_day: 2}"))
    purse.add("tone", Decimal("1.5"))
    purse.add("facts", Decimal("1.5"))
    assert [purse.allows(name) for name in ("tone", "facts")] == [False, False]
    assert [str(pause) for pause in purse.pauses()] == [
        "all judges together: 3.00 of 3.00 USD a day are spent; paused until 2026-11-27 00:00 UTC"
    ]


def test_a_budget_of_nothing_never_judges() -> None:
    assert not World().purse(config(tone="{per_day: 0}")).allows("tone")


@pytest.mark.parametrize(
    ("now", "day", "month"),
    [
        ("2026-12-31T23:59+00:00", "2027-01-01T00:00+00:00", "2027-01-01T00:00+00:00"),
        ("2028-02-29T01:00+00:00", "2028-03-01T00:00+00:00", "2028-03-01T00:00+00:00"),
        ("2026-12-01T00:30+02:00", "2026-12-01T00:00+00:00", "2026-12-01T00:00+00:00"),
    ],
)
def test_periods_are_those_of_utc(now: str, day: str, month: str) -> None:
    moment = datetime.fromisoformat(now)
    assert Limit(ALL, "day", Decimal(1)).end(moment) == datetime.fromisoformat(day)
    assert Limit(ALL, "month", Decimal(1)).end(moment) == datetime.fromisoformat(month)


def test_what_other_processes_spend_is_in_the_store() -> None:
    world = World()
    purse = world.purse(config(tone="{per_day: 1}"))
    world.stored["tone", datetime(2026, 11, 26, tzinfo=UTC)] = Decimal(1)
    assert purse.allows("tone")
    purse.refresh()
    assert not purse.allows("tone")


def test_what_is_on_its_way_to_the_store_is_neither_forgotten_nor_counted_twice() -> None:
    world = World()
    purse = world.purse(config(tone="{per_day: 1}"))
    purse.add("tone", Decimal("0.6"))
    purse.refresh()
    world.stored["tone", datetime(2026, 11, 26, tzinfo=UTC)] = Decimal("0.6")
    purse.refresh()
    assert purse.allows("tone")
    purse.add("tone", Decimal("0.4"))
    assert not purse.allows("tone")


def test_it_is_said_once_a_period(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    purse = world.purse(config(tone="{per_day: 1}"))
    with caplog.at_level(logging.WARNING):
        for _ in range(5):
            purse.add("tone", Decimal(1))
        world.now = MIDNIGHT
        purse.add("tone", Decimal(1))
    assert len(caplog.records) == 2
    assert "'tone': 1.00 of 1.00 USD a day are spent; paused until 2026-11-27 00:00 UTC" in caplog.text


def test_a_budget_that_could_not_hold_is_refused() -> None:
    book = GenaiPriceBook()
    check_budgets(config(model="our-own"), book)
    check_budgets(config(model="our-own", facts="{per_day: 1}"), book)
    for limited in (config(model="our-own", tone="{per_day: 1}"), config(model="our-own", total="{per_month: 1}")):
        with pytest.raises(SettingsError, match="'tone' has a budget, but the price of its model 'our-own' is not"):
            check_budgets(limited, book)
