"""Judgements by what was judged, so that identical answers are scored, and paid, once."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from driftline_processors.judge.task import Judgement, Task

logger = logging.getLogger(__name__)

LookUp = Callable[[str], "Judgement | None"]
"""Finds the judgement that the store has under a ``content_key``; blocks, and may raise what the store raises."""

_MOST: Final = 4096
"""Judgements kept in a process: some ten megabytes."""


def content_key(fingerprint: str, task: Task) -> str:
    """A hash of all that a judgement depends on.

    Args:
        fingerprint: of the evaluator, before an answer has named the model that gave it.
        task: whose texts count; whose they are does not.
    """
    judged = (fingerprint, task.unit, task.system, task.input, task.steps, task.output)
    # With lengths, so that no text can pass for two.
    return hashlib.sha256("".join(f"{len(part)}:{part}" for part in judged).encode(errors="surrogatepass")).hexdigest()


def taken_over(judgement: Judgement) -> Judgement:
    """The judgement of an identical answer, which costs nothing."""
    return replace(judgement, cached=True, cost=Decimal(0), tokens_in=0, tokens_out=0, calls=0)


@dataclass
class Cache:
    """What this process has judged last, and the store's memory behind it.

    Attributes:
        look_up: in the store; None for this process alone.
        most: judgements that are kept.
        hits: judgements that were taken over.
    """

    look_up: LookUp | None = None
    most: int = _MOST
    hits: int = 0
    _kept: OrderedDict[str, Judgement] = field(default_factory=OrderedDict)
    _under_way: dict[str, asyncio.Event] = field(default_factory=dict)

    async def get(self, key: str, judge: Callable[[], Awaitable[Judgement]]) -> Judgement:
        """The judgement under a key: from here, from the store, or made; only one of several at once makes it."""
        while key not in self._kept and (other := self._under_way.get(key)):
            await other.wait()
        if key in self._kept:
            return self._taken_over(key, self._kept[key])
        self._under_way[key] = asyncio.Event()
        try:
            if stored := await self._stored(key):
                return self._taken_over(key, stored)
            judgement = await judge()
            if judgement.score is not None:
                self._keep(key, judgement)
            return judgement
        finally:
            self._under_way.pop(key).set()

    async def _stored(self, key: str) -> Judgement | None:
        if self.look_up is None:
            return None
        try:
            return await asyncio.to_thread(self.look_up, key)
        except Exception as error:  # noqa: BLE001 - whatever the store has, an answer can be judged without it
            logger.debug("no look-up of earlier judgements: %s", type(error).__name__)
            return None

    def _taken_over(self, key: str, judgement: Judgement) -> Judgement:
        self.hits += 1
        self._keep(key, judgement)
        return taken_over(judgement)

    def _keep(self, key: str, judgement: Judgement) -> None:
        self._kept[key] = judgement
        self._kept.move_to_end(key)
        while len(self._kept) > self.most:
            self._kept.popitem(last=False)
