"""Tasks of the judge: what the queue holds and nobody has judged yet, with its content.

A view puts requests into ``judge_queue``, decided by their trace id alone. A queued request is done when
``evaluations`` has a row of this judge for it; that table is the only memory, so that nothing has to be kept
in step with it, and a new leader goes on where the last one died. All look-ups go by primary key: reading
goes on from a cursor, and only what was just read is looked for among the evaluations.
"""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from driftline_processors.judge.task import Task
from driftline_store.metrics import DIMENSIONS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from clickhouse_connect.driver.client import Client

    from driftline_processors.judge.task import Key

HORIZON: Final = timedelta(days=7)
"""Age from which on a queued request is not judged any more; the queue drops it as well."""

_RESCAN_SECONDS: Final = 600.0
_RESCAN_MILLISECONDS: Final = 3_600_000
_PAGE: Final = 200
_MOST_PAGES: Final = 10
"""Read in one go: after a restart most of what the queue holds is judged."""

_START: Final = (0, "", "")

_READ: Final = f"""\
SELECT trace_id, span_id, request_start, tuple({", ".join(DIMENSIONS)}), inclusion_probability,
    system, input, output,
    toUnixTimestamp64Milli(queued_at) AS queued, toUnixTimestamp64Milli(now64(3)) - queued AS age
FROM judge_queue
WHERE queued_at >= fromUnixTimestamp64Milli({{at:Int64}}, 'UTC')
    AND (queued, trace_id, span_id) > ({{at:Int64}}, {{trace:String}}, {{span:String}})
    AND queued_at > now64(3) - toIntervalSecond({{horizon:UInt32}})
    AND queued_at <= now64(3) - toIntervalMillisecond({{settle:UInt32}})
ORDER BY queued_at, trace_id, span_id
LIMIT {_PAGE}"""

# Lists are bound by the client, as a server takes its parameters out of the URL, which has to stay short.
_JUDGED: Final = """\
SELECT DISTINCT trace_id, span_id FROM evaluations
WHERE (trace_id, span_id) IN %(keys)s AND source = 'judge' AND name = %(name)s"""

# What was said in a request is on its own span, in a log event of it, or on its calls: the first one has the
# question, the last one the answer.
_CONTENT: Final = """\
SELECT trace_id, span_id, system, input, output FROM (
    SELECT trace_id, span_id, at, system, input, output FROM llm_content WHERE trace_id IN %(traces)s
    UNION ALL
    SELECT trace_id, span_id, start, system, input, output FROM llm_spans
    WHERE trace_id IN %(traces)s AND is_call
        AND start BETWEEN fromUnixTimestamp(%(first)s) - INTERVAL 1 HOUR
        AND fromUnixTimestamp(%(last)s) + INTERVAL 1 DAY
) ORDER BY at"""


@dataclass
class Queue:
    """Hands out each request that is to be judged, and again only if its judgement was not stored.

    Attributes:
        name: of the evaluation; scores of other names do not count as judged.
        content_wait: how long after it was queued a request's content may still arrive, in seconds.
        content_pause: time between two looks for content, in seconds.
        settle: age below which a row is not read yet, in seconds: inserts can become visible out of order.
    """

    client: Client
    name: str
    content_wait: float = 30.0
    settle: float = 2.0
    content_pause: float = 1.0
    _cursor: tuple[int, str, str] = _START
    _rescan_at: float = 0.0
    _look_at: float = 0.0
    _ready: deque[Task] = field(default_factory=deque)
    _without_content: dict[Key, tuple[Task, float]] = field(default_factory=dict)
    _out: set[Key] = field(default_factory=set)

    def take(self, limit: int) -> list[Task]:
        """Up to ``limit`` tasks; an empty ``output`` was waited for in vain. Tell ``done`` what was stored.

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
        """Forget tasks that were stored or given up."""
        self._out.difference_update(keys)

    def reset(self) -> None:
        """Forget everything, to begin from the store's state: for a new leader."""
        self._cursor, self._rescan_at = _START, 0.0
        self._ready.clear()
        self._without_content.clear()
        self._out.clear()

    def judged(self, keys: Sequence[Key]) -> set[Key]:
        """Which of them have an evaluation by this judge."""
        if not keys:
            return set()
        parameters = {"keys": tuple(keys), "name": self.name}
        return {(str(t), str(s)) for t, s in self.client.query(_JUDGED, parameters).result_rows}

    def _read(self) -> bool:
        """Read a page; whether there was anything, judged or not."""
        at, trace, span = self._cursor
        rows = self.client.query(
            _READ,
            {
                "at": at,
                "trace": trace,
                "span": span,
                "horizon": int(HORIZON.total_seconds()),
                "settle": int(self.settle * 1000),
            },
        ).result_rows
        if not rows:
            return False
        found = [(Task(*row[:8]), row[9] / 1000) for row in rows]
        known = self._out | self._without_content.keys() | {task.key for task in self._ready}
        known |= self.judged([task.key for task, _ in found])
        now = time.monotonic()
        for task, age in found:
            if task.key in known:
                continue
            known.add(task.key)
            if task.output:
                self._ready.append(task)
            else:
                self._without_content[task.key] = (task, now + max(self.content_wait - age, 0.0))
        self._cursor = (rows[-1][8], rows[-1][0], rows[-1][1])
        return True

    def _rescan(self) -> None:
        """Go back a while now and then, for rows that became visible later than ``settle`` allows for."""
        now = time.monotonic()
        if now < self._rescan_at:
            return
        self._rescan_at = now + _RESCAN_SECONDS
        self._cursor = (max(self._cursor[0] - _RESCAN_MILLISECONDS, 0), "", "")

    def _look_for_content(self) -> None:
        waiting = list(self._without_content.values())[:_PAGE]
        starts = [int(task.request_start.timestamp()) for task, _ in waiting]
        traces = tuple(task.trace_id for task, _ in waiting)
        parameters = {"traces": traces, "first": min(starts), "last": max(starts)}
        said: dict[str, list[tuple[str, str, str, str]]] = {}
        for trace, *rest in self.client.query(_CONTENT, parameters).result_rows:
            said.setdefault(str(trace), []).append((str(rest[0]), str(rest[1]), str(rest[2]), str(rest[3])))
        now = time.monotonic()
        for task, deadline in waiting:
            complete = _with_content(task, said.get(task.trace_id, []))
            del self._without_content[task.key]
            if complete.output or now >= deadline:
                self._ready.append(complete)
            else:
                self._without_content[task.key] = (task, deadline)  # at the end, so that all have their turn


def _with_content(task: Task, said: list[tuple[str, str, str, str]]) -> Task:
    """The task with what was said on its own span, else in its whole trace."""
    own = [entry for entry in said if entry[0] == task.span_id]
    if not any(answer for *_, answer in own):
        own = said
    return replace(
        task,
        system=task.system or next((system for _, system, _, _ in own if system), ""),
        input=task.input or next((asked for _, _, asked, _ in own if asked), ""),
        output=next((answer for _, _, _, answer in reversed(own) if answer), ""),
    )
