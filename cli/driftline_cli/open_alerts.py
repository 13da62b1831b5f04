"""What ``driftline alerts`` does: what is wrong now, who looks after it, and what nobody wants to hear."""

from __future__ import annotations

import json
import math
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console
from rich.table import Table

from driftline.errors import DriftlineError
from driftline_alerts.actions import Action, ask
from driftline_alerts.limit import parse_duration
from driftline_alerts.plain import place
from driftline_alerts.system_metrics import written
from driftline_alerts.transition import OPEN, Transition, latest
from driftline_alerts.wishes import hindrance, open_incidents
from driftline_cli.options import user_name
from driftline_store.client import connect
from driftline_store.metrics import closest

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    from driftline.settings import Settings
    from driftline_alerts.wishes import Wish

_STATES = frozenset({*OPEN, "pending"})


def show(settings: Settings, *, as_json: bool) -> None:
    """Print the alerts that are open or pending, those that began last, first.

    Raises:
        StoreError: the store cannot be used.
    """
    with closing(connect(settings)) as client:
        found = sorted(_open(client), key=lambda one: one.started, reverse=True)
    if as_json:
        typer.echo(json.dumps([_as_json(one) for one in found], indent=2, ensure_ascii=False))
        return
    console = Console(highlight=False, markup=False)
    if not found:
        console.print("no alert is open")
        return
    table = Table("incident", "state", "since", "alert", "where", "value", "limit", box=None)
    for one in found:
        value, limit = (written(one.metric, number) for number in (one.value, one.threshold))
        since = f"{one.started:%Y-%m-%d %H:%M} UTC"
        table.add_row(one.incident, one.state, since, one.rule, place(one.segment), value, limit)
    console.print(table)


def acknowledge(settings: Settings, incident: str, why: str) -> None:
    """Say that somebody looks after an incident.

    Raises:
        DriftlineError: no such incident is open, or somebody has acknowledged it already.
        StoreError: the store cannot be used.
    """
    with closing(connect(settings)) as client:
        _check(client, "acknowledge", incident)
        ask(client, Action("acknowledge", user_name(), incident=incident, why=why))
    typer.echo(f"incident {incident} will be acknowledged with the next round of the alert worker")


def silence(settings: Settings, *, incident: str, rule: str, segment: dict[str, str], length: str, why: str) -> None:
    """Let nobody be told of something for a while; ``0m`` takes a silence of the same back.

    Raises:
        DriftlineError: it names nothing, no such incident is open, or the time cannot be read.
        StoreError: the store cannot be used.
    """
    where = tuple((name, value) for name, value in segment.items() if value)
    if not (incident or rule or where):
        raise DriftlineError("say what to silence: an incident, --rule, or --feature and other dimensions")
    now = datetime.now(UTC)
    try:
        until = now if length == "0m" else now + parse_duration(length)
    except ValueError as error:
        raise DriftlineError(f"--for {error}") from None
    with closing(connect(settings)) as client:
        if incident:
            _check(client, "silence", incident)
        by = user_name()
        ask(client, Action("silence", by, incident=incident, rule=rule, segment=where, until=until, why=why))
    typer.echo("nobody is silenced any more" if until == now else f"silent until {until:%Y-%m-%d %H:%M} UTC")


def _open(client: Client) -> list[Transition]:
    known = latest(client, datetime.now(UTC))
    return [one.last for one in known.values() if one.last.state in _STATES]


def _check(client: Client, wish: Wish, incident: str) -> None:
    found = open_incidents(client, datetime.now(UTC))
    if incident not in found:
        known = closest(incident, tuple(found)) if found else "none is open"
        raise DriftlineError(f"no open incident is {incident!r}; {known}")
    if against := hindrance(client, wish, found[incident]):
        raise DriftlineError(f"incident {incident!r}: {against}")


def _as_json(one: Transition) -> dict[str, Any]:
    return {
        "incident": one.incident,
        "rule": one.rule,
        "state": one.state,
        "segment": dict(one.segment),
        "started": one.started.isoformat(),
        "metric": one.metric,
        "value": _known(one.value),
        "threshold": _known(one.threshold),
        "n": one.n,
        "severity": one.detail.severity,
        "actor": one.actor,
        "why": one.why,
    }


def _known(number: float) -> float | None:
    """JSON has no NaN."""
    return None if math.isnan(number) else number
