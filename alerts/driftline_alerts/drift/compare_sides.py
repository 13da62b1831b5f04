"""Two versions, models, variants or periods on several metrics, out of the store's sums."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Final

from driftline_alerts.drift.compare_metric import compare_metric
from driftline_store.client import store_errors
from driftline_store.filters import filtered
from driftline_store.metrics_query import current_instrument
from driftline_store.monitored_counts import read_counts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from driftline_alerts.drift.compare import Comparison
    from driftline_store.client import Client
    from driftline_store.monitored import Monitored
    from driftline_store.monitored_counts import Counts

USUAL: Final = ("quality", "error_rate", "fallback_rate", "latency_p95", "cost_per_request_p95")
"""What is compared unless somebody says otherwise."""

ALPHA: Final = 0.05
"""How often one of the verdicts may be wrong where nothing differs, however often one looks."""

_RECENT: Final = timedelta(days=1)

_FIRST: Final = """\
SELECT m.resolution, min(m.at) FROM llm_rollups AS m
WHERE m.resolution IN ('hour', 'day') AND (m.requests > 0 OR m.calls > 0){conditions} GROUP BY m.resolution"""


@dataclass(frozen=True)
class Side:
    """One of the two.

    Attributes:
        where: dimension -> value, of all that count.
        since: aware.
        until: aware, exclusive.
    """

    where: Mapping[str, str]
    since: datetime
    until: datetime

    @property
    def name(self) -> str:
        """As people call it."""
        return ", ".join(f"{dimension}={value or '(none)'}" for dimension, value in self.where.items()) or "everything"


@dataclass(frozen=True)
class Compared:
    """A metric of both sides.

    Attributes:
        metric: which.
        result: what was found.
        hours: until a verdict is expected at the traffic of the last day; None with one, and where none can be said.
    """

    metric: Monitored
    result: Comparison
    hours: float | None


def compare(client: Client, a: Side, b: Side, metrics: Sequence[Monitored]) -> list[Compared]:
    """Each metric of both sides, in the order given; scores are those of one judge.

    Raises:
        StoreError: the store is away or fails a statement.
    """
    instrument = common_instrument(client, a, b)
    counts_a, counts_b = (_counts(client, one, metrics, instrument) for one in (a, b))
    recent = [_recent(client, one, known, metrics, instrument) for one, known in ((a, counts_a), (b, counts_b))]
    hours = min(_RECENT, *(one.until - one.since for one in (a, b))) / timedelta(hours=1)
    found = []
    for metric in metrics:
        of_a, of_b = counts_a[metric.metric], counts_b[metric.metric]
        result = compare_metric(metric, of_a, of_b, alpha=ALPHA / len(metrics))
        rates = [sum(one[metric.metric].values()) / hours for one in recent]
        found.append(Compared(metric, result, _wait(result, rates) if a.until == b.until else None))
    return found


def first_together(client: Client, a: Mapping[str, str], b: Mapping[str, str]) -> datetime | None:
    """Begin of the first hour from which on both sides exist; of the day, where its hours are not kept any more.

    What comes later does not move it, so that looks at all that came since are looks at one growing sample.

    Args:
        client: of the store.
        a: dimension -> value, of all that count on the one side.
        b: on the other.

    Returns:
        The first hour of the one that exists where the other does not; None where nothing is stored of either.

    Raises:
        StoreError: the store is away or fails a statement.
    """
    return max((at for where in (a, b) if (at := _first(client, where))), default=None)


def _first(client: Client, where: Mapping[str, str]) -> datetime | None:
    conditions, parameters = filtered(where, "m")
    query = _FIRST.format(conditions="".join(f" AND {one}" for one in conditions))
    with store_errors("looking for the begin of a comparison"):
        rows = client.query(query, parameters=parameters).result_rows
    begins: dict[str, datetime] = {resolution: at.replace(tzinfo=UTC) for resolution, at in rows}
    hour, day = begins.get("hour"), begins.get("day")
    return hour if hour and (day is None or hour - day < timedelta(days=1)) else day


def common_instrument(client: Client, a: Side, b: Side) -> str:
    """Fingerprint of the judge whose scores of both sides are compared; '' where nobody has judged.

    Raises:
        StoreError: the store is away or fails a statement.
    """
    common = {name: value for name, value in a.where.items() if b.where.get(name) == value}
    return current_instrument(client, since=min(a.since, b.since), until=max(a.until, b.until), where=common)


def _recent(
    client: Client, one: Side, known: Mapping[str, Counts], metrics: Sequence[Monitored], instrument: str
) -> Mapping[str, Counts]:
    """Counts of the last day of a side, which is often all of it."""
    since = one.until - _RECENT
    return known if one.since >= since else _counts(client, dataclasses.replace(one, since=since), metrics, instrument)


def _counts(client: Client, one: Side, metrics: Sequence[Monitored], instrument: str) -> Mapping[str, Counts]:
    return read_counts(client, metrics, since=one.since, until=one.until, where=one.where, instrument=instrument)


def _wait(result: Comparison, rates: Sequence[float]) -> float | None:
    """Hours until both sides have what they still need, at so many observations an hour."""
    if result.more is None or min(rates) <= 0:
        return None
    return max(n * result.more / rate for n, rate in zip((result.n_a, result.n_b), rates, strict=True))
