"""``llm_traces`` to ``llm_sessions``: totals per session, once it has been quiet for a while."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from driftline_processors.settle.step import Step, now, parameter
from driftline_processors.views.sums import COUNT_OF_BIN, Sum, rolled_up
from driftline_store.histogram import bin_sql
from driftline_store.metrics import DIMENSIONS

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    from driftline.settings import Settings

REACH_DAYS: Final = 7
"""How long before its last request the beginning of a session is searched for; a longer one counts as several."""


def settle_sessions(client: Client, settings: Settings) -> None:
    """Settle the sessions that are over; meant to be called every minute or so, by one process at a time.

    Raises:
        clickhouse_connect.driver.exceptions.Error: the store failed a statement; nothing is lost.
    """
    quiet = timedelta(minutes=float(settings.session_minutes))
    step = Step("sessions", "llm_traces", "settled_at", quiet, "llm_sessions", _totals(), _SUMS)
    at = now()
    while step.run(client, at):
        pass


_FIRST: Final = (*DIMENSIONS, "start")
_TOTALS: Final = {
    "is_again": "max(trace.is_again)",
    "user_id": "anyIf(user_id, user_id != '')",
    "requests": "toInt64(countIf(is_first))",
    "request_errors": "toInt64(countIf(is_first AND is_error))",
    "fallbacks": "toInt64(countIf(is_first AND fallback_reason != ''))",
    "calls": "sum(trace.calls)",
    "cost": "sum(trace.cost)",
    "unpriced_calls": "sum(trace.unpriced_calls)",
}
_ADDED: Final = ("requests", "request_errors", "fallbacks", "calls", "cost", "unpriced_calls")


def _totals() -> str:
    due = (
        f"FROM llm_traces WHERE settled_at >= {parameter('since')} AND settled_at < {parameter('until')} "
        "AND session_id != ''"
    )
    reach = f"start >= (SELECT min(start) {due}) - INTERVAL {REACH_DAYS} DAY"
    concerned = f"session_id IN (SELECT session_id {due}) AND {reach}"
    first = ", ".join(f"argMin(trace.{name}, trace.start) AS {name}" for name in _FIRST)
    totals = ", ".join(f"{sql} AS {name}" for name, sql in _TOTALS.items())
    fixed = ", ".join(f"argMax({name}, is_first) AS {name}" for name in _FIRST)
    known = ", ".join(f"sum({name}) AS {name}" for name in _ADDED)
    columns = {
        "session_id": "t.session_id",
        "settled_at": parameter("settled_at"),
        "is_first": "k.rows = 0",
        "is_again": "k.rows = 0 AND t.is_again",
        **{name: f"if(k.rows = 0, t.{name}, k.{name})" for name in _FIRST},
        "user_id": "t.user_id",
        **{name: f"t.{name} - k.{name}" for name in _ADDED},
        "cost_before": "k.cost",
        "unpriced_before": "k.unpriced_calls",
    }
    return f"""\
INSERT INTO llm_sessions ({", ".join(columns)})
SELECT {", ".join(f"{sql} AS {name}" for name, sql in columns.items())}
FROM (
    SELECT session_id, max(settled_at) AS last, {first}, {totals}
    FROM llm_traces AS trace
    WHERE {concerned}
    GROUP BY session_id
    HAVING last < {parameter("until")}
) AS t
LEFT JOIN (
    SELECT session_id, count() AS rows, {fixed}, {known}
    FROM llm_sessions
    WHERE {concerned}
    GROUP BY session_id
) AS k ON k.session_id = t.session_id
WHERE k.rows = 0 OR (t.requests, t.calls, t.cost) != (k.requests, k.calls, k.cost)"""


# What each row of llm_sessions changes: 1 settled sessions, 2 entries in the histogram, 3 cost, 4 whether it is known.
_CHANGES: Final = """\
if(is_first, [(1, 1, cost, unpriced_calls = 0)], [
    (0, -1, cost_before, unpriced_before = 0),
    (0, 1, cost_before + cost, unpriced_before + unpriced_calls = 0)
])"""

_SOURCE: Final = f"""\
(
        SELECT *, change.1 AS settled, change.1 * NOT is_again AS came,
            change.2 AS priced, toFloat64(change.3) AS usd, change.4 AS is_priced
        FROM (SELECT *, arrayJoin({_CHANGES}) AS change FROM llm_sessions
            WHERE settled_at = {parameter("settled_at")})
    )"""

_SESSION_SUMS: Final = (
    Sum("settled_sessions", "toInt64(sum(settled))", by_arrival="toInt64(sum(came))"),
    Sum("session_requests", "toInt64(sumIf(requests, priced > 0))", by_arrival="toInt64(sumIf(requests, came > 0))"),
    Sum(
        "session_cost",
        f"sumMapIf(map({bin_sql('usd')}, toInt64(priced)), is_priced)",
        COUNT_OF_BIN,
        f"sumMapIf(map({bin_sql('usd')}, toInt64(priced)), is_priced AND came > 0)",
    ),
)

_SUMS: Final = (
    f"INSERT INTO llm_rollups (resolution, at, {', '.join((*DIMENSIONS, *(one.column for one in _SESSION_SUMS)))})\n"
    + rolled_up(_SESSION_SUMS, _SOURCE, at="start", arrived="now64(3, 'UTC')")
)
