"""What the monitors are at and what they promise, kept in the store for people to see: changes, and not all at once.

Detection itself never reads it. A row lost or repeated by a crash is one of the picture, and no more.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from driftline_alerts.drift.change import change
from driftline_alerts.drift.contract import contract
from driftline_alerts.drift.figures import usual
from driftline_alerts.drift.finding import moment
from driftline_alerts.drift.standing import Standing, stream_id
from driftline_store.client import store_errors

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from clickhouse_connect.driver.client import Client

    from driftline_alerts.drift.contract import Contract
    from driftline_alerts.drift.fleet import Name
    from driftline_alerts.drift.monitor import Monitor

_PAUSE: Final = 60.0
"""Seconds of arrival between two looks."""
_PROMISING: Final = 1.0
"""Seconds of one look that promises are worked out in; one is begun in any case."""
_GROWN: Final = 2.0
"""Times the baseline or the share of the budget after which a promise is worked out anew."""
_AT_WORK: Final = frozenset({"suspicious", "small", "episode", "recovering"})
"""States in which a change may be under way."""

_MONITORS: Final = (
    *("stream", "at", "metric", "evaluator", "instrument", "segment", "falls", "state", "n", "per_day", "level"),
    *("evidence", "false_a_month", "started"),
)
_PROMISES: Final = ("stream", "at", "n", "false_a_month", "size", "days", "smallest")
_PROMISED: Final = "SELECT stream, n, false_a_month FROM drift_promises FINAL"


class Record:
    """What was written last of each monitor."""

    def __init__(self) -> None:
        self._written: dict[Name, Standing] = {}
        self._promised: dict[Name, tuple[float, float]] | None = None
        self._at = 0.0

    def take(self, client: Client, monitors: Mapping[Name, Monitor], shares: Mapping[Name, float], at: float) -> None:
        """Write what has changed, at most once a minute.

        Args:
            client: of the store.
            monitors: all that there are.
            shares: false alarms a month that each may raise.
            at: up to which arrival they have looked, in seconds of Unix time.

        Raises:
            StoreError: the store is away or fails a statement; what was not written is written by the next call.
        """
        if at - self._at < _PAUSE:
            return
        standing = {name: Standing.of(one, shares.get(name, 0.0), at) for name, one in monitors.items()}
        news = {name: one for name, one in standing.items() if one.is_news_after(self._written.get(name))}
        rows = [_row(monitors[name], one, shares.get(name, 0.0)) for name, one in news.items()]
        _insert(client, "drift_monitors", _MONITORS, rows)
        self._written = {name: one for name, one in self._written.items() if name in monitors} | news
        self._promise(client, monitors, shares, at)
        self._at = at

    def _promise(
        self, client: Client, monitors: Mapping[Name, Monitor], shares: Mapping[Name, float], at: float
    ) -> None:
        promised = _promised(client, monitors) if self._promised is None else self._promised
        due = [name for name, one in monitors.items() if _is_due(one, shares.get(name, 0.0), promised.get(name))]
        # Those without any go first, and of these what is used most.
        due.sort(key=lambda name: (name in promised, -monitors[name].per_day))
        until, rows, made = time.monotonic() + _PROMISING, [], {}
        for name in due:
            monitor = monitors[name]
            if found := contract(monitor, shares[name]):
                rows.append(_promise_row(monitor, found, at))
                made[name] = (monitor.n, shares[name])
            if time.monotonic() >= until:
                break
        _insert(client, "drift_promises", _PROMISES, rows)
        self._promised = promised | made


def _is_due(monitor: Monitor, share: float, before: tuple[float, float] | None) -> bool:
    """Whether a monitor has no promise yet, or has become another one since it was made of ``before``."""
    if not monitor.panel or monitor.alarm or share <= 0:
        return False
    if before is None:
        return True
    return any(not 1 / _GROWN < now / then < _GROWN for now, then in zip((monitor.n, share), before, strict=True))


def _promised(client: Client, monitors: Mapping[Name, Monitor]) -> dict[Name, tuple[float, float]]:
    """Baseline and share that the promises of before were made of."""
    with store_errors("reading what monitors promise"):
        stored = {stream: (n, share) for stream, n, share in client.query(_PROMISED).result_rows}
    return {name: stored[_id(one)] for name, one in monitors.items() if _id(one) in stored}


def _id(monitor: Monitor) -> str:
    return stream_id(monitor.key, falls=monitor.falls)


def _row(monitor: Monitor, standing: Standing, share: float) -> list[Any]:
    key = monitor.key
    located = change(monitor) if standing.state in _AT_WORK else None
    level = usual(monitor) if monitor.panel else None
    return [
        _id(monitor), moment(standing.at), key.metric, key.evaluator, key.instrument, dict(key.segment), monitor.falls,
        standing.state, standing.n, monitor.per_day, level, standing.evidence, share,
        moment(located.start) if located else None,
    ]  # fmt: skip


def _promise_row(monitor: Monitor, found: Contract, at: float) -> list[Any]:
    return [
        _id(monitor), moment(at), monitor.n, found.false_a_month, found.size, found.days, found.smallest
    ]  # fmt: skip


def _insert(client: Client, table: str, columns: Collection[str], rows: list[list[Any]]) -> None:
    with store_errors("storing what monitors are at"):
        if rows:
            client.insert(table, rows, column_names=list(columns))
