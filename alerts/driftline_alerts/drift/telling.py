"""What is found becomes a finding with all that the store knows about it, and an alert."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from driftline_alerts.detail import Detail
from driftline_alerts.digest import SHORT, digest
from driftline_alerts.drift.evidence import evidence
from driftline_alerts.drift.finding import OVER, Finding, Pointer, moment, write
from driftline_alerts.drift.stream import StreamKey
from driftline_alerts.drift.volumes import METRIC
from driftline_alerts.rule import DRIFT
from driftline_alerts.transition import OPEN, Transition, latest
from driftline_alerts.transition import write as write_transitions
from driftline_store.metrics import METRICS

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from clickhouse_connect.driver.client import Client

    from driftline_alerts.drift.events import Event
    from driftline_alerts.drift.evidence import Evidence
    from driftline_alerts.drift.tuning import DriftRule, Tuning
    from driftline_alerts.drift.volume import Alarm as VolumeAlarm
    from driftline_alerts.drift.volumes import VolumeTurn
    from driftline_alerts.drift.worst import Example
    from driftline_alerts.rule import Severity
    from driftline_alerts.transition import State

_MINUTE: Final = 60
_MOMENT: Final = timedelta(milliseconds=1)
_MOST: Final = 5
"""Events and shifts that are told."""


def tell(client: Client, finding: Finding, tuning: Tuning) -> Finding:
    """Store a finding with what belongs to it, and the alert that people get; again is the same as once.

    Returns:
        The finding, complete.

    Raises:
        StoreError: the store is away or fails a statement; tell it again.
    """
    whole, key = finding, StreamKey(finding.metric, finding.instrument, finding.segment, finding.evaluator)
    if finding.metric != METRIC and finding.kind not in OVER:
        whole = _with(
            finding, evidence(client, key, (finding.earliest, finding.latest), finding.at, falls=finding.falls)
        )
    write(client, whole)
    severity = tuning.severity(replace(key, metric=name) for name in (finding.metric, *finding.joins))
    step = _transition(whole, tuning.of(key), severity)
    steps = (one.last for one in latest(client, finding.at).values())
    if last := next((one for one in steps if one.rule == step.rule), None):
        # Somebody may have acknowledged it at a later moment than that of what arrived.
        step = replace(step, at=max(step.at, last.at + _MOMENT))
        if step.state in OPEN and last.state in OPEN:
            step = _beside(last, step, leads=tuning.severity([key]) == severity)
    write_transitions(client, [step])
    return whole


def end_unknown(client: Client, known: Collection[str], now: datetime) -> None:
    """Resolve the alerts of incidents that drift detection does not know any more, as nothing else ever would.

    Args:
        client: of the store.
        known: ids of incidents that it may still end.
        now: aware.

    Raises:
        StoreError: the store is away or fails a statement.
    """
    steps = [one.last for one in latest(client, now).values() if one.last.rule.startswith(DRIFT)]
    orphans = [step for step in steps if step.state in OPEN and step.incident not in known]
    why = "drift detection began anew, or is off: nothing watches this any more"
    write_transitions(client, [step.next("resolved", now, why=why, detail=step.detail.ended(why)) for step in orphans])


def volume_incident(key: StreamKey, alarm: VolumeAlarm) -> str:
    """Id of the incident of requests that stopped or exploded."""
    return digest(key.segment, alarm.direction, alarm.since, length=SHORT)


def told_of_volume(turn: VolumeTurn, now: float) -> Finding:
    """The finding that requests stopped, exploded, or are as usual again."""
    alarm = turn.alarm
    before, after = (alarm.seen, alarm.usual) if turn.kind == "recovered" else (alarm.usual, alarm.seen)
    began = moment(alarm.since * _MINUTE)
    return Finding(
        incident=volume_incident(turn.key, alarm),
        at=moment(now),
        kind=turn.kind,
        metric=turn.key.metric,
        segment=turn.key.segment,
        place=turn.key.segment,
        about=turn.key.metric,
        falls=after < before,
        before=before,
        after=after,
        n=round(alarm.seen * (alarm.at - alarm.since + 1)),
        started=began,
        earliest=began,
        latest=began,
        once_in_months=alarm.evidence,
    )


def what_changed(found: Evidence) -> list[str]:
    """Events and shifts of shares, in words."""
    changed = [f"{_what(event)} ({event.at:%H:%M} UTC)" for event in found.events[:_MOST]]
    changed += [
        f"share of {one.dimension} {one.value or '(none)'}: {one.before:.0%} -> {one.after:.0%}"
        for one in found.shifts[:_MOST]
    ]
    return changed


def _with(finding: Finding, found: Evidence) -> Finding:
    touched = found.touched
    return finding.model_copy(
        update={
            "touched": (touched.requests, touched.sessions, touched.users),
            "changed": tuple(what_changed(found)),
            "examples": tuple(map(_pointer, found.examples)),
        }
    )


def _pointer(one: Example) -> Pointer:
    return Pointer(trace_id=one.trace_id, span_id=one.span_id, at=one.at, value=one.value)


def _what(event: Event) -> str:
    return event.text or f"{event.kind} {event.before or '?'} -> {event.after}"


def _beside(last: Transition, step: Transition, *, leads: bool) -> Transition:
    """What is less grave than what people know of an incident is said beside that, and does not take its place."""
    first, second = (step, last) if leads else (last, step)
    beside = last.detail.beside | {second.metric: second.detail.headline}
    beside.pop(first.metric, None)
    detail = first.detail.model_copy(update={"beside": beside})
    told = replace(step, metric=first.metric, value=first.value, threshold=first.threshold, n=first.n, detail=detail)
    return replace(told, started=first.started)


def _transition(finding: Finding, rule: DriftRule, severity: Severity) -> Transition:
    """As alerts are stored and delivered."""
    state: State = "resolved" if finding.kind in OVER else "firing"
    window = (finding.at - finding.started).total_seconds() / 60
    detail = Detail(
        side="below" if finding.falls else "above",
        window_minutes=max(round(window), 1),
        low=finding.low,
        high=finding.high,
        severity=severity,
        team=rule.team,
        runbook=rule.runbook,
        headline=finding.headline,
        facts=finding.facts,
        sentences=finding.remarks,
        examples=tuple((one.trace_id, one.span_id, one.value) for one in finding.examples),
        can_accept=state == "firing",
        is_judges=finding.blame == "judge",
    )
    return Transition(
        id=digest(finding.id, state),
        incident=finding.incident,
        # One alert for each incident, whatever joins it.
        rule=f"{DRIFT}{METRICS[finding.about].title.lower()} ({finding.incident})",
        segment=finding.place,
        state=state,
        at=finding.at,
        started=finding.started,
        metric=finding.metric,
        value=finding.after,
        threshold=finding.before,
        n=finding.n,
        detail=detail,
    )
