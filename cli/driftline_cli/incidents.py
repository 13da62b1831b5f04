"""``driftline incidents``, ``accept`` and ``learn``: which incidents there were, and what is normal."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console

from driftline.errors import DriftlineError
from driftline_alerts.drift.finding import OVER, Finding, findings
from driftline_alerts.drift.reading import Action, ask
from driftline_alerts.incident_list import rule_incidents
from driftline_alerts.plain import clean, first_line, place
from driftline_alerts.wishes import hindrance, open_incidents
from driftline_cli.options import user_name
from driftline_cli.replay import moment
from driftline_store.client import connect
from driftline_store.examples import texts
from driftline_store.metrics import closest
from driftline_store.monitored import MONITORED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from clickhouse_connect.driver.client import Client

    from driftline.settings import Settings
    from driftline_alerts.evaluate import Segment
    from driftline_alerts.incident_list import RuleIncident
    from driftline_alerts.transition import Transition

_LONGEST = timedelta(days=4000)


@dataclass(frozen=True)
class _Listed:
    """An incident, of drift detection or of a rule.

    Attributes:
        state: ``open``, ``acknowledged`` or ``over``.
        rule: its name; '' where drift detection found it.
        findings: what it told, oldest first.
    """

    incident: str
    state: str
    since: datetime
    where: str
    segments: tuple[Segment, ...]
    rule: str
    headline: str
    findings: tuple[Finding, ...] = ()

    @classmethod
    def of_rule(cls, one: RuleIncident) -> _Listed:
        """A rule's, as it is now."""
        state = _state(one.open) if one.open else "over"
        segments = tuple(step.segment for step in one.latest)
        return cls(one.id, state, one.since, one.where, segments, one.lead.rule, one.headline)

    @classmethod
    def found(cls, told: Sequence[Finding], alerts: Sequence[Transition]) -> _Listed:
        """What was found, with its open alerts."""
        first, last = told[0], told[-1]
        state = "over" if last.kind in OVER and not alerts else _state(alerts)
        return cls(first.incident, state, first.at, place(first.place), (first.place,), "", last.headline, tuple(told))

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return vars(self) | {
            "since": self.since.isoformat(),
            "segments": [dict(one) for one in self.segments],
            "findings": [one.model_dump(mode="json") for one in self.findings],
        }


def _state(alerts: Sequence[Transition]) -> str:
    """Of an incident that is not over, by its open alerts."""
    return "acknowledged" if alerts and all(one.state == "acknowledged" for one in alerts) else "open"


def show(settings: Settings, days: int, *, as_json: bool) -> None:
    """Print what was found in the last days and what rules say, by incident, the latest first.

    Raises:
        StoreError: the store cannot be used.
    """
    now = datetime.now(UTC)
    with closing(connect(settings)) as client:
        listed = _listed(client, now - timedelta(days=days), now)
        examples = [(one.trace_id, one.span_id) for each in listed for told in each.findings for one in told.examples]
        said = {} if as_json else texts(client, examples)
    if as_json:
        typer.echo(json.dumps([one.as_json() for one in listed], indent=2, ensure_ascii=False))
        return
    console = Console(highlight=False, markup=False)
    if not listed:
        console.print(f"nothing was found in the last {days} days")
    for one in listed:
        console.print(f"{one.incident}  {one.since:%Y-%m-%d %H:%M} UTC  {one.state}  {one.where}", soft_wrap=True)
        if not one.findings:
            console.print(f"  {clean(one.headline)}.")
        for told in one.findings:
            _print(console, told, said)


def _listed(client: Client, since: datetime, now: datetime) -> list[_Listed]:
    """Those with something to tell since a moment, those of rules also where they are open; the latest first."""
    alerts = open_incidents(client, now)
    found = [_Listed.found(told, alerts.get(told[0].incident, ())) for told in _by_incident(findings(client, since))]
    found += [_Listed.of_rule(one) for one in rule_incidents(client, since)]
    return sorted(found, key=lambda one: one.since, reverse=True)


