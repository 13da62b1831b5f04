"""What people are told, complete and the same for every channel: a channel renders it and adds nothing of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from datetime import datetime

    from driftline_alerts.rule import Severity

Phase = Literal["opened", "update", "acknowledged", "resolved", "sample"]
"""What has happened to the incident; ``sample`` is sent by people who try a channel."""


@dataclass(frozen=True)
class Fact:
    """One line of a message's figures.

    Attributes:
        label: such as ``Based on``.
        value: text, or a time for the channel to show as its readers know it.
    """

    label: str
    value: str | datetime


@dataclass(frozen=True)
class Quote:
    """One of the worst examples, as it is stored: redacted by the application, but written by anybody.

    Attributes:
        url: of its trace in the dashboard.
        value: in the metric's unit, as text; '' where it is a yes or no.
        why: what the judge, the user or the error said; '' where nobody did.
        asked: first line of the input; '' where it is not stored.
        answered: first line of the output; likewise.
    """

    url: str
    value: str
    why: str
    asked: str
    answered: str


@dataclass(frozen=True)
class Series:
    """The metric over time, to be drawn.

    Attributes:
        metric: name in ``METRICS``.
        points: begin of each bucket, aware, oldest first, and its value in the unit; None where there was none.
        limit: the rule's, or the level before; None where there is none.
        started: since when something is wrong.
    """

    metric: str
    points: tuple[tuple[datetime, float | None], ...]
    limit: float | None
    started: datetime


@dataclass(frozen=True)
class Link:
    """Where to go from here."""

    label: str
    url: str


@dataclass(frozen=True)
class Message:
    """One message about an incident.

    Attributes:
        id: stays the same however often it is sent: an idempotency key.
        incident: what belongs together, in one thread.
        phase: what has happened.
        severity: the highest of what is told.
        headline: what, where, from what to what, in one sentence without an end. Plain text, as all of these.
        segment: of the incident, dimension -> value; empty: everything.
        facts: in the order to be shown.
        sentences: the rest of it.
        examples: at most three.
        series: None where nothing can be drawn.
        links: to the dashboard first, then the runbook.
        at: when it happened, aware.
        can_accept: whether the level may be taken for the new normal, which drift detection knows.
        is_system: whether it is about Driftline itself, which is in no segment.
        is_graver: whether it is graver, an update, than all that the channel was told of the incident before.
    """

    id: str
    incident: str
    phase: Phase
    severity: Severity
    headline: str
    segment: tuple[tuple[str, str], ...]
    facts: tuple[Fact, ...]
    sentences: tuple[str, ...]
    examples: tuple[Quote, ...]
    series: Series | None
    links: tuple[Link, ...]
    at: datetime
    can_accept: bool = False
    is_system: bool = False
    is_graver: bool = False
