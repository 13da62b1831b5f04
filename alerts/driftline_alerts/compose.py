"""From the steps of an incident to the message that people get, with what the store knows about it."""

from __future__ import annotations

import logging
import math
from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from driftline_alerts.course import course
from driftline_alerts.drift.evidence import evidence
from driftline_alerts.drift.stream import StreamKey
from driftline_alerts.drift.telling import what_changed
from driftline_alerts.drift.worst import SEARCHES
from driftline_alerts.evaluate import window_name
from driftline_alerts.headline import headline, leading
from driftline_alerts.message import Fact, Link, Message, Quote, Series
from driftline_alerts.plain import first_line, place
from driftline_alerts.rule import DRIFT
from driftline_alerts.system_metrics import KNOWN, SYSTEM, written
from driftline_alerts.transition import OPEN
from driftline_store.client import StoreUnavailableError
from driftline_store.examples import texts
from driftline_store.metrics import METRICS
from driftline_store.metrics_query import current_instrument

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from clickhouse_connect.driver.client import Client

    from driftline_alerts.drift.evidence import Evidence
    from driftline_alerts.evaluate import Segment
    from driftline_alerts.outbox import Parcel
    from driftline_alerts.transition import Transition

logger = logging.getLogger(__name__)

_MOST_SEGMENTS: Final = 5
_POINTS: Final = 48
_FEWEST_POINTS: Final = 3
"""With fewer there is nothing to see."""
_SHORTEST, _LONGEST = timedelta(hours=4), timedelta(days=14)
"""Of the time that is drawn: three times as long as something is wrong."""
_MINUTE: Final = timedelta(minutes=1)
_SYSTEM_PAGE: Final = "system"
"""Path of the dashboard's page about Driftline itself."""


def composed(client: Client, parcel: Parcel, dashboard_url: str) -> Message:
    """As ``compose``; what cannot be composed, for whatever reason but an absent store, is told without figures.

    Raises:
        StoreUnavailableError: the store is away; compose it again.
    """
    try:
        return compose(client, parcel, dashboard_url)
    except StoreUnavailableError:
        raise
    except Exception:
        lead = _lead(parcel)
        is_system = lead.metric in SYSTEM
        logger.exception("the message about incident %s is told without figures", lead.incident)
        return Message(
            id=parcel.id,
            incident=lead.incident,
            phase=parcel.phase,
            severity=lead.detail.severity,
            headline=f"{lead.rule}: {'' if is_system else f'{place(lead.segment)} is '}{lead.state}",
            segment=lead.segment,
            facts=tuple(_clock(parcel, lead)),
            sentences=("Its figures could not be shown here: see the dashboard, and the log of the alert worker.",),
            examples=(),
            series=None,
            links=_links(lead, dashboard_url),
            at=parcel.steps[-1].at,
            is_system=is_system,
            is_graver=parcel.is_graver,
        )


def compose(client: Client, parcel: Parcel, dashboard_url: str) -> Message:
    """The message for a parcel.

    Args:
        client: of the store.
        parcel: what is to be told.
        dashboard_url: where people reach the dashboard.

    Raises:
        StoreError: the store is away or fails a statement; compose it again.
    """
    lead = _lead(parcel)
    is_new = parcel.phase == "opened"
    told = _drift(client, lead, dashboard_url) if lead.rule.startswith(DRIFT) else _Told.of_rule(parcel, lead)
    if is_new and not lead.rule.startswith(DRIFT):
        told = told.with_evidence(client, lead, dashboard_url)
    return Message(
        id=parcel.id,
        incident=lead.incident,
        phase=parcel.phase,
        severity=lead.detail.severity,
        headline=told.headline,
        segment=lead.segment,
        facts=(*_clock(parcel, lead), *told.facts),
        sentences=(*_people(parcel), *told.sentences, *_beside(parcel, lead)),
        examples=told.examples if parcel.phase in {"opened", "update"} else (),
        series=_series(client, lead) if is_new else None,
        links=_links(lead, dashboard_url),
        at=parcel.steps[-1].at,
        can_accept=lead.detail.can_accept and parcel.phase != "resolved",
        is_system=lead.metric in SYSTEM,
        is_graver=parcel.is_graver,
    )


