"""What a post-mortem shows beside words: how metrics went, and the worst answers."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from driftline_alerts.compose import looked_at
from driftline_alerts.course import course
from driftline_alerts.drift.worst import SEARCHES, worst
from driftline_alerts.postmortem.history import Course, Example
from driftline_store.examples import texts
from driftline_store.metrics import DIMENSIONS, METRICS

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
    return Course(metric, segment, course(client, metric, segment, (since, until), most=_POINTS), limit)


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
    since, stream = looked_at(client, step, until)
    return [
        (one.trace_id, one.span_id, step.metric, one.value, one.why)
        for one in worst(client, stream, since, until, most=_MOST_EXAMPLES)
    ]
