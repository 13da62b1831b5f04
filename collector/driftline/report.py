"""What a collector says about itself, so that the store knows what part of everything it has seen."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from opentelemetry.proto.logs.v1.logs_pb2 import SEVERITY_NUMBER_INFO, LogRecord

from driftline import semconv

if TYPE_CHECKING:
    from driftline.counts import Counts


class Report:
    """Writes a log record about the counters now and then.

    The counters only grow, so that a report that is lost is made up for by the next.

    Args:
        counts: of the pipeline.
        instance: names this run of this process; its spans' resource says the same.
        version: of the package.
        every: seconds between two.
    """

    def __init__(self, counts: Counts, *, instance: str, version: str, every: float) -> None:
        self._counts = counts
        self._names = {"instance": instance, "version": version}
        self._every = every
        self._began = time.time_ns()
        self._next = time.monotonic() + every

    def due_in(self) -> float:
        """Seconds until the next one is due; never negative."""
        return max(self._next - time.monotonic(), 0.0)

    def record(self) -> LogRecord:
        """The report as of now."""
        self._next = time.monotonic() + self._every
        now = time.time_ns()
        record = LogRecord(
            time_unix_nano=now,
            observed_time_unix_nano=now,
            severity_number=SEVERITY_NUMBER_INFO,
            event_name=semconv.COLLECTOR_REPORT,
        )
        for name, text in self._names.items():
            record.attributes.add(key=semconv.COLLECTOR_PREFIX + name).value.string_value = text
        for name, number in self._numbers().items():
            record.attributes.add(key=semconv.COLLECTOR_PREFIX + name).value.int_value = number
        return record

    def _numbers(self) -> dict[str, int]:
        stats = self._counts.stats()
        return {
            "started_unix_nano": self._began,
            "emitted_spans": self._counts.spans["emitted"],
            "emitted_events": self._counts.events["emitted"],
            "exported": stats.exported,
            "dropped": stats.dropped,
            "queued": stats.pending,
            "spooled": stats.spooled,
            "spooled_total": self._counts.ever_spooled,
        }
