"""The evaluators in force: what the sampling has to know about them, and the judges themselves."""

from __future__ import annotations

import contextlib
from datetime import timedelta
from typing import TYPE_CHECKING

from driftline_processors.judge import build
from driftline_processors.judge.config import api_key, load_config
from driftline_processors.judge.money import check_budgets
from driftline_processors.judge.plan import Sampled
from driftline_processors.prices import price_book

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from driftline.settings import Settings
    from driftline_processors.judge.cache import LookUp
    from driftline_processors.judge.config import JudgeConfig
    from driftline_processors.judge.evaluator import Evaluator


def sampled(settings: Settings) -> tuple[Sampled, ...]:
    """What is judged how often; those without a key to judge with are left out.

    Raises:
        SettingsError: the file or a rubric is wrong, or a budget could not hold.
    """
    config = load_config(settings)
    check_budgets(config, price_book(settings))
    return tuple(_sampled(judge) for judge in config.judges if api_key(judge, settings))


def _sampled(judge: JudgeConfig) -> Sampled:
    version = judge.raised.new_version
    return Sampled(
        judge.name,
        judge.unit,
        judge.rate,
        min_per_hour=judge.raised.min_per_hour,
        new_version_rate=version.rate if version else 0.0,
        new_version_hours=version.for_ / timedelta(hours=1) if version else 0.0,
        error_rate=judge.boosts.error,
        feedback_rate=judge.boosts.negative_feedback,
        per_day=judge.budget.per_day,
        per_month=judge.budget.per_month,
        features=judge.applies.features,
        models=judge.applies.models,
        operations=judge.applies.operations,
        concurrency=judge.concurrency,
    )


@contextlib.asynccontextmanager
async def judges(settings: Settings, look_up: LookUp) -> AsyncIterator[dict[str, Evaluator]]:
    """The judges by name, for the time of the block.

    Args:
        settings: that name their file.
        look_up: finds what the store has of identical answers.

    Raises:
        SettingsError: the file or a rubric is wrong.
    """
    async with build.evaluators(load_config(settings).judges, settings, price_book(settings), look_up) as built:
        yield built
