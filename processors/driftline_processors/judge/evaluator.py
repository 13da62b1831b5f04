"""Scores one task with a model behind any OpenAI-compatible endpoint."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import openai
from openai import omit
from tenacity import AsyncRetrying, retry_if_exception_type

from driftline_processors.judge.failure import INVALID_OUTPUT, REPEATABLE, JudgeFailure, Retry, failure_of
from driftline_processors.judge.prompt import RESPONSE_FORMAT, SYSTEM, Verdict, messages
from driftline_processors.judge.task import Judgement

if TYPE_CHECKING:
    from openai.types import CompletionUsage
    from openai.types.chat import ChatCompletion

    from driftline_processors.judge.rubric import Rubric
    from driftline_processors.judge.task import Task
    from driftline_processors.prices import PriceBook

logger = logging.getLogger(__name__)

TIMEOUT_SECONDS: Final = 60.0


@dataclass
class Spent:
    """Cost of the calls for one task, in USD; unknown as soon as one of them is."""

    total: Decimal = Decimal(0)
    calls: int = 0
    unknown: bool = False

    @property
    def known(self) -> Decimal | None:
        """The total, or None without an answered call or with one whose price is unknown."""
        return None if self.unknown or not self.calls else self.total


@dataclass
class Evaluator:
    """The judge as an instrument: a model, a rubric and how it is asked.

    Attributes:
        client: with ``max_retries=0``, as repeating is done here, by class of error.
        provider: whose prices count, as OpenTelemetry names it; '' to go by the model's name.
    """

    client: openai.AsyncOpenAI
    model: str
    rubric: Rubric
    prices: PriceBook
    provider: str = ""
    retry: Retry = field(default_factory=Retry)
    _told: set[str] = field(default_factory=set)
    _temperature: bool = True

    @property
    def fingerprint(self) -> str:
        """Name of the instrument, stored with each score."""
        return self.rubric.fingerprint(self.model, SYSTEM)

    def content_key(self, task: Task) -> str:
        """Under which an identical answer's judgement is looked up in the store."""
        judged = (self.fingerprint, task.unit, task.system, task.input, task.steps, task.output)
        # With lengths, so that no text can pass for two.
        return hashlib.sha256("".join(f"{len(part)}:{part}" for part in judged).encode(errors="replace")).hexdigest()

    async def judge(self, task: Task) -> Judgement:
        """Score a task. Never raises: what prevents a score is in the judgement."""
        spent = Spent()
        attempts = AsyncRetrying(
            retry=retry_if_exception_type(JudgeFailure),
            stop=self.retry.gave_up,
            wait=self.retry.pause,
            reraise=True,
        )
        try:
            verdict: Verdict = await attempts(self._ask, messages(self.rubric, task), spent)
        except JudgeFailure as failure:
            self._tell(failure)
            return Judgement(cost=spent.known, error=failure.kind)
        score = verdict.score / 10
        label = "pass" if score >= self.rubric.pass_score else "fail"
        return Judgement(score, label, verdict.explanation, spent.known)

    async def _ask(self, prompt: list[dict[str, str]], spent: Spent) -> Verdict:
        completion = await self._complete(prompt)
        try:
            self._count(completion, spent)
            return _verdict(completion)
        except (AttributeError, IndexError, TypeError, ValueError):
            # A compatible endpoint can answer anything with status 200, and the client does not check it.
            raise JudgeFailure(INVALID_OUTPUT) from None

    async def _complete(self, prompt: list[dict[str, str]]) -> ChatCompletion:
        temperature = self._temperature
        try:
            return await self._request(prompt, temperature=temperature)
        except openai.BadRequestError as error:
            if not (temperature and _names_temperature(error)):
                raise failure_of(error) from None
            # Reasoning models know no temperature; they are asked without from now on.
            self._temperature = False
        except openai.OpenAIError as error:
            raise failure_of(error) from None
        except ValueError:  # status 200 with something else than JSON
            raise JudgeFailure(INVALID_OUTPUT) from None
        return await self._complete(prompt)

    async def _request(self, prompt: list[dict[str, str]], *, temperature: bool) -> ChatCompletion:
        arguments: Any = {"messages": prompt, "response_format": RESPONSE_FORMAT}
        completion: ChatCompletion = await self.client.chat.completions.create(
            model=self.model, temperature=0 if temperature else omit, **arguments
        )
        return completion

    def _count(self, completion: ChatCompletion, spent: Spent) -> None:
        cost = self._cost(completion.model or self.model, completion.usage) if completion.usage else None
        spent.calls += 1
        spent.unknown |= cost is None
        spent.total += cost or Decimal(0)

    def _cost(self, model: str, usage: CompletionUsage) -> Decimal | None:
        quote = self.prices.quote(self.provider, model)
        cached = usage.prompt_tokens_details.cached_tokens if usage.prompt_tokens_details else 0
        return quote.cost(usage.prompt_tokens, usage.completion_tokens, cache_read=cached or 0)

    def _tell(self, failure: JudgeFailure) -> None:
        """One line for each class of failure that will not pass by itself; the counts are in the store."""
        level = logging.INFO if failure.kind in REPEATABLE else logging.ERROR
        if failure.kind not in self._told:
            self._told.add(failure.kind)
            logger.log(
                level,
                "the judge's endpoint brought no score for a request: %s, model %s; further failures of this "
                "kind are only counted%s",
                failure,
                self.model,
                _REMEDIES.get(failure.kind, ""),
            )


_REMEDIES: Final = {
    "authentication": "; correct the setting 'judge_api_key' or 'judge_base_url'",
    "quota": "; the account of the setting 'judge_api_key' has no credit",
    "invalid_request": "; check the settings 'judge_model' and 'judge_base_url'",
    INVALID_OUTPUT: "; the model of the setting 'judge_model' may not support structured output",
}


def _names_temperature(error: openai.BadRequestError) -> bool:
    return error.param == "temperature" or "temperature" in str(error.message)


def _verdict(completion: ChatCompletion) -> Verdict:
    choice = completion.choices[0]
    if choice.finish_reason == "content_filter" or choice.message.refusal:
        raise JudgeFailure("content_policy")
    text = choice.message.content or ""
    # Endpoints without structured output like to wrap JSON in a code block.
    return Verdict.model_validate_json(text[text.find("{") : text.rfind("}") + 1])
