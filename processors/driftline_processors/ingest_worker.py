"""The ingest process: prepares the store, then a thread a topic moves batches, and one does the chores."""

from __future__ import annotations

import logging
import time
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Final

from driftline.bus import SPANS_TOPIC, open_bus
from driftline.errors import BusError
from driftline_processors import chores, prices
from driftline_processors.ingest import GROUP, TARGETS, Ingest
from driftline_processors.install import install
from driftline_processors.replay import shadow
from driftline_processors.replay.swap import refuse_unfinished
from driftline_store import retention
from driftline_store.client import connect, is_transient
from driftline_store.migrate import migrate

if TYPE_CHECKING:
    import threading

    from clickhouse_connect.driver.client import Client

    from driftline.bus import Batch, Bus
    from driftline.settings import Settings
    from driftline_processors.ingest import Target

logger = logging.getLogger(__name__)

_STORE_WAIT: Final = 60.0
"""Seconds that a store which is starting or restarting is waited for."""

_PAUSE_AFTER_FAULT: Final = 1.0
_TAKE_SECONDS: Final = 0.25
_PRUNE_SECONDS: Final = 600.0


def prepare(settings: Settings, *, replace_views: bool = False) -> Client:
    """Connect to the store and bring its schema, retention, views and prices up to date; safe to repeat.

    Args:
        settings: where the store is.
        replace_views: whether views of another version may be exchanged; no ingest may run meanwhile.

    Raises:
        StoreError: the store cannot be reached, is newer than this Driftline, has other views, or tables that a
            replay was swapping when it was cut off.
    """
    client = connect(settings, wait=_STORE_WAIT)
    migrate(client)
    refuse_unfinished(client)
    shadow.remove(client)  # a replay that died has left content there, which no purge or limit reaches
    retention.apply(client, settings)
    if changed := install(client, replace=replace_views):
        logger.info("installed %s", ", ".join(changed))
    prices.preload(client, prices.price_book(settings))
    return client


def run(settings: Settings, stop: threading.Event) -> None:
    """Move messages from the bus into the store until ``stop`` is set.

    Raises:
        DriftlineError: bus or store cannot be used at all; what is merely away is waited for.
    """
    prepare(settings).close()
    with (
        open_bus(settings.bus_url, max_message_bytes=settings.max_message_bytes) as bus,
        ThreadPoolExecutor(len(TARGETS) + 1, thread_name_prefix="ingest") as pool,
    ):
        workers = [pool.submit(_run_target, target, bus, settings, stop) for target in TARGETS]
        workers.append(pool.submit(chores.run, settings, stop))
        done, _ = wait(workers, return_when=FIRST_COMPLETED)
        stop.set()
        for worker in done:
            worker.result()


def _run_target(target: Target, bus: Bus, settings: Settings, stop: threading.Event) -> None:
    client = connect(settings, wait=_STORE_WAIT)
    consumer = bus.consumer(target.topic, group=GROUP)
    ingest = Ingest(target, consumer, client, max_bytes=settings.batch_bytes)
    keeps_house = target.topic == SPANS_TOPIC
    pruned = time.monotonic()
    try:
        while not stop.is_set():
            began = time.monotonic()
            batch = _guarded_step(ingest, settings, stop)
            if batch is not None and not _full(batch, settings):
                stop.wait(settings.batch_seconds - (time.monotonic() - began))
            if keeps_house and time.monotonic() - pruned > _PRUNE_SECONDS:
                bus.prune(older_than_seconds=settings.bus_retention_hours * 3600)
                pruned = time.monotonic()
    finally:
        consumer.close()
        ingest.client.close()


def _guarded_step(ingest: Ingest, settings: Settings, stop: threading.Event) -> Batch | None:
    """One step; while bus or store are away, wait and let the same batch come again."""
    try:
        batch = ingest.step(timeout=_TAKE_SECONDS)
        if batch is not None and ingest.target.topic == SPANS_TOPIC:
            prices.resolve_unseen(ingest.client, prices.price_book(settings))
    except BusError as error:
        logger.warning("%s; trying again", error)
        stop.wait(_PAUSE_AFTER_FAULT)
    except Exception as error:
        if not is_transient(error):
            raise
        logger.warning("the store is away (%s); its batch waits on the bus", type(error).__name__)
        stop.wait(_PAUSE_AFTER_FAULT)
        if not stop.is_set():
            ingest.client.close()
            ingest.client = connect(settings, wait=_STORE_WAIT)
    else:
        return batch
    return None


def _full(batch: Batch, settings: Settings) -> bool:
    """Whether more is likely to be waiting, so that the next batch should be taken at once."""
    return sum(len(message.value) for message in batch.messages) * 2 > int(settings.batch_bytes)
