"""The ingest process: prepares the store, then a thread a topic moves batches, and one does the chores."""

from __future__ import annotations

import logging
import time
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Final

from driftline.bus import SPANS_TOPIC, Standing, open_bus
from driftline.errors import BusError
from driftline_processors import chores, prices
from driftline_processors.destinations import DESTINATIONS
from driftline_processors.ingest import GROUP, Counts, Ingest
from driftline_processors.otlp import INSERT_SECONDS
from driftline_processors.outage import Outage
from driftline_processors.prepare import prepare
from driftline_processors.reports import Reporter, Sample
from driftline_store.client import StoreUnavailableError, connect, is_transient
from driftline_store.failures import translate

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator

    from driftline.bus import Bus
    from driftline.settings import Settings
    from driftline_processors.ingest import Destination

logger = logging.getLogger(__name__)

_STORE_WAIT: Final = 60.0
"""Seconds that a store which is starting or restarting is waited for."""

STATEMENT_SECONDS: Final = INSERT_SECONDS + 5.0
"""How long an answer of the store is waited for: longer than the engine itself works at an insert."""

_STANDING_SECONDS: Final = 5.0
_TAKE_SECONDS: Final = 0.25
_PRUNE_SECONDS: Final = 600.0


def run(settings: Settings, stop: threading.Event) -> None:
    """Move messages from the bus into the store until ``stop`` is set.

    Raises:
        DriftlineError: bus or store cannot be used at all; what is merely away is waited for.
    """
    prepare(settings).close()
    with open_bus(settings.bus_url, max_message_bytes=settings.max_message_bytes) as bus:
        workers = [Worker(target, bus, settings, stop) for target in DESTINATIONS]
        with (
            Reporter("ingest", settings, lambda: [sample for worker in workers for sample in worker.samples()]),
            ThreadPoolExecutor(len(workers) + 1, thread_name_prefix="ingest") as pool,
        ):
            running = [pool.submit(worker.run) for worker in workers]
            running.append(pool.submit(chores.run, settings, stop))
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            stop.set()
            for worker in done:
                worker.result()


class Worker:
    """The thread of one topic."""

    def __init__(self, target: Destination, bus: Bus, settings: Settings, stop: threading.Event) -> None:
        self._target = target
        self._bus = bus
        self._settings = settings
        self._stop = stop
        self._counts = Counts()
        self._bus_outage = Outage(f"the bus ({target.topic})")
        self._store_outage = Outage(f"the store ({target.topic})")
        self._standing = Standing({}, 0)
        self._stood = 0.0
        self._pruned = time.monotonic()

    def run(self) -> None:
        """Work until told to stop.

        Raises:
            DriftlineError: bus or store cannot be used at all.
        """
        client = connect(self._settings, wait=_STORE_WAIT, timeout=STATEMENT_SECONDS)
        consumer = self._bus.consumer(self._target.topic, group=GROUP)
        ingest = Ingest(
            self._target,
            consumer,
            client,
            max_bytes=self._settings.batch_bytes,
            linger=self._settings.batch_seconds,
            counts=self._counts,
        )
        try:
            while not self._stop.is_set():
                self._step(ingest)
        finally:
            consumer.close()
            ingest.client.close()

    def samples(self) -> Iterator[Sample]:
        """What the worker says about itself; called from another thread."""
        topic, counts = self._target.topic, self._counts
        for metric, value in vars(counts).items():
            yield Sample(metric, value, topic)
        yield Sample("retries", self._store_outage.failures + self._bus_outage.failures, topic)
        yield Sample("rebalances", self._standing.rebalances, topic)
        yield Sample("store_away_seconds", self._store_outage.seconds, topic)
        yield Sample("bus_away_seconds", self._bus_outage.seconds, topic)
        yield Sample("partitions", len(self._standing.lag), topic)
        for partition, lag in self._standing.lag.items():
            yield Sample("lag", lag, topic, partition)
        errors = [outage.last for outage in (self._store_outage, self._bus_outage) if outage.last is not None]
        if errors:
            text, at = max(errors, key=lambda error: error[1])
            yield Sample("last_error", at, topic, text=text)

    def _step(self, ingest: Ingest) -> None:
        """One batch; while bus or store are away, wait and let the same batch come again."""
        try:
            self._see_to_the_bus(ingest)
            batch = ingest.step(timeout=_TAKE_SECONDS)
            self._bus_outage.over()
            self._store_outage.over()
            if batch is not None and self._target.topic == SPANS_TOPIC:
                prices.resolve_unseen(ingest.client, prices.price_book(self._settings))
        except BusError as error:
            self._bus_outage.failed(str(error), self._stop)
        except Exception as error:
            if not is_transient(error):
                raise
            self._store_outage.failed(str(translate(error, "the store")), self._stop)
            self._reconnect(ingest)

    def _reconnect(self, ingest: Ingest) -> None:
        """Connect anew: an embedded store that was restarted has another address."""
        try:
            client = connect(self._settings, timeout=STATEMENT_SECONDS)
        except StoreUnavailableError:
            return
        ingest.client.close()
        ingest.client = client

    def _see_to_the_bus(self, ingest: Ingest) -> None:
        """What is due now and then: how we stand, and making room in the file of the SQLite bus."""
        now = time.monotonic()
        if now - self._stood > _STANDING_SECONDS:
            self._standing, self._stood = ingest.consumer.standing(), now
        if self._target.topic == SPANS_TOPIC and now - self._pruned > _PRUNE_SECONDS:
            self._bus.prune(older_than_seconds=self._settings.bus_retention_hours * 3600)
            self._pruned = now
