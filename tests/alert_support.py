"""What the alert tests share: rows of sums, rules and a server that plays Slack."""

from __future__ import annotations

import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from driftline_alerts.detail import Detail
from driftline_alerts.digest import digest
from driftline_alerts.rule import Rule, build
from driftline_alerts.transition import Transition
from driftline_store.histogram import bin_of
from rollup_support import put_sums

if TYPE_CHECKING:
    from collections.abc import Callable

    from driftline_alerts.rule import Severity
    from driftline_alerts.transition import State
    from driftline_store.client import Client

NOW = datetime(2026, 3, 1, 12, 0, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def rule(**values: Any) -> Rule:
    """A rule about slow answers, with changes."""
    limit = {} if "below" in values else {"above": 3}
    return build({"name": "slow", "metric": "latency_p95", "window": "15m"} | limit | values)


def put(client: Client, at: datetime = NOW - MINUTE, **values: Any) -> None:
    """One row of sums of the minute of ``at``."""
    put_sums(client, [{"at": at} | values])


def put_requests(client: Client, seconds: float, n: int, at: datetime = NOW - MINUTE, **segment: str) -> None:
    """``n`` requests that took this long."""
    put(client, at, requests=n, request_seconds=dict(Counter({bin_of(seconds): n})), **segment)


def put_scores(client: Client, scores: list[float], at: datetime = NOW - MINUTE, **segment: str) -> None:
    """Judged answers of weight 1."""
    n, total, squares = len(scores), sum(scores), sum(score**2 for score in scores)
    powers = {"judged_w": n, "judged_ws": total, "judged_w2": n, "judged_w2s": total, "judged_w2s2": squares}
    put(client, at, judged=n, **{name: float(value) for name, value in powers.items()}, **segment)


def step_of(
    *, state: State = "firing", at: datetime = NOW, severity: Severity = "warning", team: str = "", **segment: str
) -> Transition:
    """A step of the alert of the rule ``slow`` in a segment."""
    return Transition(
        id=digest(state, str(at), sorted(segment.items())),
        incident="i",
        rule="slow",
        segment=tuple(segment.items()),
        state=state,
        at=at,
        started=NOW,
        metric="latency_p95",
        value=9.0,
        threshold=3.0,
        n=30,
        detail=Detail(side="above", window_minutes=15, severity=severity, team=team),
    )


def wait_until(true: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)
