"""One call of a judge's endpoint: the request, what it costs, and what went wrong with it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import openai

from driftline_processors.judge import verdict
from driftline_processors.judge.failure import CONTENT_POLICY, INVALID_OUTPUT, JudgeFailure, failure_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from openai.types import CompletionUsage
    from openai.types.chat import ChatCompletion

    from driftline_processors.judge.prompt import Message
    from driftline_processors.judge.rubric import Rubric
    from driftline_processors.judge.verdict import Verdict
    from driftline_processors.prices import PriceBook

TIMEOUT_SECONDS: Final = 60.0

_NOT_EVERYWHERE: Final = ("temperature", "response_format")
"""Parameters that some models or endpoints refuse. The prompt says what the answer has to look like as well."""

_BEGIN: Final = 150
"""Characters of an error's message."""


@dataclass
class Used:
    """What the calls for one task have used.

    Attributes:
        cost: USD, as far as it is known.
        calls: failed ones included.
        answered: calls that were answered, and so are paid.
        unpriced: whether one of these has no known price.
        response_model: that answered last, by its own account.
    """

    cost: Decimal = Decimal(0)
    calls: int = 0
    answered: int = 0
    unpriced: bool = False
    tokens_in: int = 0
    tokens_out: int = 0
    response_model: str = ""

    @property
    def known_cost(self) -> Decimal | None:
        """None without an answered call or with one whose price is unknown."""
        return None if self.unpriced or not self.answered else self.cost


@dataclass
class Endpoint:
    """A model at an address, and how it is asked.

    Attributes:
        client: with ``max_retries=0``, as repeating is the evaluator's business, by class of failure.
        provider: whose prices count, as OpenTelemetry names it; '' to go by the model's name.
        parameters: of each request beside model and messages.
        seconds: longest time of a call; the client's own limit is between two bytes of an answer.
    """

    client: openai.AsyncOpenAI
    model: str
    prices: PriceBook
    provider: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = TIMEOUT_SECONDS
    _refused: set[str] = field(default_factory=set)

    async def ask(self, prompt: Sequence[Message], rubric: Rubric, used: Used) -> Verdict:
        """The verdict of one call.

        Args:
            prompt: messages.
            rubric: that the verdict must answer to.
            used: is added to.

        Raises:
            JudgeFailure: there is none.
        """
        completion = await self._complete(prompt, used)
        try:
            self._count(completion, used)
            return _verdict(completion, rubric)
        except (AttributeError, IndexError, TypeError):
            # A compatible endpoint can answer anything with status 200, and the client does not check it.
            raise JudgeFailure(INVALID_OUTPUT, "no completion") from None

    async def _complete(self, prompt: Sequence[Message], used: Used) -> ChatCompletion:
        sent = {name: value for name, value in self.parameters.items() if name not in self._refused}
        used.calls += 1
        try:
            arguments: Any = {"messages": list(prompt), **sent}
            async with asyncio.timeout(self.seconds):
                completion: ChatCompletion = await self.client.chat.completions.create(model=self.model, **arguments)
        except TimeoutError:
            raise JudgeFailure("timeout") from None
        except openai.BadRequestError as error:
            failure = failure_of(error)
            refused = next((name for name in sent if _names(error, name)), "")
            if not refused or failure.kind != "invalid_request":
                raise failure from None
            # It is asked without from now on, by all tasks.
            self._refused.add(refused)
        except openai.OpenAIError as error:
            raise failure_of(error) from None
        except ValueError:  # status 200 with something else than JSON
            raise JudgeFailure(INVALID_OUTPUT, "no JSON") from None
        else:
            return completion
        return await self._complete(prompt, used)

    def _count(self, completion: ChatCompletion, used: Used) -> None:
        used.answered += 1
        used.response_model = str(completion.model or self.model)
        usage = completion.usage
        cost = self._cost(used.response_model, usage) if usage else None
        used.unpriced |= cost is None
        used.cost += cost or Decimal(0)
        if usage:
            used.tokens_in += usage.prompt_tokens
            used.tokens_out += usage.completion_tokens

    def _cost(self, model: str, usage: CompletionUsage) -> Decimal | None:
        cached = usage.prompt_tokens_details.cached_tokens if usage.prompt_tokens_details else 0
        quote = self.prices.quote(self.provider, model)
        return quote.cost(usage.prompt_tokens, usage.completion_tokens, cache_read=cached or 0)


def _names(error: openai.BadRequestError, parameter: str) -> bool:
    # At its begin, as some endpoints quote the prompt, in which somebody may speak of the temperature.
    told = error.param == parameter or parameter in str(error.message)[:_BEGIN]
    return parameter in _NOT_EVERYWHERE and told


def _verdict(completion: ChatCompletion, rubric: Rubric) -> Verdict:
    choice = completion.choices[0]
    if choice.finish_reason == "content_filter" or choice.message.refusal:
        raise JudgeFailure(CONTENT_POLICY)
    try:
        return verdict.parse(choice.message.content or "", rubric)
    except ValueError as error:
        raise JudgeFailure(INVALID_OUTPUT, str(error)) from None
