"""``driftline incidents`` and ``driftline accept``: what drift detection found, and what is the new normal."""

from __future__ import annotations

import getpass
import json
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import TYPE_CHECKING

import typer
from rich.console import Console

from driftline.errors import DriftlineError
from driftline_alerts.drift.finding import OVER, Finding, findings
from driftline_alerts.drift.reading import accept
from driftline_store.client import connect
from driftline_store.metrics import closest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from driftline.settings import Settings

_LONGEST = timedelta(days=4000)


def show(settings: Settings, days: int, *, as_json: bool) -> None:
    """Print what was found in the last days, by incident, the latest first.

    Raises:
        StoreError: the store cannot be used.
    """
    with closing(connect(settings)) as client:
        found = findings(client, datetime.now(UTC) - timedelta(days=days))
    if as_json:
        typer.echo(json.dumps([one.model_dump(mode="json") for one in found[::-1]], indent=2, ensure_ascii=False))
        return
    console = Console(highlight=False, markup=False)
    if not found:
        console.print(f"nothing was found in the last {days} days")
    for told in _by_incident(found):
        is_over = told[-1].kind in OVER
        console.print(f"{told[0].incident}  {told[0].at:%Y-%m-%d %H:%M} UTC  {'over' if is_over else 'open'}")
        for one in told:
            console.print(f"  {one.headline}.")
            for sentence in one.sentences:
                console.print(f"    {sentence}")
            for example in one.examples:
                console.print(
                    f"    {example.trace_id}  {example.why or example.answered or example.asked}", soft_wrap=True
                )


def accept_incident(settings: Settings, incident: str) -> None:
    """Take an incident's level for the new normal.

    Raises:
        DriftlineError: there is no such incident, or it is over.
        StoreError: the store cannot be used.
    """
    with closing(connect(settings)) as client:
        known = _by_incident(findings(client, datetime.now(UTC) - _LONGEST))
        by_id = {told[0].incident: told[-1] for told in known}
        if incident not in by_id:
            raise DriftlineError(
                f"incident {incident!r} is unknown; {closest(incident, tuple(by_id)) if by_id else 'there is none'}"
            )
        if by_id[incident].kind in OVER:
            raise DriftlineError(f"incident {incident!r} is over: {by_id[incident].headline}")
        accept(client, incident, getpass.getuser())
    typer.echo(f"incident {incident} will be the new normal with the next look for drift")


def _by_incident(found: Sequence[Finding]) -> list[list[Finding]]:
    """What was told of each, oldest first; the incident that began last comes first."""
    together = sorted(found, key=lambda one: (one.incident, one.at))
    groups = [list(told) for _, told in groupby(together, key=lambda one: one.incident)]
    return sorted(groups, key=lambda told: told[0].at, reverse=True)
