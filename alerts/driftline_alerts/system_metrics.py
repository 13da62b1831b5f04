"""Metrics of Driftline itself, which rules can name beside those of ``driftline_store.metrics``: without dimensions."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from driftline_processors.dead_letters import OPEN_COUNT
from driftline_processors.ingest import GROUP
from driftline_processors.judge.leader import GROUP as JUDGE
from driftline_processors.judge.leader import PAUSED
from driftline_processors.reports import ALIVE_SECONDS
from driftline_store.client import store_errors
from driftline_store.metrics import METRICS, Metric, closest
from driftline_store.metrics_format import NO_DATA, format_value
from driftline_store.metrics_query import Reading

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from clickhouse_connect.driver.client import Client

# Statements of one row: the value, and what it is based on, 0 where nothing is known.
_DEAD: Final = f"SELECT toFloat64(({OPEN_COUNT})), toUInt64(1)"

_LAG: Final = f"""\
SELECT toFloat64(sum(newest)), count() FROM (
    SELECT argMax(value, at) AS newest FROM part_reports
    WHERE part = '{GROUP}' AND metric = 'lag' AND at > {{alive}} AND at <= {{until}}
    GROUP BY topic, partition
)"""

# Of a day: a part that nobody started is missed by nobody.
_SILENCE: Final = f"""\
SELECT dateDiff('millisecond', max(at), {{until}}) / 1000, count() FROM part_reports
WHERE part = '{GROUP}' AND at > {{until}} - INTERVAL 1 DAY AND at <= {{until}}"""

# Counters grow from 0 at the start of an instance; the report before the window is what it began with.
_DROPPED: Final = """\
SELECT toFloat64(sum(greatest(last - base, 0))), count() FROM (
    SELECT
        toInt64(argMax(dropped, at)) AS last,
        multiIf(
            countIf(arrived < {since}) > 0, toInt64(argMaxIf(dropped, at, arrived < {since})),
            toUnixTimestamp(max(started)) > 0, 0,
            toInt64(argMin(dropped, at))
        ) AS base
    FROM collector_reports
    WHERE arrived >= {since} - INTERVAL 1 DAY AND arrived < {until}
    GROUP BY instance
    HAVING max(arrived) >= {since}
)"""

_BUDGET: Final = """\
SELECT
    max(greatest(
        if(plan.per_day > 0, toFloat64(spent.day) / toFloat64(plan.per_day), 0),
        if(plan.per_month > 0, toFloat64(spent.month) / toFloat64(plan.per_month), 0)
    )),
    count()
FROM (
    SELECT evaluator, per_day, per_month FROM judge_plan FINAL WHERE active AND (per_day > 0 OR per_month > 0)
) AS plan
LEFT JOIN (
    SELECT name, sumIf(ifNull(cost, 0), at >= toStartOfDay({until})) AS day, sum(ifNull(cost, 0)) AS month
    FROM evaluations
    WHERE source = 'judge' AND at >= toStartOfMonth({until}) AND at < {until}
    GROUP BY name
) AS spent ON spent.name = plan.evaluator"""

_PAUSED: Final = f"""\
SELECT toFloat64(uniqExactIf(topic, metric = '{PAUSED}')), count() FROM part_reports
WHERE part = '{JUDGE}' AND at > {{alive}} AND at <= {{until}}"""

_TABLE: Final = (
    Metric(
        "dead_letters", "Dead letters", "messages", "lower", _DEAD, "", "looks", None, "count",
        "Messages that could not be stored and that nobody has sent again or discarded yet, now.",
    ),
    Metric(
        "ingest_lag", "Ingest lag", "messages", "lower", _LAG, "", "partitions", None, "count",
        "Messages that wait on the bus, as the running `driftline ingest` last said.",
    ),
    Metric(
        "ingest_silence", "Ingest silent", "seconds", "lower", _SILENCE, "", "reports", None, "seconds",
        "Seconds since a `driftline ingest` last reported about itself, which it does every 10 s; of the last day.",
    ),
    Metric(
        "dropped", "Dropped by applications", "spans and events", "lower", _DROPPED, "", "collectors", None, "count",
        "Spans and events that collectors gave up in the window, as neither memory nor disk had room for them.",
        "total",
    ),
    Metric(
        "judge_budget", "Judge budget", "share", "lower", _BUDGET, "", "evaluators with a budget", None, "percent",
        "Share of its budget of this day or month of UTC that is spent, of the evaluator with the highest. A budget of "
        "all together is not in it: see `judge_paused`.",
    ),
    Metric(
        "judge_paused", "Paused evaluators", "evaluators", "lower", _PAUSED, "", "reports", None, "count",
        "Evaluators that do not judge now, as a budget is spent or the endpoint does not answer.",
    ),
)  # fmt: skip

SYSTEM: Final = {metric.name: metric for metric in _TABLE}
"""The table by name. ``value`` is a statement of one row, value and n; ``n`` is empty."""

KNOWN: Final = METRICS | SYSTEM
"""All that a rule can name."""


def known_metric(name: str) -> Metric:
    """The metric of that name, of applications or of Driftline itself.

    Raises:
        ValueError: there is none; names the closest one.
    """
    if name not in KNOWN:
        raise ValueError(f"metric {name!r} is unknown; {closest(name, tuple(KNOWN))}")
    return KNOWN[name]


def title_of(name: str) -> str:
    """What people call a metric; its name where another version knows it."""
    return KNOWN[name].title if name in KNOWN else name


def written(name: str, value: float | None) -> str:
    """A value of a metric as people read it, also of one that another version knows."""
    if value is None or math.isnan(value):
        return NO_DATA
    return format_value(KNOWN[name], value) if name in KNOWN else f"{value:,.4g}"


def query_system(client: Client, names: Iterable[str], *, since: datetime, until: datetime) -> dict[str, Reading]:
    """Metrics of Driftline itself over a window, or at its end, in one statement.

    Raises:
        StoreError: the store is away or fails the statement.
    """
    metrics = [SYSTEM[name] for name in names]
    sources = [f"SELECT '{metric.name}', * FROM ({metric.value})" for metric in metrics]
    moments = {"since": since, "until": until, "alive": until - timedelta(seconds=ALIVE_SECONDS)}
    statement = "\nUNION ALL\n".join(sources)
    for name in moments:
        statement = statement.replace(f"{{{name}}}", f"fromUnixTimestamp64Milli({{{name}:Int64}}, 'UTC')")
    parameters = {name: round(moment.timestamp() * 1000) for name, moment in moments.items()}
    with store_errors("reading how Driftline itself is"):
        rows = client.query(statement, parameters=parameters).result_rows
    return {
        name: Reading(SYSTEM[name], float(value) if n else None, int(n), None, None, (since, until))
        for name, value, n in rows
    }
