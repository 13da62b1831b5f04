"""The judge's process: judges what comes over the bus and, while it leads, hands out what is to be judged."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

from driftline.bus import open_bus
from driftline.errors import BusError
from driftline_processors.judge.config import load_config
from driftline_processors.judge.dispatcher import caught_up
from driftline_processors.judge.evaluators import judges, sampled
from driftline_processors.judge.leader import PAUSED, Leader, keep_leading
from driftline_processors.judge.pump import Pump
from driftline_processors.judge.stored import Memory, stored
from driftline_processors.judge.task import TASKS_TOPIC, WORKERS
from driftline_processors.outage import Outage
from driftline_processors.prepare import prepare
from driftline_processors.reports import Reporter, Sample
from driftline_store.client import connect, is_transient

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Future

    from driftline.bus import Bus
    from driftline.settings import Settings
    from driftline_processors.judge.evaluator import Evaluator
    from driftline_processors.judge.task import Key

logger = logging.getLogger(__name__)

_TICK_SECONDS: Final = 0.5
_INGEST_SECONDS: Final = 30.0
"""Longest wait for ingest before the first task: others may keep it busy."""


def run(settings: Settings, stop: threading.Event) -> None:
    """Judge until ``stop`` is set; any number of processes may, and one of them leads.

    Without a key nothing is judged and nothing is queued for it.

    Raises:
        SettingsError: the rubric or an address is wrong.
        StoreError: the store cannot be used; one that is away is waited for, at the start a minute.
    """
    evaluators = sampled(settings)
    prepare(settings).close()
    if not evaluators:
        logger.warning("judging is off: no key is set; set DRIFTLINE_JUDGE_API_KEY or OPENAI_API_KEY to judge")
    leading, ended = threading.Event(), threading.Event()
    leader, worker = Leader(settings, evaluators, load_config(settings).budget, leading, ended), Worker(settings)
    with (
        Reporter("judge", settings, lambda: [*leader.samples(), *worker.samples()]),
        ThreadPoolExecutor(3, thread_name_prefix="judge") as pool,
    ):
        running = [pool.submit(keep_leading, settings, leading, ended), pool.submit(leader.run)]
        if evaluators:
            running.append(pool.submit(worker.run, ended))
        try:
            while not stop.wait(_TICK_SECONDS) and not any(one.done() for one in running):
                pass
        finally:
            ended.set()
        _raise_first(running)


def _raise_first(running: list[Future[None]]) -> None:
    for one in running:
        one.result()


class Worker:
    """The thread that judges."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._outage = Outage(f"the bus ({TASKS_TOPIC})")
        self._pump: Pump | None = None
        self._judges: dict[str, Evaluator] = {}
        self._memory = Memory(settings)

    def run(self, ended: threading.Event) -> None:
        """Judge until told to stop; while the bus is away, wait.

        Raises:
            DriftlineError: the bus cannot be used at all, or a judge is set up wrong.
        """
        with open_bus(self._settings.bus_url, max_message_bytes=self._settings.max_message_bytes) as bus:
            while not ended.is_set():
                try:
                    asyncio.run(self._judge(bus, ended))
                except BusError as error:
                    self._outage.failed(str(error), ended)

    def samples(self) -> Iterator[Sample]:
        """What the worker says about itself; called from another thread."""
        if (pump := self._pump) is not None:
            yield Sample("judged", pump.judged)
            yield Sample("under_way", pump.under_way)
            yield Sample("known", pump.known)
        for name, judge in self._judges.items():
            yield Sample("taken_over", judge.cache.hits, name)
            if trouble := judge.breaker.trouble:
                yield Sample(PAUSED, 1, name, text=trouble)

    def _answered(self, keys: list[Key]) -> set[Key]:
        """Which of these have a judgement; without the store none, as what is judged twice is stored once."""
        try:
            client = connect(self._settings)
            try:
                return stored(client, keys)
            finally:
                client.close()
        except Exception as error:
            if not is_transient(error):
                raise
            return set()

    async def _judge(self, bus: Bus, ended: threading.Event) -> None:
        consumer = bus.consumer(TASKS_TOPIC, group=WORKERS)
        producer = bus.producer()
        try:
            async with judges(self._settings, self._memory.find) as by_name:
                self._outage.over()
                names = ", ".join(judge.fingerprint for judge in by_name.values())
                logger.info("judging with %s", names)
                # What a worker that died has judged may still be on its way to the store.
                await asyncio.to_thread(_wait_for_ingest, bus, ended)
                self._judges = by_name
                self._pump = Pump(by_name, consumer, producer, self._answered)
                await self._pump.run(ended.is_set)
        finally:
            consumer.close()
            producer.close()
            self._memory.close()


def _wait_for_ingest(bus: Bus, ended: threading.Event) -> None:
    deadline = time.monotonic() + _INGEST_SECONDS
    while time.monotonic() < deadline and not caught_up(bus) and not ended.wait(_TICK_SECONDS):
        pass
