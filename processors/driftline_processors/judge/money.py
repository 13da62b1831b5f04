"""Budgets that could not hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from driftline.errors import SettingsError
from driftline_processors.judge.build import provider_of

if TYPE_CHECKING:
    from driftline_processors.judge.config import Evaluators
    from driftline_processors.prices import PriceBook


def check_budgets(config: Evaluators, prices: PriceBook) -> None:
    """Refuse a budget that could not hold, because what the calls cost is not known.

    Raises:
        SettingsError: names the evaluator and its model.
    """
    for judge in config.judges:
        limited = config.budget.is_set or judge.budget.is_set
        if limited and not prices.quote(provider_of(judge), judge.model).known:
            raise SettingsError(
                f"evaluator {judge.name!r} has a budget, but the price of its model {judge.model!r} is not known; "
                "add it to the file of the setting 'prices_file', or take the budget away"
            )
