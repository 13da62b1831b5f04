"""Hands tasks out: from the queue in the store to the workers, over the bus. One process does, whichever leads.

Workers take a task off the bus before they judge it, so that a slow one holds up nobody. What a worker takes with
it when it dies is handed out again after a while: the queue and what is stored decide what is left to do, and
the bus only carries it. Of a task that is answered twice, one judgement is stored.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from driftline.errors import BusError
from driftline_processors.ingest import GROUP as INGEST
from driftline_processors.judge.stored import stored
from driftline_processors.judge.task import JUDGEMENTS_TOPIC, TASKS_TOPIC, WORKERS, encode

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    from driftline.bus import Bus, Producer
    from driftline_processors.judge.queue import Queue
    from driftline_processors.judge.task import Key, Task

logger = logging.getLogger(__name__)

LEASE_SECONDS: Final = 900.0
"""Time after which a task without a judgement is handed out again; longer than the longest chain of retries."""

_LOOK_SECONDS: Final = 1.0
_MEMBERS_SECONDS: Final = 15.0


@dataclass
class Dispatcher:
    """Keeps as many tasks of one evaluator on their way as the workers need.

    Attributes:
        depth: tasks on their way for each worker's process, from the queue until their judgements are stored.
        most_bytes: of one task's message.
        lease: see ``LEASE_SECONDS``.
        handed_out: tasks, since the start.
        repeated: of them those that nobody had answered.
    """

    client: Client
    bus: Bus
    producer: Producer
    queue: Queue
    depth: int
    most_bytes: int = 1_000_000
    lease: float = LEASE_SECONDS
    handed_out: int = 0
    repeated: int = 0
    _away: dict[Key, tuple[Task, float]] = field(default_factory=dict)
    _members: int = 1
    _counted_at: float = 0.0
    _looked_at: float = 0.0

    @property
    def away(self) -> int:
        """Tasks that were handed out and whose judgements are not stored yet."""
        return len(self._away)

    def step(self) -> int:
        """Hand out what there is room for; gives how many.

        Raises:
            BusError: the bus is away; call again.
            clickhouse_connect.driver.exceptions.Error: the store is away; call again, with another client.
        """
        self._see_what_came_back()
        room = self.depth * self._workers() - len(self._away)
        tasks = self.queue.take(room) if room > 0 else []
        for number, task in enumerate(tasks):
            try:
                self.producer.send(TASKS_TOPIC, encode(task, self.most_bytes), key=task.unit_id.encode())
            except BusError:
                self.queue.put_back(tasks[number:])
                raise
            self._away[task.key] = (task, time.monotonic() + self.lease)
            self.handed_out += 1
        return len(tasks)

    def _see_what_came_back(self) -> None:
        now = time.monotonic()
        if not self._away or now < self._looked_at + _LOOK_SECONDS:
            return
        self._looked_at = now
        back = stored(self.client, self._away)
        self.queue.done(back)
        for key in back:
            del self._away[key]
        late = [task for task, deadline in self._away.values() if now >= deadline]
        if late and self._nothing_is_on_its_way():
            logger.warning("%d tasks came back from no worker; they are handed out again", len(late))
            for task in late:
                del self._away[task.key]
            self.queue.put_back(late)
            self.repeated += len(late)

    def _nothing_is_on_its_way(self) -> bool:
        """Whether no task waits for a worker, and no judgement for ingest."""
        return self.bus.lag(TASKS_TOPIC, group=WORKERS) == 0 and caught_up(self.bus)

    def _workers(self) -> int:
        now = time.monotonic()
        if now >= self._counted_at + _MEMBERS_SECONDS:
            self._members = max(1, self.bus.members(TASKS_TOPIC, group=WORKERS))
            self._counted_at = now
        return self._members


def caught_up(bus: Bus) -> bool:
    """Whether ingest has stored all judgements: before that, a new leader would hand out what is judged.

    Raises:
        BusError: the bus is away.
    """
    return bus.lag(JUDGEMENTS_TOPIC, group=INGEST) == 0
