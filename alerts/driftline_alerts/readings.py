"""What all rules need to read, in one statement a window, and one more for each judge whose scores are meant."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from driftline_alerts.system_metrics import SYSTEM, query_system
from driftline_store.metrics import METRICS
from driftline_store.metrics_query import current_instruments
from driftline_store.metrics_sets import query_sets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from clickhouse_connect.driver.client import Client

    from driftline_store.grouping import Dimensions, Segment
    from driftline_store.metrics_query import Reading

    Span = tuple[datetime, datetime]
    """From, inclusive, until, exclusive."""

    Read = Callable[["Asked"], Mapping[Segment, Reading]]
    """A metric of the segments that have rows."""


@dataclass(frozen=True)
class Asked:
    """A metric of segments over a time.

    Attributes:
        by: dimensions of the segments.
        where: values that some of these must have.
        latest: the time whose judge counts, so that what was before is compared with scores of the same instrument.
    """

    metric: str
    by: Dimensions
    where: Segment
    span: Span
    latest: Span


def ask(client: Client, wanted: Iterable[Asked]) -> Read:
    """Read everything that is wanted.

    Returns:
        What gives the readings of each that was wanted.

    Raises:
        StoreError: the store is away or fails a statement.
    """
    wanted = list(wanted)
    system = _system(client, wanted)
    wanted = [one for one in wanted if one.metric in METRICS]
    instruments = _instruments(client, wanted)

    def source(one: Asked) -> tuple[Span, str]:
        return one.span, instruments.get((one.latest, one.where), "") if METRICS[one.metric].is_judged else ""

    asked: dict[tuple[Span, str], tuple[set[str], set[Dimensions]]] = defaultdict(lambda: (set(), set()))
    for one in wanted:
        names, sets = asked[source(one)]
        names.add(one.metric)
        sets.add(one.by)
    answers = {
        (span, instrument): query_sets(
            client, sorted(names), since=span[0], until=span[1], sets=sets, instrument=instrument
        )
        for (span, instrument), (names, sets) in asked.items()
    }

    def read(one: Asked) -> Mapping[Segment, Reading]:
        if one.metric in SYSTEM:
            return {(): system[one.span][one.metric]}
        found = answers[source(one)].readings(one.metric, one.by)
        if not one.where:
            return found
        return {segment: reading for segment, reading in found.items() if all(pair in segment for pair in one.where)}

    return read


def _system(client: Client, wanted: Iterable[Asked]) -> dict[Span, dict[str, Reading]]:
    """What is about Driftline itself, by time and metric."""
    asked: dict[Span, set[str]] = defaultdict(set)
    for one in wanted:
        if one.metric in SYSTEM:
            asked[one.span].add(one.metric)
    return {span: query_system(client, sorted(names), since=span[0], until=span[1]) for span, names in asked.items()}


def _instruments(client: Client, wanted: Iterable[Asked]) -> dict[tuple[Span, Segment], str]:
    """Who judges what is looked at, by time and segment."""
    judged: dict[Span, set[Segment]] = defaultdict(set)
    for one in wanted:
        if METRICS[one.metric].is_judged:
            judged[one.latest].add(one.where)
    return {
        (latest, where): instrument
        for latest, wheres in judged.items()
        for where, instrument in current_instruments(client, wheres, since=latest[0], until=latest[1]).items()
    }
