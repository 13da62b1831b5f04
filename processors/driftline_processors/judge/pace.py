"""Keeps calls below a number of requests and tokens a minute, spread evenly."""

from __future__ import annotations

import asyncio
import math
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from driftline_processors.judge.prompt import Message

BYTES_PER_TOKEN: Final = 4
"""Of UTF-8, roughly, over languages and models: good enough for a guess that is corrected afterwards."""

ANSWER_TOKENS: Final = 150
"""Of a verdict: one to three sentences and a few numbers."""

_SPREAD_SECONDS: Final = 61
"""A minute and one second's worth at once: so no window of sixty seconds has more than a minute's."""


def tokens_of(size: int) -> int:
    """Tokens in a text of that many bytes, roughly."""
    return math.ceil(size / BYTES_PER_TOKEN)


def estimated(prompt: Iterable[Message]) -> int:
    """Tokens that a call will take, its answer included, roughly."""
    return tokens_of(sum(len(message["content"].encode()) for message in prompt)) + ANSWER_TOKENS


@dataclass
class Bucket:
    """What may be used a minute; fills evenly, up to one second's worth.

    Whoever takes is told how long to wait, and what he takes is gone at once, so that all are served in order. One
    who takes more than it ever holds waits until it is full and leaves it in debt.

    Attributes:
        per_minute: most that any sixty seconds get, debts aside.
        at: time of the last look, in seconds.
    """

    per_minute: float
    at: float
    _level: float = field(init=False)

    def __post_init__(self) -> None:
        self._level = self._most

    @property
    def _most(self) -> float:
        return max(self.per_minute / _SPREAD_SECONDS, 1.0)

    def take(self, amount: float, now: float) -> float:
        """Take that much; returns the seconds to wait before using it."""
        rate = self.per_minute / _SPREAD_SECONDS
        self._level = min(self._level + (now - self.at) * rate, self._most) - amount
        self.at = now
        lacking = min(amount, self._most) - amount - self._level
        return max(lacking, 0.0) / rate

    def correct(self, amount: float) -> None:
        """Take more, or give back with a negative amount, because less was known before."""
        self._level -= amount


class Pace:
    """The two limits of one evaluator in this process."""

    def __init__(self, rpm: int | None, tpm: int | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._requests = Bucket(rpm, clock()) if rpm else None
        self._tokens = Bucket(tpm, clock()) if tpm else None

    async def admit(self, tokens: int) -> None:
        """Wait until a call of about that many tokens may be made."""
        now = self._clock()
        waits = [bucket.take(amount, now) for bucket, amount in ((self._requests, 1), (self._tokens, tokens)) if bucket]
        if (longest := max(waits, default=0.0)) > 0:
            await asyncio.sleep(longest)

    def correct(self, guessed: int, used: int) -> None:
        """Say how many tokens a call did take."""
        if self._tokens:
            self._tokens.correct(used - guessed)
