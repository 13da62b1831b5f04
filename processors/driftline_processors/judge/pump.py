"""Keeps several judgements under way at once, fed from the queue and emptied into the store."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from driftline_processors.judge.task import NO_CONTENT, Judgement
from driftline_store.client import is_transient

if TYPE_CHECKING:
    from collections.abc import Callable

    from driftline_processors.judge.evaluator import Evaluator
    from driftline_processors.judge.queue import Queue
    from driftline_processors.judge.results import Results
    from driftline_processors.judge.task import Task

_LOOK_SECONDS: Final = 0.5
"""Pause between two looks into a queue that had less than was asked for."""

_BATCH_SECONDS: Final = 1.0
"""Longest time that a judgement waits for others to be stored with."""

_WAKE_SECONDS: Final = 0.1
_STORE_ATTEMPTS: Final = 3
_PAUSE_AFTER_FAULT: Final = 1.0


@dataclass
class Pump:
    """Runs in one event loop; the store's blocking calls go to threads.

    Attributes:
        concurrency: judgements under way at once.
    """

    evaluator: Evaluator
    queue: Queue
    results: Results
    concurrency: int
    _running: dict[asyncio.Task[Judgement], Task] = field(default_factory=dict)
    _next_look: float = 0.0
    _store_at: float = 0.0

    async def run(self, leads: Callable[[], bool], stopped: Callable[[], bool]) -> None:
        """Judge until we are stopped or lead no longer; what is under way then is dropped.

        Args:
            leads: whether we may write.
            stopped: whether we were asked to end.

        Raises:
            clickhouse_connect.driver.exceptions.Error: the store failed; what is not stored is judged again.
        """
        try:
            await self._store(leads)  # what an earlier store that went away left unsettled
            while leads() and not stopped():
                await self._start()
                await self._collect()
                if time.monotonic() >= self._store_at or not self._running:
                    await self._store(leads)
            await self._store(leads)
        finally:
            await self._cancel()

    async def _store(self, leads: Callable[[], bool]) -> None:
        for attempt in range(_STORE_ATTEMPTS):
            if not self.results.waiting or not leads():
                return
            try:
                await asyncio.to_thread(self.results.store)
            except Exception as error:
                if not is_transient(error) or attempt == _STORE_ATTEMPTS - 1:
                    raise
                await asyncio.sleep(_PAUSE_AFTER_FAULT)

    async def _start(self) -> None:
        """Fill the free places."""
        free = self.concurrency - len(self._running)
        if not free or time.monotonic() < self._next_look:
            return
        tasks = await asyncio.to_thread(self.queue.take, free)
        for task in tasks:
            if task.output:
                self._running[asyncio.create_task(self.evaluator.judge(task))] = task
            else:
                self._add(task, Judgement(error=NO_CONTENT))
        if len(tasks) < free:
            self._next_look = time.monotonic() + _LOOK_SECONDS

    async def _collect(self) -> None:
        """Wait a moment for something to finish."""
        if not self._running:
            await asyncio.sleep(_WAKE_SECONDS)
            return
        done, _ = await asyncio.wait(self._running, timeout=_WAKE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        for finished in done:
            task, judgement = self._running.pop(finished), finished.result()
            if judgement.is_postponed:
                self.queue.done([task.key])  # found again by the queue's next look back
            else:
                self._add(task, judgement)

    def _add(self, task: Task, judgement: Judgement) -> None:
        if not self.results.waiting:
            self._store_at = time.monotonic() + _BATCH_SECONDS
        self.results.add(task, judgement)

    async def _cancel(self) -> None:
        for running in self._running:
            running.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        self._running.clear()
