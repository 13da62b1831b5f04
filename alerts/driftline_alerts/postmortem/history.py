"""All that is known of one incident."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from driftline_alerts.drift.events import Event
    from driftline_alerts.drift.evidence import Touched
    from driftline_alerts.drift.finding import Finding
    from driftline_alerts.evaluate import Segment
    from driftline_alerts.transition import Transition


@dataclass(frozen=True)
class Attempt:
    """What a channel was told, or why it was not.

    Attributes:
        at: the first of equal ones.
        what: feature and what became of it, of the webhook for containment; '' of a channel for people.
        error: '' of what arrived.
        times: how many were equal.
    """

    at: datetime
    channel: str
    what: str
    error: str
    times: int


@dataclass(frozen=True)
class Said:
    """What somebody wanted of it.

    Attributes:
        what: in words.
        why: in theirs.
    """

    at: datetime
    by: str
    what: str
    why: str = ""


@dataclass(frozen=True)
class Course:
    """A metric over the time of it.

    Attributes:
        points: begin of each bucket, and the value; None where there was none.
        limit: that of the rule, or the level before; None where there is none.
    """

    metric: str
    segment: Segment
    points: tuple[tuple[datetime, float | None], ...]
    limit: float | None


@dataclass(frozen=True)
class Example:
    """One of the worst answers, as it is stored.

    Attributes:
        value: in the metric's unit; None where it is a yes or no.
        why: what was said about it.
    """

    trace_id: str
    metric: str
    value: float | None
    why: str
    asked: str
    answered: str


@dataclass(frozen=True)
class History:
    """One incident.

    Attributes:
        id: as people call it.
        findings: of drift detection, oldest first; none of a rule's incident.
        steps: of its alerts, oldest first.
        touched: what lay in its segment while it lasted; None of what is no part of production.
        until: when it was over, or now.
        is_over: which of the two.
    """

    id: str
    findings: tuple[Finding, ...]
    steps: tuple[Transition, ...]
    attempts: tuple[Attempt, ...]
    said: tuple[Said, ...]
    events: tuple[Event, ...]
    courses: tuple[Course, ...]
    examples: tuple[Example, ...]
    touched: Touched | None
    began: datetime
    found: datetime
    until: datetime
    is_over: bool
