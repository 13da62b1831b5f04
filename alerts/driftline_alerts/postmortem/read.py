"""Finds what the store knows of one incident."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from driftline_alerts import actions
from driftline_alerts.containment_hook import CHANNEL
from driftline_alerts.drift.events import events
from driftline_alerts.drift.evidence import touched
from driftline_alerts.drift.finding import OVER, Finding, in_order
from driftline_alerts.postmortem.history import Attempt, History, Said
from driftline_alerts.postmortem.shown import courses, examples
from driftline_alerts.transition import COLUMNS, from_row
from driftline_store.client import store_errors
from driftline_store.metrics import DIMENSIONS

if TYPE_CHECKING:
    from datetime import datetime

    from clickhouse_connect.driver.client import Client

    from driftline_alerts.drift.events import Event
    from driftline_alerts.evaluate import Segment
    from driftline_alerts.transition import Transition

_FINDINGS: Final = "SELECT body FROM drift_findings WHERE incident = {incident:String}"
_STEPS: Final = f"""\
SELECT {", ".join(COLUMNS)} FROM alert_transitions WHERE incident = {{incident:String}} ORDER BY at, id LIMIT 1 BY id"""
# A message about several steps has a row for each; what was only begun says nothing.
_ATTEMPTS: Final = """\
SELECT min(at) AS first, channel, any(what), error, count() AS times FROM (
    SELECT DISTINCT at, channel, delivered, error,
        if(channel = {hook:String}, concat(message, ' ', splitByChar(' ', reference)[1]), '') AS what,
        firstNonDefault(what, message, transition_id) AS name
    FROM alert_deliveries
    WHERE (transition_id IN {steps:Array(String)} OR (channel = {hook:String} AND endsWith(reference, {ending:String})))
        AND (delivered OR error != '')
)
GROUP BY channel, delivered, error, if(delivered, name, what) ORDER BY first"""
_ASKED: Final = "SELECT at, action, by FROM drift_actions WHERE incident = {incident:String} ORDER BY at"
_KNOWN: Final = """\
SELECT incident FROM (
    SELECT incident, at FROM drift_findings UNION ALL SELECT incident, at FROM alert_transitions WHERE state = 'firing'
) WHERE incident != '' GROUP BY incident ORDER BY max(at) DESC LIMIT {most:UInt32}"""

_BEFORE, _AFTER = timedelta(hours=2), timedelta(hours=1)
"""How long before its begin and after its end events are told."""


def read(client: Client, incident: str, now: datetime) -> History | None:
    """All of it; None where there is no such incident.

    Args:
        client: of the store.
        incident: its id.
        now: aware.

    Raises:
        StoreError: the store is away or fails a statement.
    """
    with store_errors("reading an incident"):
        bodies = client.query(_FINDINGS, parameters={"incident": incident}).result_rows
        rows = client.query(_STEPS, parameters={"incident": incident}).result_rows
    findings = tuple(in_order(Finding.model_validate_json(body) for (body,) in bodies))
    steps = tuple(from_row(row) for row in rows)
    if not findings and not steps:
        return None
    began = min([one.started for one in findings] + [one.started for one in steps])
    found = min([one.at for one in findings] + [one.at for one in steps if one.state == "firing"] or [began])
    until = _end(findings, steps)
    last = until or now
    segment = _segment(findings, steps)
    is_of_production = all(name in DIMENSIONS for name, _ in segment)
    return History(
        id=incident,
        findings=findings,
        steps=steps,
        attempts=attempts(client, incident, steps),
        said=said(client, incident, steps, began, last),
        events=_events(client, segment, began - _BEFORE, last + _AFTER),
        courses=courses(client, findings, steps, (began, last)),
        examples=examples(client, findings, steps, last),
        touched=touched(client, segment, began, last) if is_of_production else None,
        began=began,
        found=found,
        until=last,
        is_over=until is not None,
    )


def known(client: Client, most: int = 10) -> tuple[str, ...]:
    """The ids of the latest incidents, the last first.

    Raises:
        StoreError: the store is away or fails the query.
    """
    with store_errors("reading which incidents there are"):
        return tuple(row[0] for row in client.query(_KNOWN, parameters={"most": most}).result_rows)


def _end(findings: tuple[Finding, ...], steps: tuple[Transition, ...]) -> datetime | None:
    latest = {one.key: one for one in steps}.values()
    ends = [one.at for one in latest if one.state in {"resolved", "calm"}]
    if findings and findings[-1].kind in OVER:
        return findings[-1].at
    return max(ends) if ends and len(ends) == len(latest) else None


def _segment(findings: tuple[Finding, ...], steps: tuple[Transition, ...]) -> Segment:
    """What its alerts have in common."""
    segments = [one.place for one in findings] or [one.segment for one in steps]
    return tuple(pair for pair in segments[0] if all(pair in one for one in segments))


def attempts(client: Client, incident: str, steps: tuple[Transition, ...]) -> tuple[Attempt, ...]:
    """Who was told of an incident, and who was not, oldest first.

    Args:
        client: of the store.
        incident: its id.
        steps: of its alerts.

    Raises:
        StoreError: the store is away or fails the query.
    """
    parameters = {"steps": [one.id for one in steps], "hook": CHANNEL, "ending": f" {incident}"}
    with store_errors("reading who was told of an incident"):
        rows = client.query(_ATTEMPTS, parameters=parameters).result_rows
    return tuple(Attempt(*row) for row in rows)


def said(
    client: Client, incident: str, steps: tuple[Transition, ...], began: datetime, until: datetime
) -> tuple[Said, ...]:
    """What people wanted of an incident beside its steps, oldest first.

    Args:
        client: of the store.
        incident: its id.
        steps: of its alerts.
        began: when it did.
        until: when it was over, or now.

    Raises:
        StoreError: the store is away or fails a query.
    """
    with store_errors("reading what people did about an incident"):
        rows = client.query(_ASKED, parameters={"incident": incident}).result_rows
    asked = [Said(at, by, f"asked to {action} it") for at, action, by in rows]
    alerts = {(one.rule, one.segment) for one in steps}
    for one in actions.said(client, began - timedelta(days=1)):
        is_meant = any(one.concerns(incident, rule, segment) for rule, segment in alerts)
        if one.kind == "silence" and is_meant and one.at <= until:
            asked.append(Said(one.at, one.by, f"silenced it until {one.until:%Y-%m-%d %H:%M} UTC", one.why))
    return tuple(sorted(asked, key=lambda one: one.at))


def _events(client: Client, segment: Segment, since: datetime, until: datetime) -> tuple[Event, ...]:
    return tuple(event for event in events(client, since, until) if event.concerns(segment))
