"""The way out of the application: a bounded queue, and a thread that makes messages of what is in it."""

from __future__ import annotations

import logging
import threading
from collections import deque
from typing import TYPE_CHECKING, Final

from opentelemetry import context as otel
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from driftline.courier import Complaints, suppress_key
from driftline.observed import ObservedSpan
from driftline.overflow import Overflow
from driftline.patience import Patience
from driftline.report import Report
from driftline.threads import start_apart

if TYPE_CHECKING:
    from pathlib import Path

    from opentelemetry.sdk.trace import ReadableSpan

    from driftline.counts import Counts, Stats
    from driftline.courier import Courier
    from driftline.exporter import Exporter

    Item = ReadableSpan | LogRecord

_log = logging.getLogger("driftline")

BATCH: Final = 512
DELAY: Final = 0.2
REPORT_EVERY: Final = 60.0
_SPAN_SIZE: Final = 4700
"""Bytes that a span of the SDK holds on to besides its texts, measured with 14 attributes."""


class Pipeline:
    """Takes spans and events without ever blocking, and hands them on from a thread of its own.

    Args:
        exporter: makes messages of them.
        courier: brings the messages to the bus.
        counts: where their fate is noted; the courier's too.
        capacity: most bytes that wait in memory, roughly. From half of it on they are put on disk; what fits into
            neither is dropped and counted.
        folder: for what waits on disk; None for nothing.
        limit: most bytes of it.
        version: of the package, for reports.
        delay: seconds that what comes waits for more to share its message with.
        report_every: seconds between two reports about the counters.
    """

    def __init__(
        self,
        exporter: Exporter,
        courier: Courier,
        counts: Counts,
        *,
        capacity: int,
        folder: Path | None = None,
        limit: int = 0,
        version: str = "",
        delay: float = DELAY,
        report_every: float = REPORT_EVERY,
    ) -> None:
        self._exporter = exporter
        self._courier = courier
        self._counts = counts
        self._capacity = capacity
        self._folder = folder
        self._limit = limit
        self._version = version
        self._delay = delay
        self._report_every = report_every
        self._reset()

    def _reset(self) -> None:
        self._queue: deque[tuple[Item, int]] = deque()
        self._bytes = 0
        self._overflow = Overflow(self._folder, self._limit, self._counts)
        self._put = {"emitted": [0, 0], "dropped": [0, 0]}  # spans and events since they were last published
        self._was_full = False
        self._complaints = Complaints()
        self._report = Report(
            self._counts, instance=self._exporter.instance, version=self._version, every=self._report_every
        )
        self._closing = False
        self._closed = False
        self._some = threading.Event()  # there is something to send
        self._hurry = threading.Event()  # it should not wait for more
        self._lock = threading.RLock()  # guards the queue; a finalizer may end a span while this thread holds it
        self._thread: threading.Thread | None = None

    def put(self, item: Item) -> None:
        """Hand over a span or an event; returns at once."""
        size = item.size if type(item) is ObservedSpan else _size(item)
        is_event = type(item) is LogRecord
        with self._lock:
            self._put["emitted"][is_event] += 1
            if self._bytes + size > self._capacity or self._closed:
                self._put["dropped"][is_event] += 1
                self._was_full = True
            else:
                self._queue.append((item, size))
                self._bytes += size
            if self._thread is None and not self._closed:
                self._start()
        if len(self._queue) >= BATCH:
            self._hurry.set()
        if not self._some.is_set():
            self._some.set()

    def _start(self) -> None:
        thread = threading.Thread(target=self._run, name="driftline-export", daemon=True)
        start_apart(thread)  # raises while the interpreter exits
        self._thread = thread

    def flush(self, timeout: float) -> bool:
        """Wait until all handed over so far is on the bus or dropped.

        Returns:
            Whether that happened within ``timeout`` seconds.
        """
        patience = Patience(timeout)
        target = self.stats().emitted
        self._hurry.set()
        self._courier.hurry()
        changed = self._counts.changed
        with changed:
            while self._settled() < target:
                if not patience.wait(changed.wait):
                    return False
        return True

    def _settled(self) -> int:
        kinds = (self._counts.spans, self._counts.events)
        return sum(counted["exported"] + counted["dropped"] for counted in kinds)

    def close(self, timeout: float) -> bool:
        """Flush, then stop; what is not on the bus within ``timeout`` seconds stays on disk.

        Returns:
            Whether all is on the bus.
        """
        patience = Patience(timeout)
        self._closing = True
        self._some.set()
        self._hurry.set()
        while self._thread is not None and self._thread.is_alive() and patience.wait(self._thread.join):
            pass
        with self._lock:
            self._closed = True  # what still comes is counted as dropped
        if self._queue:
            self._empty()  # the thread had no time, or could not be started any more
        self._overflow.close()
        self._courier.close(patience.left)
        stats = self.stats()
        return not (stats.pending or stats.spooled)

    def stats(self) -> Stats:
        """Count what became of everything handed over."""
        self._publish()
        return self._counts.stats()

    def after_fork(self) -> None:
        """Begin anew in a child process: the queue is the parent's, which sends it, and so are the threads."""
        self._overflow.close()
        self._counts.reset()
        self._exporter.renew()
        self._courier.after_fork()
        self._reset()

    def _publish(self) -> None:
        """Move what ``put`` counted under its own lock, which is never held for long, to the counters of all."""
        with self._lock:
            for fate, (spans, events) in self._put.items():
                self._counts.add(fate, spans, events)
                self._put[fate] = [0, 0]

    def _run(self) -> None:
        # Whatever is called from here is not to be traced: that would be exported too, and so on.
        otel.attach(otel.set_value(suppress_key(), True))
        while True:
            self._some.wait(self._report.due_in())
            if not self._closing:
                self._hurry.wait(self._delay)
            self._some.clear()
            self._hurry.clear()
            self._empty()
            if self._closing or self._report.due_in() <= 0:
                self._publish()
                for message in self._exporter.report(self._report.record()):
                    self._courier.put(message)
            if self._closing:
                return

    def _empty(self) -> None:
        while batch := self._next():
            if self._was_full:
                self._was_full = False
                self._complaints.warn(f"the queue of {self._capacity} bytes was full")
            self._publish()
            spans = [item for item in batch if not isinstance(item, LogRecord)]
            events = [item for item in batch if isinstance(item, LogRecord)]
            left_spans, left_events = len(spans), len(events)
            try:
                for message in (*self._exporter.spans(spans), *self._exporter.events(events)):
                    left_spans, left_events = left_spans - message.spans, left_events - message.events
                    self._courier.put(message)
            except Exception:  # noqa: BLE001 - the thread has to survive whatever it meets
                _log.debug("driftline: a batch was not exported", exc_info=True)
            if left_spans or left_events:
                self._counts.add("dropped", left_spans, left_events)
                self._complaints.warn(f"{left_spans + left_events} could not be encoded")

    def _next(self) -> list[Item]:
        """What is to be encoded next; empty if nothing waits any more."""
        while self._bytes > self._capacity // 2:
            batch = self._take()
            if not self._overflow.put(batch):
                return batch
        return self._take() or self._overflow.take()

    def _take(self) -> list[Item]:
        with self._lock:
            taken = [self._queue.popleft() for _ in range(min(BATCH, len(self._queue)))]
            self._bytes -= sum(size for _, size in taken)
        return [item for item, _ in taken]


def _size(item: Item) -> int:
    """About how many bytes an item holds on to."""
    if isinstance(item, LogRecord):
        return 1000 + int(item.ByteSize())
    values = (item.attributes or {}).values()
    return _SPAN_SIZE + sum(len(value) for value in values if isinstance(value, str))