@dataclass(frozen=True)
class _Told:
    """What kinds of alert say in different ways."""

    headline: str
    facts: tuple[Fact, ...]
    sentences: tuple[str, ...]
    examples: tuple[Quote, ...] = ()

    @classmethod
    def of_rule(cls, parcel: Parcel, lead: Transition) -> _Told:
        """What a rule's figures say."""
        current = [step for step in _latest(parcel) if step.rule == lead.rule]
        facts = [Fact("Rule", lead.rule)]
        if len(current) > 1:
            facts.append(Fact("Where", _list(current)))
        facts += [Fact(label, text) for label, text in _figures(lead) if text]
        return cls(headline(lead, _still_wrong(current)), tuple(facts), _sentences(lead))

    def with_evidence(self, client: Client, lead: Transition, dashboard_url: str) -> _Told:
        """The same with whom it touched, what else changed at that time, and the worst examples."""
        found = _evidence(client, lead)
        if found is None:
            return self
        touched = found.touched
        facts = list(self.facts)
        if touched.requests:
            reach = f"{touched.requests:,} requests, {touched.sessions:,} sessions, {touched.users:,} users"
            facts.append(Fact("Touched", reach))
        if changed := what_changed(found):
            facts.append(Fact("At that time", "; ".join(changed)))
        quotes = (
            Quote(_trace(dashboard_url, one.trace_id), _of_example(lead, one.value), one.why, one.asked, one.answered)
            for one in found.examples
        )
        return _Told(self.headline, tuple(facts), self.sentences, tuple(quotes))


def _drift(client: Client, lead: Transition, dashboard_url: str) -> _Told:
    """What drift detection found, as it said it; texts of examples are read now, as they may be deleted meanwhile."""
    detail = lead.detail
    said = texts(client, [(trace, span) for trace, span, _ in detail.examples]) if detail.examples else {}
    quotes = []
    for trace, span, value in detail.examples:
        _, asked, answered = said.get((trace, span), ("", "", ""))
        quotes.append(
            Quote(_trace(dashboard_url, trace), _of_example(lead, value), "", first_line(asked), first_line(answered))
        )
    facts = tuple(Fact(label, text) for label, text in detail.facts)
    return _Told(detail.headline, facts, detail.remarks, tuple(quotes))


def _lead(parcel: Parcel) -> Transition:
    """The step that the message is about."""
    return leading(_latest(parcel))


def _latest(parcel: Parcel) -> list[Transition]:
    """The last step of each of its alerts."""
    return list({step.key: step for step in parcel.steps}.values())


def _beside(parcel: Parcel, lead: Transition) -> list[str]:
    """What else is part of it: drift detection's alert and those of rules about the same thing are one incident."""
    others: dict[str, list[Transition]] = defaultdict(list)
    for step in _latest(parcel):
        if step.rule != lead.rule:
            others["Drift detection" if step.rule.startswith(DRIFT) else f"Rule {step.rule}"].append(step)
    return [f"{who}: {headline(leading(steps), _still_wrong(steps))}." for who, steps in others.items()]


def _still_wrong(latest: Sequence[Transition]) -> int:
    """How many of the alerts of a rule are open; of what is over, all."""
    return sum(step.state in OPEN for step in latest) or len(latest)


