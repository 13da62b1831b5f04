"""Budgets that could not hold."""

from __future__ import annotations

import pytest

from driftline.errors import SettingsError
from driftline.settings import load
from driftline_processors.judge.config import Evaluators, parse_config
from driftline_processors.judge.money import check_budgets
from driftline_processors.prices import GenaiPriceBook


def config(total: str = "{}", tone: str = "{}", facts: str = "{}", model: str = "gpt-4o-mini") -> Evaluators:
    text = (
        f"budget: {total}\nevaluators:\n"
        f"  - {{name: tone, kind: judge, model: {model}, budget: {tone}}}\n"
        f"  - {{name: facts, kind: judge, budget: {facts}}}\n"
    )
    return parse_config(text, "f", load({}))


def test_a_budget_that_could_not_hold_is_refused() -> None:
    book = GenaiPriceBook()
    check_budgets(config(model="our-own"), book)
    check_budgets(config(model="our-own", facts="{per_day: 1}"), book)
    for limited in (config(model="our-own", tone="{per_day: 1}"), config(model="our-own", total="{per_month: 1}")):
        with pytest.raises(SettingsError, match="'tone' has a budget, but the price of its model 'our-own' is not"):
            check_budgets(limited, book)
