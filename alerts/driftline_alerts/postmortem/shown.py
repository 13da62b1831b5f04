"""What a post-mortem shows beside words: how metrics went, and the worst answers."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from driftline_alerts.drift.stream import StreamKey
from driftline_alerts.drift.worst import SEARCHES, worst
from driftline_alerts.postmortem.history import Course, Example
from driftline_store.examples import texts
from driftline_store.metrics import DIMENSIONS, METRICS
from driftline_store.metrics_query import current_instrument, query_metrics

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clickhouse_connect.driver.client import Client

    from driftline_alerts.drift.finding import Finding
    from driftline_alerts.evaluate import Segment
    from driftline_alerts.transition import Transition

_SHORTEST: Final = timedelta(hours=3)
_POINTS: Final = 60
_MINUTE: Final = timedelta(minutes=1)
_MOST_COURSES: Final = 3
_MOST_EXAMPLES: Final = 5

_Pointer = tuple[str, str, str, float | None, str]
"""Trace, span, metric, value, and what was said about it."""


def courses(
    client: Client, findings: Sequence[Finding], steps: Sequence[Transition], time: tuple[datetime, datetime]
) -> tuple[Course, ...]:
    """The metrics that it is about, each where it was first found."""
    told: dict[str, tuple[Segment, float | None]] = {}
    for finding in findings:
        told.setdefault(finding.metric, (finding.segment, finding.before))
    for step in () if findings else steps:
        told.setdefault(step.metric, (step.segment, None if math.isnan(step.threshold) else step.threshold))
    found = [
        _course(client, metric, segment, limit, time)
        for metric, (segment, limit) in list(told.items())[:_MOST_COURSES]
        if metric in METRICS and all(name in DIMENSIONS for name, _ in segment)
    ]
    return tuple(one for one in found if any(value is not None for _, value in one.points))


def _course(
    client: Client, metric: str, segment: Segment, limit: float | None, time: tuple[datetime, datetime]
) -> Course:
    began, until = time
    margin = max((until - began) / 2, _SHORTEST / 2)
    since, until = began - margin, min(until + margin / 2, datetime.now(UTC) + _MINUTE)
    step = max(math.ceil((until - since) / _POINTS / _MINUTE), 1) * _MINUTE
    frame = query_metrics(client, [metric], since=since, until=until, where=dict(segment), step=step)
    values = {
        at.to_pydatetime(): None if math.isnan(value) else float(value)
        for at, value in zip(frame["bucket"], frame[metric], strict=True)
    }
    seconds = int(step.total_seconds())
    first = int(since.timestamp()) // seconds * seconds
    times = (datetime.fromtimestamp(at, UTC) for at in range(first, int(until.timestamp()), seconds))
    return Course(metric, segment, tuple((at, values.get(at)) for at in times), limit)


def examples(
    client: Client, findings: Sequence[Finding], steps: Sequence[Transition], until: datetime
) -> tuple[Example, ...]:
    """Those that people were told of; of a rule's incident, the worst in its time."""
    told: list[_Pointer] = [
        (one.trace_id, one.span_id, finding.metric, one.value, "") for finding in findings for one in finding.examples
    ]
    firing = next((step for step in steps if step.state == "firing" and step.metric in SEARCHES), None)
    if not findings and firing is not None:
        told = _worst(client, firing, until)
    told = list({one[0]: one for one in reversed(told)}.values())[::-1][:_MOST_EXAMPLES]
    said = texts(client, [(trace, span) for trace, span, *_ in told])
    found = []
    for trace, span, metric, value, why in told:
        _, asked, answered = said.get((trace, span), ("", "", ""))
        found.append(Example(trace, metric, value, why, asked, answered))
    return tuple(found)


def _worst(client: Client, step: Transition, until: datetime) -> list[_Pointer]:
    since = step.started - timedelta(minutes=step.detail.window_minutes)
    where = dict(step.segment)
    is_judged = METRICS[step.metric].is_judged
    instrument = current_instrument(client, since=since, until=until, where=where) if is_judged else ""
    key = StreamKey(step.metric, instrument, step.segment)
    return [
        (one.trace_id, one.span_id, step.metric, one.value, one.why)
        for one in worst(client, key, since, until, most=_MOST_EXAMPLES)
    ]
