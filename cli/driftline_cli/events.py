"""``driftline event`` and ``driftline events``: what changed in the application."""

from __future__ import annotations

import dataclasses
import json
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.table import Table

from driftline.errors import DriftlineError
from driftline_alerts.drift.events import events, told, write
from driftline_cli.replay import moment
from driftline_store.client import connect

if TYPE_CHECKING:
    from driftline.settings import Settings
    from driftline_alerts.drift.events import Event


def tell(settings: Settings, text: str, *, kind: str, at: str | None, segment: dict[str, str]) -> None:
    """Store an event that somebody reports.

    Args:
        settings: with the store.
        text: what happened.
        kind: such as ``deploy``.
        at: when, as ``moment`` reads it; now if None.
        segment: dimension -> value; those with an empty value may have any.

    Raises:
        DriftlineError: text or kind are empty, the time cannot be read, or the store cannot be used.
    """
    if not text.strip() or not kind.strip():
        raise DriftlineError('an event needs a text and a kind, such as: driftline event "new retriever" --kind deploy')
    when = datetime.fromtimestamp(moment(at), UTC) if at else datetime.now(UTC)
    where = tuple((name, value) for name, value in segment.items() if value)
    with closing(connect(settings)) as client:
        write(client, [told(text.strip(), when, kind=kind.strip(), segment=where)])
    place = ", ".join(f"{name}={value}" for name, value in where) or "everything"
    typer.echo(f"noted for {place} at {when:%Y-%m-%d %H:%M:%S} UTC")


def show(settings: Settings, days: int, *, as_json: bool) -> None:
    """Print the events of the last days, the latest first.

    Raises:
        StoreError: the store cannot be used.
    """
    until = datetime.now(UTC) + timedelta(days=1)  # one may be told of tomorrow
    with closing(connect(settings)) as client:
        found = events(client, until - timedelta(days=days + 1), until)[::-1]
    if as_json:
        typer.echo(json.dumps([_as_json(event) for event in found], indent=2, ensure_ascii=False))
        return
    table = Table("at (UTC)", "kind", "where", "what", "", box=None)
    for event in found:
        where = ", ".join(f"{name}={value}" for name, value in event.segment) or "everything"
        table.add_row(f"{event.at:%Y-%m-%d %H:%M:%S}", event.kind, where, _what(event), event.source)
    Console(highlight=False, markup=False).print(table if found else f"no events in the last {days} days")


def _what(event: Event) -> str:
    return event.text or f"{event.before or '?'} -> {event.after}"


def _as_json(event: Event) -> dict[str, object]:
    return dataclasses.asdict(event) | {"at": event.at.isoformat(), "segment": dict(event.segment)}
