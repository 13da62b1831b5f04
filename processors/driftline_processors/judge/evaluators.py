"""The evaluators in force: what the sampling has to know about them, and the judges themselves."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import openai

from driftline_processors.judge.evaluator import TIMEOUT_SECONDS, Evaluator
from driftline_processors.judge.plan import Sampled
from driftline_processors.judge.rubric import load_rubric
from driftline_processors.prices import price_book

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from driftline.settings import Settings
    from driftline_processors.judge.pump import Judge


def sampled(settings: Settings) -> tuple[Sampled, ...]:
    """What is judged how often; nothing while there is no key to judge with.

    Raises:
        SettingsError: the rubric cannot be used.
    """
    rubric = load_rubric(settings.judge_rubric)
    if not settings.judge_api_key:
        return ()
    return (Sampled(rubric.name, rate=float(settings.judge_rate)),)


@contextlib.asynccontextmanager
async def judges(settings: Settings) -> AsyncIterator[dict[str, Judge]]:
    """The judges by name, for the time of the block.

    Raises:
        SettingsError: the rubric cannot be used.
    """
    rubric = load_rubric(settings.judge_rubric)
    async with openai.AsyncOpenAI(
        api_key=settings.judge_api_key,
        base_url=settings.judge_base_url or None,
        max_retries=0,  # repeated by class of error, in the evaluator
        timeout=TIMEOUT_SECONDS,
    ) as endpoint:
        provider = "" if settings.judge_base_url else "openai"
        yield {rubric.name: Evaluator(endpoint, settings.judge_model, rubric, price_book(settings), provider)}
