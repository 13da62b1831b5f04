"""From a task to a judgement, whatever the endpoint does meanwhile."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from driftline_processors.judge.breaker import REMEDIES, Breaker
from driftline_processors.judge.cache import Cache, content_key
from driftline_processors.judge.endpoint import Endpoint, Used
from driftline_processors.judge.failure import CONTEXT_LENGTH, INVALID_OUTPUT, ONCE, PLANS, JudgeFailure
from driftline_processors.judge.material import length, sections
from driftline_processors.judge.pace import Pace, estimated
from driftline_processors.judge.prompt import MAX_CHARS, messages, system_text
from driftline_processors.judge.task import PAUSED, POSTPONED, Judgement

if TYPE_CHECKING:
    from collections.abc import Mapping

    from driftline_processors.judge.failure import Plan
    from driftline_processors.judge.rubric import Rubric
    from driftline_processors.judge.task import Task, Unit
    from driftline_processors.judge.verdict import Verdict

logger = logging.getLogger(__name__)

_PROMPTS: Final[tuple[Unit, ...]] = ("request", "trace", "session")


@dataclass
class Evaluator:
    """A judge as an instrument: a model, a rubric, and how it is asked.

    Attributes:
        name: as in ``evaluators.yaml``.
        concurrency: calls under way at once; a task that waits before it repeats one is not counted.
        pace: limits of requests and tokens a minute.
        cache: what need not be judged again.
        plans: how failed calls are repeated, by class.
    """

    name: str
    endpoint: Endpoint
    rubric: Rubric
    concurrency: int = 4
    pace: Pace = field(default_factory=lambda: Pace(None, None))
    cache: Cache = field(default_factory=Cache)
    plans: Mapping[str, Plan] = field(default_factory=lambda: PLANS)
    breaker: Breaker = field(init=False)
    _places: asyncio.Semaphore = field(init=False)
    _told: set[str] = field(default_factory=set)
    _asked: str = field(init=False)

    def __post_init__(self) -> None:
        self.breaker = Breaker(self.name)
        self._places = asyncio.Semaphore(self.concurrency)
        parameters = sorted(f"{name}={value}" for name, value in self.endpoint.parameters.items())
        self._asked = "\0".join((*(system_text(self.rubric, unit) for unit in _PROMPTS), *parameters))

    @property
    def fingerprint(self) -> str:
        """Of the instrument before an answer has named the model that gave it; a judgement has the full one."""
        return self._fingerprint("")

    def content_key(self, task: Task) -> str:
        """Under which an identical answer's judgement is looked up in the store."""
        return content_key(self.fingerprint, task)

    async def judge(self, task: Task) -> Judgement:
        """Score a task. Never raises: what prevents a score is in the judgement."""
        if task.unit == "anchor":  # tells whether the judge has changed, which a memory of it would hide
            return await self._judge(task)
        return await self.cache.get(self.content_key(task), lambda: self._judge(task))

    async def _judge(self, task: Task) -> Judgement:
        used = Used()
        try:
            verdict = await self._verdict(task, used)
        except JudgeFailure as failure:
            self._tell(failure)
            return self._with_usage(Judgement(error=failure.kind), used)
        except Exception as error:  # noqa: BLE001 - whatever a task holds, it must not end the worker
            self._tell(JudgeFailure("other", type(error).__name__))
            return self._with_usage(Judgement(error="other"), used)
        label = "pass" if verdict.score >= self.rubric.pass_score else "fail"
        judgement = Judgement(verdict.score, label, verdict.explanation, criteria=verdict.criteria)
        return self._with_usage(judgement, used)

    async def _verdict(self, task: Task, used: Used) -> Verdict:
        failures: Counter[str] = Counter()
        max_chars, reason = MAX_CHARS, ""
        while True:
            try:
                return await self._ask(task, max_chars, reason, used)
            except JudgeFailure as failure:
                failures[failure.kind] += 1
                plan = self.plans.get(failure.kind, ONCE)
                if failures[failure.kind] >= plan.calls:
                    raise
                if failure.kind == CONTEXT_LENGTH:
                    max_chars = min(max_chars, length(sections(task))) // 2
                reason = failure.detail if failure.kind == INVALID_OUTPUT else reason
                await asyncio.sleep(plan.pause(failures[failure.kind], failure.retry_after))

    async def _ask(self, task: Task, max_chars: int, reason: str, used: Used) -> Verdict:
        prompt = messages(self.rubric, task, max_chars, reason)
        guessed, before = estimated(prompt), used.tokens_in + used.tokens_out
        await self.pace.admit(guessed)
        async with self._places:
            if not self.breaker.allows():
                raise JudgeFailure(PAUSED)
            try:
                verdict = await self.endpoint.ask(prompt, self.rubric, used)
            except JudgeFailure as failure:
                self.breaker.failed(failure)
                raise
            except BaseException:
                self.breaker.gave_up()
                raise
            finally:
                self.pace.correct(guessed, used.tokens_in + used.tokens_out - before)
        self.breaker.succeeded()
        return verdict

    def _with_usage(self, judgement: Judgement, used: Used) -> Judgement:
        return replace(
            judgement,
            cost=used.known_cost,
            response_model=used.response_model,
            fingerprint=self._fingerprint(used.response_model),
            tokens_in=used.tokens_in,
            tokens_out=used.tokens_out,
            calls=used.calls,
        )

    def _fingerprint(self, response_model: str) -> str:
        return self.rubric.fingerprint(self.endpoint.model, self._asked, response_model)

    def _tell(self, failure: JudgeFailure) -> None:
        """One line for each class of failure; the counts are in the store."""
        if failure.kind in POSTPONED or failure.kind in self._told:
            return
        self._told.add(failure.kind)
        logger.log(
            logging.ERROR if failure.kind in REMEDIES else logging.WARNING,
            "evaluator %r got no score for a task: %s, model %s; further failures of this kind are only counted%s",
            self.name,
            failure,
            self.endpoint.model,
            REMEDIES.get(failure.kind, ""),
        )
