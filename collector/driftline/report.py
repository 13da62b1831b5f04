"""What a collector says about itself, so that the store knows what part of everything it has seen."""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING

from opentelemetry.proto.logs.v1.logs_pb2 import SEVERITY_NUMBER_INFO, LogRecord

from driftline import semconv

if TYPE_CHECKING:
    from driftline.counts import Counts


class Report:
    """Writes a log record about the counters now and then, under an id of this process's run.

    Args:
        counts: of the pipeline; cumulative, so that a report that is lost is made up for by the next.
        every: seconds between two.
    """

    def __init__(self, counts: Counts, every: float) -> None:
        self._counts = counts
        self._every = every
        self._instance = uuid.uuid4().hex
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
        record.attributes.add(key=semconv.COLLECTOR_INSTANCE).value.string_value = self._instance
        with self._counts.changed:
            for kind, counted in (("spans", self._counts.spans), ("events", self._counts.events)):
                for fate, number in counted.items():
                    key = f"{semconv.COLLECTOR_PREFIX}{fate}_{kind}"
                    record.attributes.add(key=key).value.int_value = number
        return record
