"""What the collectors inside of applications sent, and how much of it is stored.

Both sides are counted by the clock of the application: a report says how many spans its collector had emitted when
it was made, and of the stored spans of the same collector those count that ended until then. So a service of
which other senders store spans as well is not taken for complete, and a clock that is wrong does no harm.

The newest minute is left out, since what it brought is still on its way.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from driftline_store.client import store_errors

if TYPE_CHECKING:
    from driftline_store.client import Client

WAY: Final = timedelta(minutes=1)
"""Time after which a span that was emitted before a report can be expected in the store."""

_BEFORE: Final = timedelta(days=1)
"""How long before the range the report is looked for that a collector's counters are compared with."""

_HOUR: Final = timedelta(hours=1)
_LONGEST: Final = timedelta(hours=1)
"""Duration of a span up to which it is found."""

# One row a collector that reported in the range: `base` and `last` are (time, spans, events, dropped, exported) at its
# ends.
_TOLD: Final = """\
SELECT
    instance, argMax(service, at) AS service, argMax(environment, at) AS environment,
    argMax((queued, spooled, dropped), at) AS newest, max(started) AS began,
    multiIf(
        countIf(arrived < {since}) > 0, argMaxIf({figures}, at, arrived < {since}),
        toUnixTimestamp(began) > 0, (began, 0, 0, 0, 0),
        argMin({figures}, at)
    ) AS base,
    if(
        countIf(arrived >= {since} AND arrived < {arrived}) > 0,
        argMaxIf({figures}, at, arrived >= {since} AND arrived < {arrived}),
        base
    ) AS last
FROM collector_reports
WHERE arrived >= {before} AND arrived < {until}
GROUP BY instance
HAVING max(arrived) >= {since}""".replace("{figures}", "(at, emitted_spans, emitted_events, dropped, exported)")

_STORED: Final = """\
SELECT span.collector AS instance, count() AS spans
FROM (
    SELECT collector, fromUnixTimestamp64Nano(toInt64(start_unix_nano + duration * 1e9), 'UTC') AS ended
    FROM llm_spans
    WHERE collector != '' AND start >= (SELECT min(base.1) FROM told) - toIntervalSecond({longest:UInt32})
        AND start <= (SELECT max(last.1) FROM told)
) AS span
INNER JOIN told ON told.instance = span.collector
WHERE span.ended > told.base.1 AND span.ended <= told.last.1
GROUP BY instance"""

_QUERY: Final = f"""\
WITH told AS ({_TOLD}), stored AS ({_STORED})
SELECT
    service, environment, count(), sum(last.2 - base.2), sum(last.3 - base.3), sum(last.5 - base.5),
    sum(newest.3 - base.4), sum(newest.1), sum(newest.2), sum(stored.spans)
FROM told LEFT JOIN stored ON stored.instance = told.instance
GROUP BY service, environment
ORDER BY service, environment"""


@dataclass(frozen=True, slots=True)
class Sent:
    """What the collectors of a service did in a range of time.

    Attributes:
        instances: collectors that reported in it; one for each process of the application.
        emitted: spans that they handed over to be sent, as far as they can have arrived by now.
        events: the same of feedback.
        acknowledged: spans and events that the bus took from them, likewise.
        dropped: spans and events that they gave up.
        queued: spans and events that wait in memory, by the newest reports.
        spooled: that wait on the disk.
        stored: of ``emitted`` those that are in the store.
    """

    service: str
    environment: str
    instances: int
    emitted: int
    events: int
    acknowledged: int
    dropped: int
    queued: int
    spooled: int
    stored: int

    @property
    def coverage(self) -> float | None:
        """Share of the emitted spans that are stored; above 1 if some are there twice, None where none was emitted."""
        return self.stored / self.emitted if self.emitted else None


def sent(client: Client, *, since: datetime, until: datetime) -> list[Sent]:
    """What the collectors that reported in a range of time sent in it, by service and environment.

    Reads all stored spans of the range (of few columns): meant for hours, not for weeks.

    Args:
        client: of the store.
        since: aware.
        until: aware, exclusive.

    Raises:
        StoreError: the store cannot be read.
    """
    moments = {"since": since, "until": until, "arrived": until - WAY, "before": since - _BEFORE}
    parameters: dict[str, Any] = {name: round(moment.timestamp() * 1000) for name, moment in moments.items()}
    query = _QUERY
    for name in moments:
        query = query.replace(f"{{{name}}}", f"fromUnixTimestamp64Milli({{{name}:Int64}}, 'UTC')")
    with store_errors("reading the reports of collectors"):
        rows = client.query(query, parameters=parameters | {"longest": int(_LONGEST.total_seconds())}).result_rows
    return [Sent(*row) for row in rows]


def last_hour(client: Client) -> list[Sent]:
    """What the collectors that reported in the last hour sent in it.

    Raises:
        StoreError: the store cannot be read.
    """
    now = datetime.now(UTC)
    return sent(client, since=now - _HOUR, until=now)