def _print(console: Console, told: Finding, said: Mapping[tuple[str, str], tuple[str, str, str]]) -> None:
    console.print(f"  {told.headline}.")
    for sentence in told.sentences:
        console.print(f"    {sentence}")
    for example in told.examples:
        _, asked, answered = said.get((example.trace_id, example.span_id), ("", "", ""))
        words = f"{first_line(asked)}  {first_line(answered)}".strip()
        console.print(f"    {example.trace_id}  {words}", soft_wrap=True)


def accept_incident(settings: Settings, incident: str) -> None:
    """Take an incident's level for the new normal.

    Raises:
        DriftlineError: there is no such incident, it is over, or it is a rule's.
        StoreError: the store cannot be used.
    """
    with closing(connect(settings)) as client:
        known = _by_incident(findings(client, datetime.now(UTC) - _LONGEST))
        by_id = {told[0].incident: told[-1] for told in known}
        if incident not in by_id:
            raise _not_found(client, incident, tuple(by_id))
        if by_id[incident].kind in OVER:
            raise DriftlineError(f"incident {incident!r} is over: {by_id[incident].headline}")
        ask(client, Action("accept", incident), user_name())
    typer.echo(f"incident {incident} will be the new normal with the next look for drift")


def _not_found(client: Client, incident: str, known: tuple[str, ...]) -> DriftlineError:
    """Why an incident cannot be accepted that drift detection did not find."""
    alerts = open_incidents(client, datetime.now(UTC)).get(incident)
    if alerts and (against := hindrance(client, "accept", alerts)):
        return DriftlineError(f"incident {incident!r}: {against}")
    return DriftlineError(f"incident {incident!r} is unknown; {closest(incident, known) if known else 'there is none'}")


def learn_from(settings: Settings, segment: dict[str, str], metric: str, since: str, until: str) -> None:
    """Let what was in a time be normal.

    Args:
        settings: with the store.
        segment: dimension -> value; those with an empty value may have any.
        metric: only this one; '' for all.
        since: as ``moment`` reads it.
        until: likewise.

    Raises:
        DriftlineError: the metric is not watched, the time cannot be read or is no time, or an incident of the segment
            was open in it.
        StoreError: the store cannot be used.
    """
    if metric and metric not in MONITORED:
        raise DriftlineError(f"metric {metric!r} is not watched; {closest(metric, tuple(MONITORED))}")
    first, last = (datetime.fromtimestamp(moment(one), UTC) for one in (since, until))
    if first >= last:
        raise DriftlineError(f"a time to learn from must end after it begins, but is {since} to {until}")
    where = tuple((name, value) for name, value in segment.items() if value)
    action = Action("learn", metric=metric, segment=where, since=first, until=last)
    with closing(connect(settings)) as client:
        for told in _by_incident(findings(client, datetime.now(UTC) - _LONGEST)):
            end = told[-1].at if told[-1].kind in OVER else datetime.now(UTC)
            if told[0].earliest < last and end > first and any(_is_about(one, action) for one in told):
                raise DriftlineError(
                    f"incident {told[0].incident} lies in that time ({told[0].headline}), so it is not what is normal; "
                    "choose another time, or accept the incident"
                )
        ask(client, action, user_name())
    typer.echo("what was then will be normal with the next look for drift")


def _is_about(finding: Finding, action: Action) -> bool:
    values = dict(finding.segment)
    is_metric = not action.metric or finding.metric == action.metric
    return is_metric and all(values.get(name, value) == value for name, value in action.segment)


def _by_incident(found: Sequence[Finding]) -> list[list[Finding]]:
    """What was told of each, oldest first; the incident that began last comes first."""
    together = sorted(found, key=lambda one: (one.incident, one.at))
    groups = [list(told) for _, told in groupby(together, key=lambda one: one.incident)]
    return sorted(groups, key=lambda told: told[0].at, reverse=True)
