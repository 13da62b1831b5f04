"""The application that the demo watches: a support bot, written as any user of Driftline would write it."""

from __future__ import annotations

import random
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import openai

import driftline
from driftline_cli.demo.knowledge import TOPICS
from driftline_cli.demo.simulated import BOT_MODEL

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from openai.types.chat import ChatCompletion

_WORKERS: Final = 16
_FEEDBACK_SHARE: Final = 0.3
_HELPFUL: Final = frozenset(topic.answer for topic in TOPICS)


@dataclass(frozen=True)
class Reply:
    """What the customer's browser gets: the text, and a token to send feedback with."""

    text: str
    feedback_token: str


class SupportBot:
    """Answers customers with one call to the model; the decorators are all that Driftline needs."""

    def __init__(self, url: str, *, prompt: str, version: str) -> None:
        self._client = openai.OpenAI(base_url=f"{url}/v1", api_key="simulated", max_retries=0, timeout=2.0)
        self._prompt = prompt
        observed = driftline.observe(feature="support", prompt_name="support-answer", prompt_version=version)
        self.reply = observed(self._reply)

    def _reply(self, question: str) -> Reply:
        text = self._complete(question).choices[0].message.content or ""
        if "connect you to a colleague" in text:
            driftline.fallback("handover")
        return Reply(text, str(driftline.current()))

    @driftline.observe(name="complete")
    def _complete(self, question: str) -> ChatCompletion:
        return self._client.chat.completions.create(
            model=BOT_MODEL,
            messages=[{"role": "system", "content": self._prompt}, {"role": "user", "content": question}],
        )


@dataclass
class Traffic:
    """Customers who keep asking, at a steady rate.

    Attributes:
        bot: who answers; exchanging it is a deployment.
        per_second: requests a second.
        on_answer: called with the feedback token and the time when a request has ended.
    """

    bot: SupportBot
    per_second: float
    on_answer: Callable[[str, float], None]
    asked: int = 0
    _chance: random.Random = field(default_factory=lambda: random.Random(11))  # noqa: S311 - a simulation

    def run(self, stop: threading.Event) -> None:
        """Ask until ``stop`` is set, then wait for the answers under way."""
        with ThreadPoolExecutor(_WORKERS, thread_name_prefix="customer") as customers:
            due = time.monotonic()
            while not stop.wait(max(0.0, due - time.monotonic())):
                due += self._chance.expovariate(self.per_second)
                customers.submit(
                    self._visit,
                    customer=self._chance.randrange(40),
                    question=self._chance.choice(TOPICS).question,
                    gives_feedback=self._chance.random() < _FEEDBACK_SHARE,
                )
                self.asked += 1

    def _visit(self, *, customer: int, question: str, gives_feedback: bool) -> None:
        with driftline.session(f"chat-{customer}", user=f"customer-{customer}"):
            try:
                reply = self.bot.reply(question)
            except openai.APIError:
                return
        self.on_answer(reply.feedback_token, time.time())
        if gives_feedback:
            driftline.feedback(reply.feedback_token, thumbs_up=reply.text in _HELPFUL)
