"""What one of the judge's processes does for all: sets the rates, follows the traffic, and hands tasks out."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Final

from driftline.bus import open_bus
from driftline.bus.leader import Leadership
from driftline.errors import BusError
from driftline_processors.judge.anchors import interleave
from driftline_processors.judge.boosts import queue_complaints
from driftline_processors.judge.dispatcher import Dispatcher, caught_up
from driftline_processors.judge.ledger import NOTHING, exhausted, spent, together
from driftline_processors.judge.plan import follow_traffic, put_plan
from driftline_processors.judge.queue import Queue
from driftline_processors.outage import Outage
from driftline_processors.reports import Sample
from driftline_store.client import connect, is_transient
from driftline_store.failures import translate

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator, Sequence

    from clickhouse_connect.driver.client import Client

    from driftline.bus import Bus, Producer
    from driftline.settings import Settings
    from driftline_processors.judge.fields import Budget
    from driftline_processors.judge.plan import Sampled

logger = logging.getLogger(__name__)

GROUP: Final = "judge"

PAUSED: Final = "paused"
"""Metric of the report that says in words why an evaluator does not judge now."""

_STORE_WAIT: Final = 60.0
_BEAT_SECONDS: Final = 0.5
"""Pause between two questions for leadership; a lease lasts some ten seconds."""

_IDLE_SECONDS: Final = 0.25
_DEPTH: Final = 32
"""Tasks on their way for each place of a worker: they count until ingest has stored what came of them, which takes
some seconds, in which a place judges several."""

_CAUGHT_UP_SECONDS: Final = 1.0
_FOLLOW_SECONDS: Final = 60.0
_COUNT_SECONDS: Final = 10.0
"""Pause between two looks at what was spent. What is on its way then can exceed a budget."""


def keep_leading(settings: Settings, leading: threading.Event, ended: threading.Event) -> None:
    """Hold the membership from one thread, as handing out must not keep it waiting, and say whether we lead."""
    leadership = Leadership(settings.bus_url, group=GROUP)
    trouble = False
    try:
        while not ended.is_set():
            try:
                held, is_away = leadership.held(), False
            except BusError as error:
                # Somebody else may lead now: better hand out nothing for a while than everything twice.
                held, is_away = False, True
                if not trouble:
                    logger.warning("%s; the judge waits", error)
            trouble = is_away
            if held:
                leading.set()
            else:
                leading.clear()
            ended.wait(_BEAT_SECONDS)
    finally:
        leading.clear()
        leadership.close()


class Leader:
    """Leads as long as ``leading`` is set; store and bus may be away for a while.

    Args:
        settings: of bus and store.
        evaluators: what is judged how often.
        budget: of all of them together.
        leading: whether this process does.
        stop: ends it.
    """

    def __init__(
        self,
        settings: Settings,
        evaluators: Sequence[Sampled],
        budget: Budget,
        leading: threading.Event,
        stop: threading.Event,
    ) -> None:
        self._settings = settings
        self._budget = budget
        self._evaluators = evaluators
        self._leading = leading
        self._stop = stop
        self._store_outage = Outage("the store (judge)")
        self._bus_outage = Outage("the bus (judge)")
        self._dispatchers: dict[str, Dispatcher] = {}
        self._paused: dict[str, str] = {}
        self._producer: Producer | None = None

    def run(self) -> None:
        """Lead whenever this process does, until told to stop.

        Raises:
            DriftlineError: bus or store cannot be used at all.
        """
        with open_bus(self._settings.bus_url, max_message_bytes=self._settings.max_message_bytes) as bus:
            try:
                while not self._stop.is_set():
                    if self._leading.wait(_BEAT_SECONDS):
                        self._lead(bus)
                    self._dispatchers = {}  # another leader may hand out the same by now
            finally:
                if self._producer is not None:
                    self._producer.close()

    def samples(self) -> Iterator[Sample]:
        """What the leader says about itself; called from another thread."""
        for name, dispatcher in self._dispatchers.items():
            yield Sample("handed_out", dispatcher.handed_out, name)
            yield Sample("repeated", dispatcher.repeated, name)
            yield Sample("away", dispatcher.away, name)
            if reason := self._paused.get(name):
                yield Sample(PAUSED, 1, name, text=reason)

    def _lead(self, bus: Bus) -> None:
        client: Client | None = None
        while self._leading.is_set() and not self._stop.is_set():
            try:
                if client is None:
                    client = connect(self._settings, wait=_STORE_WAIT)
                self._work(bus, client)
            except BusError as error:
                self._bus_outage.failed(str(error), self._stop)
            except Exception as error:
                if not is_transient(error):
                    raise
                self._store_outage.failed(str(translate(error, "the store")), self._stop)
                if client is not None:
                    client.close()
                client = None
        if client is not None:
            client.close()

    def _work(self, bus: Bus, client: Client) -> None:
        """Until we lead no longer or something is away."""
        if put_plan(client, self._evaluators):
            logger.info("from now on is queued for judging: %s", _shares(self._evaluators))
        if not self._evaluators:
            while self._goes_on():
                self._stop.wait(_BEAT_SECONDS)
            return
        if not self._dispatchers:
            self._begin(bus, client)
        for dispatcher in self._dispatchers.values():
            dispatcher.client = dispatcher.queue.client = client
        follow_at = count_at = 0.0
        while self._goes_on():
            if time.monotonic() >= follow_at:
                self._queue_more(client)
                follow_at = time.monotonic() + _FOLLOW_SECONDS
            if time.monotonic() >= count_at:
                self._see_to_the_budgets(client)
                count_at = time.monotonic() + _COUNT_SECONDS
            if not sum(one.step() for name, one in self._dispatchers.items() if name not in self._paused):
                self._stop.wait(_IDLE_SECONDS)
            self._store_outage.over()
            self._bus_outage.over()

    def _begin(self, bus: Bus, client: Client) -> None:
        """Take over once what others judged is stored."""
        while self._goes_on() and not caught_up(bus):
            self._stop.wait(_CAUGHT_UP_SECONDS)
        self._producer = producer = self._producer or bus.producer()
        most_bytes = int(self._settings.max_message_bytes)
        self._dispatchers = {
            one.name: Dispatcher(client, bus, producer, Queue(client, one.name), _DEPTH * one.concurrency, most_bytes)
            for one in self._evaluators
        }

    def _queue_more(self, client: Client) -> None:
        """What no view can decide by a single span."""
        follow_traffic(client, self._evaluators)
        queue_complaints(client, self._evaluators)
        interleave(client, self._evaluators, float(self._settings.judge_anchor_share))

    def _see_to_the_budgets(self, client: Client) -> None:
        so_far = spent(client)
        of_all = exhausted(self._budget.per_day, self._budget.per_month, together(so_far))
        paused = {}
        for one in self._evaluators:
            own = exhausted(one.per_day, one.per_month, so_far.get(one.name, NOTHING))
            if reason := own or (of_all and f"of all judges together, {of_all}"):
                paused[one.name] = reason
        for name in paused.keys() - self._paused.keys():
            logger.warning("the evaluator %s pauses: %s", name, paused[name])
        for name in self._paused.keys() - paused.keys():
            logger.info("the evaluator %s goes on", name)
        self._paused = paused

    def _goes_on(self) -> bool:
        return self._leading.is_set() and not self._stop.is_set()


def _shares(evaluators: Sequence[Sampled]) -> str:
    return ", ".join(f"{one.rate:.3g} of each {one.unit} by {one.name}" for one in evaluators) or "nothing"
