"""What a part says about itself: numbers written into the store every ten seconds, and reading them.

A number is a counter, which grows from 0 at the start of the instance, or a state as of now; readers
take the change of a counter between two reports for its rate. Reporting never fails the part: a report
that cannot be written is left out, and the counters of the next one include it.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Self

from driftline_store.client import connect, store_errors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from driftline.settings import Settings
    from driftline_store.client import Client

logger = logging.getLogger(__name__)

ALIVE_SECONDS: Final = 30
"""A part whose newest report is older does not run, or cannot reach the store."""

STOPPED: Final = "stopped"
"""The metric of the last report of a part that ended in order."""

_REPORT_SECONDS: Final = 10.0
_WRITE_SECONDS: Final = 20.0
_AWAY: Final = ("store_away_seconds", "bus_away_seconds", "trouble_seconds")
_COLUMNS: Final = ["part", "instance", "host", "pid", "metric", "topic", "partition", "value", "text"]

# The newest and the oldest report of the last minute, side by side.
_READ: Final = """\
WITH recent AS (
    SELECT *, max(at) OVER (PARTITION BY instance) AS newest, min(at) OVER (PARTITION BY instance) AS oldest
    FROM part_reports WHERE at > now64(3) - INTERVAL 1 MINUTE
)
SELECT
    part, instance, host, pid, topic, metric,
    dateDiff('millisecond', newest, now64(3)) / 1000 AS age, dateDiff('millisecond', oldest, newest) / 1000 AS seconds,
    sumIf(value, at = newest) AS new, new - sumIf(value, at = oldest) AS change, anyIf(text, at = newest) AS said,
    mapSort(sumMapIf(map(partition, value), at = newest AND partition >= 0)) AS partitions
FROM recent
WHERE at IN (newest, oldest) AND age < {alive:UInt32}
GROUP BY part, instance, host, pid, topic, metric, newest, oldest
HAVING countIf(at = newest) > 0
ORDER BY part, host, pid, instance, topic, metric"""


@dataclass(frozen=True, slots=True)
class Sample:
    """One number, or one sentence, of a part."""

    metric: str
    value: float
    topic: str = ""
    partition: int = -1
    text: str = ""


class Reporter:
    """Writes the samples of one part from a thread of its own, while the block runs.

    Args:
        part: name of the part, such as ``ingest``.
        settings: where the store is.
        source: gives the samples of now; it is called from the reporter's thread.
    """

    def __init__(self, part: str, settings: Settings, source: Callable[[], Iterable[Sample]]) -> None:
        self._identity = [part, uuid.uuid4().hex, socket.gethostname(), os.getpid()]
        self._settings = settings
        self._source = source
        self._client: Client | None = None
        self._fails = False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="reports", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        self._report()
        while not self._stop.wait(_REPORT_SECONDS):
            self._report()
        self._report(Sample(STOPPED, 1))
        self._disconnect()

    def _report(self, *more: Sample) -> None:
        try:
            samples = [*self._source(), *more]
            if self._client is None:
                self._client = connect(self._settings, timeout=_WRITE_SECONDS)
            rows = [[*self._identity, s.metric, s.topic, s.partition, s.value, s.text] for s in samples]
            self._client.insert("part_reports", rows, column_names=_COLUMNS)
        except Exception as error:  # noqa: BLE001  whatever it is, the part's own work is worth more
            if not self._fails:
                logger.warning("this part cannot report about itself: %s", _reason(error))
            self._fails = True
            self._disconnect()
        else:
            self._fails = False

    def _disconnect(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.close()


@dataclass(frozen=True, slots=True)
class Reading:
    """The newest value of a metric, how much it changed over the instance's ``seconds``, and its partitions' values."""

    value: float
    change: float
    text: str
    partitions: dict[int, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Trouble:
    """The last error of a part.

    Attributes:
        lasts: seconds for which it has been so; 0: it is over.
        ago: seconds since the error.
    """

    text: str
    lasts: float
    ago: float


@dataclass(frozen=True)
class Instance:
    """A part that runs.

    Attributes:
        age: of its newest report, in seconds.
        seconds: between the two reports that changes are taken from; 0 while there is one.
        topics: readings by topic ('' where none applies) and metric, summed over partitions.
    """

    part: str
    host: str
    pid: int
    age: float
    seconds: float
    topics: dict[str, dict[str, Reading]] = field(default_factory=dict)

    def rate(self, topic: str, metric: str) -> float | None:
        """The change of a counter a second; None before the second report."""
        found = self.topics.get(topic, {}).get(metric)
        return found.change / self.seconds if found is not None and self.seconds > 0 else None

    def mean(self, topic: str, metric: str) -> float | None:
        """A counter by batch, of the batches of the last minute; of all since the start when there were none."""
        readings = self.topics.get(topic, {})
        if metric not in readings or not readings["batches"].value:
            return None
        found, batches = readings[metric], readings["batches"]
        return found.change / batches.change if batches.change else found.value / batches.value

    def trouble(self, topic: str) -> Trouble | None:
        """The last error at a topic, if there was one."""
        readings = self.topics.get(topic, {})
        error = readings.get("last_error")
        if error is None:
            return None
        lasts = max((readings[metric].value for metric in _AWAY if metric in readings), default=0.0)
        return Trouble(error.text, lasts, time.time() - error.value)


def alive(client: Client) -> list[Instance]:
    """The instances that reported in the last ``ALIVE_SECONDS`` and have not ended since.

    Raises:
        StoreError: the store cannot be read.
    """
    found: dict[str, Instance] = {}
    with store_errors("reading the reports of the parts"):
        rows = client.query(_READ, parameters={"alive": ALIVE_SECONDS}).named_results()
    for row in rows:
        new = Instance(row["part"], row["host"], row["pid"], row["age"], row["seconds"])
        topics = found.setdefault(row["instance"], new).topics
        reading = Reading(row["new"], row["change"], row["said"], dict(row["partitions"]))
        topics.setdefault(row["topic"], {})[row["metric"]] = reading
    return [instance for instance in found.values() if STOPPED not in instance.topics.get("", {})]


def _reason(error: Exception) -> str:
    return (str(error) or type(error).__name__).split("\n", 1)[0][:300]
