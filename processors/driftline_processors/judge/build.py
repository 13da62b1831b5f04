"""Evaluators from their declarations, with their clients."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any

import openai

from driftline_processors.judge import verdict
from driftline_processors.judge.cache import Cache
from driftline_processors.judge.config import api_key
from driftline_processors.judge.endpoint import TIMEOUT_SECONDS, Endpoint
from driftline_processors.judge.evaluator import Evaluator
from driftline_processors.judge.pace import Pace
from driftline_processors.judge.rubric import load_rubric

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from driftline.settings import Settings
    from driftline_processors.judge.cache import LookUp
    from driftline_processors.judge.config import JudgeConfig
    from driftline_processors.prices import PriceBook


@asynccontextmanager
async def evaluators(
    judges: Iterable[JudgeConfig],
    settings: Settings,
    prices: PriceBook,
    look_up: LookUp | None = None,
) -> AsyncIterator[dict[str, Evaluator]]:
    """Those that have a key, by name; their clients are closed at the end.

    Args:
        judges: as declared.
        settings: for the key and address of those that name none.
        prices: of their calls.
        look_up: finds what the store has of identical answers.

    Raises:
        SettingsError: a rubric cannot be read or is wrong.
    """
    async with AsyncExitStack() as clients:
        built = {}
        for judge in judges:
            key = api_key(judge, settings)
            if not key:
                continue
            client = await clients.enter_async_context(_client(judge, key))
            built[judge.name] = evaluator(judge, client, prices, look_up)
        yield built


def evaluator(
    judge: JudgeConfig, client: openai.AsyncOpenAI, prices: PriceBook, look_up: LookUp | None = None
) -> Evaluator:
    """The instrument of one declaration.

    Raises:
        SettingsError: its rubric cannot be read or is wrong.
    """
    rubric = load_rubric(judge.rubric)
    parameters: dict[str, Any] = {"response_format": verdict.response_format(rubric)}
    if judge.temperature is not None:
        parameters["temperature"] = judge.temperature
    return Evaluator(
        judge.name,
        Endpoint(client, judge.model, prices, provider_of(judge), parameters),
        rubric,
        judge.concurrency,
        Pace(judge.rpm, judge.tpm),
        Cache(look_up),
    )


def provider_of(judge: JudgeConfig) -> str:
    """Whose prices count, as OpenTelemetry names it; '' to go by the model's name."""
    return "" if judge.base_url else "openai"


def _client(judge: JudgeConfig, key: str) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(
        api_key=key,
        base_url=judge.base_url or None,
        max_retries=0,  # repeated by class of failure, in the evaluator
        timeout=TIMEOUT_SECONDS,
    )