def _figures(lead: Transition) -> list[tuple[str, str]]:
    detail = lead.detail
    if math.isnan(lead.value) or lead.metric in SYSTEM:
        return []
    label = KNOWN[lead.metric].n_label if lead.metric in KNOWN else "observations"
    low, high, before = (written(lead.metric, number) for number in (detail.low, detail.high, detail.baseline))
    return [
        ("Compared with", "" if detail.baseline is None else f"{before} {detail.compared_with}"),
        ("Based on", f"{lead.n:,} {label} in {window_name(timedelta(minutes=detail.window_minutes))}"),
        ("95 % interval", "" if detail.low is None else f"{low} to {high}"),
    ]


def _sentences(lead: Transition) -> tuple[str, ...]:
    """What the rule says of what is wrong, while it is."""
    return (lead.detail.description,) if lead.detail.description and lead.state in OPEN else ()


def _clock(parcel: Parcel, lead: Transition) -> list[Fact]:
    facts = [Fact("Since", min(step.started for step in parcel.steps))]
    if parcel.phase == "resolved":
        facts.append(Fact("Over", lead.at))
    return facts


def _people(parcel: Parcel) -> list[str]:
    """What people did, and did not."""
    said = [
        f"{step.actor} has acknowledged it{f': {step.why}' if step.why else ''}."
        for step in {step.actor: step for step in parcel.steps if step.state == "acknowledged"}.values()
    ]
    if parcel.is_escalated:
        said.append("Nobody has acknowledged it yet.")
    return said


def _evidence(client: Client, lead: Transition) -> Evidence | None:
    if lead.metric not in SEARCHES:
        return None
    until = max(lead.at, lead.started + _MINUTE)
    first, stream = looked_at(client, lead, until)
    return evidence(client, stream, (first, lead.started), until)


def looked_at(client: Client, step: Transition, until: datetime) -> tuple[datetime, StreamKey]:
    """What a rule saw when its limit broke: since when, as it lies in its window, and of which stream.

    Raises:
        StoreError: the store is away or fails the statement.
    """
    first = step.started - timedelta(minutes=step.detail.window_minutes)
    is_judged = METRICS[step.metric].is_judged
    judge = current_instrument(client, since=first, until=until, where=dict(step.segment)) if is_judged else ""
    return first, StreamKey(step.metric, judge, step.segment)


def _series(client: Client, lead: Transition) -> Series | None:
    metric = METRICS.get(lead.metric)
    if metric is None:
        return None
    length = min(max(3 * (lead.at - lead.started), _SHORTEST), _LONGEST)
    until = lead.at + _MINUTE
    points = course(client, metric.name, lead.segment, (until - length, until), most=_POINTS)
    limit = None if math.isnan(lead.threshold) else lead.threshold
    is_seen = sum(value is not None for _, value in points) >= _FEWEST_POINTS
    return Series(metric.name, points, limit, lead.started) if is_seen else None


def _links(lead: Transition, dashboard_url: str) -> tuple[Link, ...]:
    is_system = lead.metric in SYSTEM
    page = f"{dashboard_url.rstrip('/')}/{_SYSTEM_PAGE}" if is_system else link(lead.segment, dashboard_url)
    links = [Link("Open in the dashboard", page)]
    if lead.detail.runbook:
        links.append(Link("Runbook", lead.detail.runbook))
    return tuple(links)


def link(segment: Segment, dashboard_url: str) -> str:
    """Address of the dashboard, showing a segment."""
    query = urlencode([(name, value) for name, value in segment if value])
    return f"{dashboard_url.rstrip('/')}/" + (f"?{query}" if query else "")


def _trace(dashboard_url: str, trace: str) -> str:
    return f"{dashboard_url.rstrip('/')}/?{urlencode({'trace': trace})}"


def _list(steps: Sequence[Transition]) -> str:
    told = [f"{place(step.segment)} {written(step.metric, step.value)}" for step in steps[:_MOST_SEGMENTS]]
    more = len(steps) - len(told)
    return "; ".join(told) + (f"; and {more} more" if more else "")


def _of_example(lead: Transition, value: float | None) -> str:
    return "" if value is None else written(lead.metric, value)
