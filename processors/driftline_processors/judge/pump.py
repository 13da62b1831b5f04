"""A worker: takes tasks off the bus, keeps several judgements under way at once, and puts each on the bus."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import Counter, OrderedDict, deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

from driftline.errors import BusError, FencedError
from driftline.otlp.decode import UnreadableError
from driftline_processors.judge import event
from driftline_processors.judge.dispatcher import LEASE_SECONDS
from driftline_processors.judge.task import JUDGEMENTS_TOPIC, NO_CONTENT, TASKS_TOPIC, Judgement, decode
from driftline_processors.outage import Outage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from driftline.bus import Consumer, Producer
    from driftline_processors.judge.task import Key, Task

logger = logging.getLogger(__name__)

_BATCH_BYTES: Final = 256_000
"""Bytes of tasks taken off the bus at once: what one worker holds, others cannot judge."""

_TAKE_SECONDS: Final = 0.25
_WAKE_SECONDS: Final = 0.1
_BEAT_SECONDS: Final = 3.0
_POSTPONED_SECONDS: Final = 5.0
_REMEMBERED: Final = LEASE_SECONDS / 2
"""How long a task that comes again is known, in seconds: less than until it is handed out again on purpose."""


class Judge(Protocol):
    """What scores a task."""

    @property
    def fingerprint(self) -> str:
        """Name of the instrument."""

    @property
    def concurrency(self) -> int:
        """Judgements that may be under way at once."""

    def content_key(self, task: Task) -> str:
        """Under which an identical answer's judgement is found."""

    async def judge(self, task: Task) -> Judgement:
        """Score a task. Never raises."""


@dataclass
class Pump:
    """Runs in one event loop; the bus's blocking calls go to threads.

    Attributes:
        judges: by the name of their evaluator.
        answered: of some tasks, those that have a judgement already: a task may have waited on the bus for long.
        judged: judgements that were put on the bus, since the start.
        known: tasks that came again while they were under way or just judged.
    """

    judges: Mapping[str, Judge]
    consumer: Consumer
    producer: Producer
    answered: Callable[[list[Key]], set[Key]] = lambda _: set()
    judged: int = 0
    known: int = 0
    _running: dict[asyncio.Task[None], Task] = field(default_factory=dict)
    _ready: dict[str, deque[Task]] = field(default_factory=dict)
    _places: Counter[str] = field(default_factory=Counter)
    _seen: OrderedDict[Key, float] = field(default_factory=OrderedDict)
    _beat_at: float = 0.0
    _stop: threading.Event = field(default_factory=threading.Event)
    _outage: Outage = field(default_factory=lambda: Outage("the bus (judgements)"))

    async def run(self, stopped: Callable[[], bool]) -> None:
        """Judge until we are stopped; what is under way then is dropped, and handed out again by the dispatcher.

        Raises:
            BusError: the bus cannot be read.
        """
        # A consumer belongs to one thread at a time.
        with ThreadPoolExecutor(1, thread_name_prefix="judge-tasks") as reader:
            loop = asyncio.get_running_loop()
            try:
                while not stopped():
                    if self._has_room():
                        await loop.run_in_executor(reader, self._take)
                    elif time.monotonic() >= self._beat_at:
                        await loop.run_in_executor(reader, self._stay)
                    self._start()
                    await self._collect()
            finally:
                self._stop.set()
                await self._cancel()

    @property
    def under_way(self) -> int:
        """Judgements under way now."""
        return len(self._running)

    def _take(self) -> None:
        """Take a batch off the bus. It counts as done at once: the dispatcher knows what comes of it."""
        wait = 0.0 if self._running else _TAKE_SECONDS
        batch = self.consumer.take(max_bytes=_BATCH_BYTES, timeout=wait)
        self._beat_at = time.monotonic() + _BEAT_SECONDS
        if batch is None:
            return
        try:
            self.consumer.done(batch)
        except FencedError:
            return  # another worker has it
        tasks = [task for message in batch.messages if (task := _read(message.offset, message.value))]
        answered = self.answered([task.key for task in tasks])
        for task in tasks:
            if task.evaluator in self.judges and task.key not in answered and not self._knows(task):
                self._ready.setdefault(task.evaluator, deque()).append(task)

    def _has_room(self) -> bool:
        """Whether a judge has nothing to do, or could have more; one that is slow must not keep the others waiting."""
        return any(
            self._places[name] + len(self._ready.get(name, ())) < judge.concurrency
            for name, judge in self.judges.items()
        )

    def _stay(self) -> None:
        """Keep the membership alive while there is no room for more."""
        self.consumer.assigned()
        self._beat_at = time.monotonic() + _BEAT_SECONDS

    def _knows(self, task: Task) -> bool:
        now = time.monotonic()
        while self._seen and next(iter(self._seen.values())) < now:
            self._seen.popitem(last=False)
        if task.key in self._seen:
            self.known += 1
            return True
        self._seen[task.key] = now + _REMEMBERED
        return False

    def _start(self) -> None:
        for name, ready in self._ready.items():
            while ready and self._places[name] < self.judges[name].concurrency:
                task = ready.popleft()
                self._places[name] += 1
                self._running[asyncio.create_task(self._judge(task))] = task

    async def _judge(self, task: Task) -> None:
        judge = self.judges[task.evaluator]
        judgement = await judge.judge(task) if task.output else Judgement(error=NO_CONTENT)
        while judgement.is_postponed:
            await asyncio.sleep(_POSTPONED_SECONDS)
            judgement = await judge.judge(task)
        value = event.encode(event.row_of(task, judgement, judge.fingerprint, judge.content_key(task)))
        await asyncio.to_thread(self._send, value, task.unit_id.encode())
        self.judged += 1

    def _send(self, value: bytes, key: bytes) -> None:
        """Put a judgement on the bus, however long it is away: it was paid for."""
        while not self._stop.is_set():
            try:
                self.producer.send(JUDGEMENTS_TOPIC, value, key=key)
            except BusError as error:
                self._outage.failed(str(error), self._stop)
            else:
                self._outage.over()
                return

    async def _collect(self) -> None:
        """Wait a moment for something to finish."""
        if not self._running:
            return  # reading the bus waits by itself
        done, _ = await asyncio.wait(self._running, timeout=_WAKE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        for finished in done:
            task = self._running.pop(finished)
            self._places[task.evaluator] -= 1
            if error := finished.exception():
                self._seen.pop(task.key, None)
                logger.error("judging %s %s failed: %s", task.unit, task.unit_id, type(error).__name__)

    async def _cancel(self) -> None:
        for running in self._running:
            running.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        self._running.clear()


def _read(offset: int, value: bytes) -> Task | None:
    try:
        return decode(value)
    except UnreadableError as error:
        logger.warning("a message of topic %s, offset %d: %s", TASKS_TOPIC, offset, error)
        return None
