"""Rising suspicion lets the judge look at more: evidence then comes sooner, at little cost (docs/drift-method.md).

A rate may depend on the suspicion, which is known before what it applies to; the detectors read uniform samples.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from driftline_alerts.drift.monitor import QUIET
from driftline_alerts.drift.segments import is_leaf
from driftline_processors.judge.plan import SCOPE, Raise, in_force, raise_where_due
from driftline_store.client import store_errors

if TYPE_CHECKING:
    from collections.abc import Iterable

    from clickhouse_connect.driver.client import Client

    from driftline_alerts.drift.monitor import Monitor

TIMES: Final = 10.0
"""As often as the base rate."""
_HOLDS: Final = timedelta(hours=1)

_SERVICES: Final = """\
SELECT DISTINCT toString(service) FROM llm_rollups
WHERE resolution = 'hour' AND at >= toStartOfHour(now('UTC')) - INTERVAL 1 HOUR AND environment = {environment:String}
    AND feature = {feature:String} AND prompt_name = {prompt_name:String} AND prompt_version = {prompt_version:String}
LIMIT 20"""


def look_closer(client: Client, monitors: Iterable[Monitor], now: datetime) -> list[Raise]:
    """Raise the judge's rates where something may be going on; a higher one that holds already stays.

    Returns:
        What was raised.

    Raises:
        StoreError: the store is away or fails a statement.
    """
    suspects = [one for one in monitors if _is_suspect(one)]
    if not suspects:
        return []
    with store_errors("raising the judge's rates"):
        rates = {one.name: one.rate for one in in_force(client)}
        wanted = [new for one in suspects for new in _raises(client, one, rates.get(one.key.evaluator, 0.0), now)]
        return raise_where_due(client, wanted, now)


def _raises(client: Client, monitor: Monitor, rate: float, now: datetime) -> list[Raise]:
    if rate <= 0:
        return []
    values = dict(monitor.key.segment)
    services = client.query(_SERVICES, parameters=values).result_rows
    segments = [tuple({**values, "service": row[0]}[name] for name in SCOPE) for row in services]
    return [
        Raise(monitor.key.evaluator, segment, min(rate * TIMES, 1.0), now + _HOLDS, "drift") for segment in segments
    ]


def _is_suspect(monitor: Monitor) -> bool:
    """Parents read the base sample alone, so a higher rate would not help them."""
    is_judged = monitor.key.metric == "quality" and is_leaf(monitor.key.segment)
    return bool(is_judged and monitor.panel and not monitor.alarm and monitor.suspicion >= QUIET)
