"""Rising suspicion lets the judge look at more: evidence then comes sooner, at little cost (docs/drift-method.md).

A rate may depend on the suspicion, which is known before what it applies to; the detectors read uniform samples.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from driftline_alerts.drift.monitor import QUIET
from driftline_alerts.drift.segments import is_leaf
from driftline_processors.judge.plan import SCOPE, Raise, in_force, raise_rates
from driftline_store.client import store_errors

if TYPE_CHECKING:
    from collections.abc import Iterable

    from clickhouse_connect.driver.client import Client

    from driftline_alerts.drift.monitor import Monitor

TIMES: Final = 10.0
"""As often as the base rate."""
_HOLDS: Final = timedelta(hours=1)
_RENEWED: Final = timedelta(minutes=15)

_SERVICES: Final = """\
SELECT DISTINCT toString(service) FROM llm_rollups
WHERE resolution = 'hour' AND at >= toStartOfHour(now('UTC')) - INTERVAL 1 HOUR AND environment = {environment:String}
    AND feature = {feature:String} AND prompt_name = {prompt_name:String} AND prompt_version = {prompt_version:String}
LIMIT 20"""


class CloserLook:
    """Raises the judge's rates where something may be going on, and remembers until when."""

    def __init__(self) -> None:
        self._until: dict[tuple[str, tuple[str, ...]], datetime] = {}

    def take(self, client: Client, monitors: Iterable[Monitor], now: datetime) -> list[Raise]:
        """Raise what is due.

        Raises:
            StoreError: the store is away or fails a statement.
        """
        suspects = [one for one in monitors if _is_suspect(one)]
        if not suspects:
            return []
        with store_errors("raising the judge's rates"):
            rates = {one.name: one.rate for one in in_force(client)}
            found = [new for one in suspects for new in self._raises(client, one, rates, now)]
            raise_rates(client, found)
        return found

    def _raises(self, client: Client, monitor: Monitor, rates: dict[str, float], now: datetime) -> list[Raise]:
        rate = rates.get(monitor.key.evaluator, 0.0)
        values = dict(monitor.key.segment)
        place = (monitor.key.evaluator, tuple(values.get(name, "") for name in SCOPE))
        if rate <= 0 or self._until.get(place, now) - now > _RENEWED:
            return []
        self._until[place] = until = now + _HOLDS
        services = client.query(_SERVICES, parameters=values).result_rows
        segments = [tuple({**values, "service": row[0]}[name] for name in SCOPE) for row in services]
        return [Raise(place[0], segment, min(rate * TIMES, 1.0), until, "drift") for segment in segments]


def _is_suspect(monitor: Monitor) -> bool:
    """Parents read the base sample alone, so a higher rate would not help them."""
    is_judged = monitor.key.metric == "quality" and is_leaf(monitor.key.segment)
    return bool(is_judged and monitor.panel and not monitor.alarm and monitor.suspicion >= QUIET)
