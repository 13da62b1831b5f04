"""Tasks of the judge: what the queue holds and nobody has judged yet, with its content.

Views put into ``judge_queue`` what is to be judged. A row is done when ``evaluations`` has a judgement of its
evaluator and unit; that table is the only memory, so that nothing has to be kept in step with it, and a new leader
goes on where the last one died. Reading goes on from a cursor, and only what was just read is looked for among
the evaluations.
"""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from driftline_processors.judge.content import fill
from driftline_processors.judge.stored import stored
from driftline_processors.judge.task import Task
from driftline_store.metrics import DIMENSIONS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from clickhouse_connect.driver.client import Client

    from driftline_processors.judge.task import Key

HORIZON: Final = timedelta(days=7)
"""Age from which on a queued unit is not judged any more; the queue drops it as well."""

_RESCAN_SECONDS: Final = 600.0
_RESCAN_MILLISECONDS: Final = 3_600_000
_PAGE: Final = 200
_MOST_PAGES: Final = 10
"""Read in one go: after a restart most of what the queue holds is judged."""

_START: Final = (0, "", "", "")
"""Time, unit, run and id of what was read last."""

_READ: Final = f"""\
SELECT trace_id, span_id, request_start, tuple({", ".join(DIMENSIONS)}), inclusion_probability,
    system, input, output, unit, unit_id, evaluator, '' AS steps, tier, uniform_probability, run,
    toUnixTimestamp64Milli(queued_at) AS queued, toUnixTimestamp64Milli(now64(3)) - queued AS age
FROM judge_queue
WHERE queued_at >= fromUnixTimestamp64Milli({{at:Int64}}, 'UTC')
    AND (queued, unit, run, unit_id) > ({{at:Int64}}, {{unit:String}}, {{run:String}}, {{id:String}})
    AND evaluator = {{evaluator:String}}
    AND queued_at > now64(3) - toIntervalSecond({{horizon:UInt32}})
    AND queued_at <= now64(3) - toIntervalMillisecond({{settle:UInt32}})
ORDER BY queued_at, unit, run, unit_id
LIMIT {_PAGE}"""


@dataclass
class Queue:
    """Hands out each unit that is to be judged, and again only if it is put back.

    Attributes:
        evaluator: name of the one whose tasks they are.
        content_wait: how long after it was queued a unit's content may still arrive, in seconds.
        content_pause: time between two looks for content, in seconds.
        settle: age below which a row is not read yet, in seconds: inserts can become visible out of order.
    """

    client: Client
    evaluator: str
    content_wait: float = 30.0
    settle: float = 2.0
    content_pause: float = 1.0
    _cursor: tuple[int, str, str, str] = _START
    _rescan_at: float = 0.0
    _look_at: float = 0.0
    _ready: deque[Task] = field(default_factory=deque)
    _without_content: dict[Key, tuple[Task, float]] = field(default_factory=dict)
    _out: set[Key] = field(default_factory=set)

    def take(self, limit: int) -> list[Task]:
        """Up to ``limit`` tasks; an empty ``output`` was waited for in vain.

        Raises:
            clickhouse_connect.driver.exceptions.Error: the store failed a query; nothing is lost, call again.
        """
        self._rescan()
        for _ in range(_MOST_PAGES):
            if len(self._ready) >= limit or not self._read():
                break
        if self._without_content and time.monotonic() >= self._look_at:
            self._look_for_content()
            self._look_at = time.monotonic() + self.content_pause
        tasks = [self._ready.popleft() for _ in range(min(limit, len(self._ready)))]
        self._out.update(task.key for task in tasks)
        return tasks

    def done(self, keys: Iterable[Key]) -> None:
        """Forget tasks whose judgements are stored."""
        self._out.difference_update(keys)

    def put_back(self, tasks: Iterable[Task]) -> None:
        """Hand tasks out again, before others."""
        for task in tasks:
            self._out.discard(task.key)
            self._ready.appendleft(task)

    def _read(self) -> bool:
        """Read a page; whether there was anything, judged or not."""
        at, unit, run, unit_id = self._cursor
        rows = self.client.query(
            _READ,
            {
                "at": at,
                "unit": unit,
                "run": run,
                "id": unit_id,
                "evaluator": self.evaluator,
                "horizon": int(HORIZON.total_seconds()),
                "settle": int(self.settle * 1000),
            },
        ).result_rows
        if not rows:
            return False
        found = [(Task(*row[:15]), row[16] / 1000) for row in rows]
        known = self._out | self._without_content.keys() | {task.key for task in self._ready}
        known |= stored(self.client, [task.key for task, _ in found])
        now = time.monotonic()
        for task, age in found:
            if task.key in known:
                continue
            known.add(task.key)
            if task.output:
                self._ready.append(task)
            else:
                self._without_content[task.key] = (task, now + max(self.content_wait - age, 0.0))
        last = rows[-1]
        self._cursor = (last[15], last[8], last[14], last[9])
        return True

    def _rescan(self) -> None:
        """Go back a while now and then, for rows that became visible later than ``settle`` allows for."""
        now = time.monotonic()
        if now < self._rescan_at:
            return
        self._rescan_at = now + _RESCAN_SECONDS
        self._cursor = (max(self._cursor[0] - _RESCAN_MILLISECONDS, 0), "", "", "")

    def _look_for_content(self) -> None:
        waiting = list(self._without_content.values())[:_PAGE]
        now = time.monotonic()
        complete = fill(self.client, [task for task, _ in waiting])
        for task, (empty, deadline) in zip(complete, waiting, strict=True):
            del self._without_content[empty.key]
            if task.output or now >= deadline:
                self._ready.append(task)
            else:
                self._without_content[empty.key] = (empty, deadline)  # at the end, so that all have their turn
