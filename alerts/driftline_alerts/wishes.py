"""What people want done about an incident, and what stands against it: the same in the CLI and under messages."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Literal

from driftline_alerts.actions import said
from driftline_alerts.transition import OPEN, latest

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from clickhouse_connect.driver.client import Client

    from driftline_alerts.actions import Action
    from driftline_alerts.transition import Transition

Wish = Literal["acknowledge", "silence", "accept"]


def open_incidents(client: Client, now: datetime) -> dict[str, list[Transition]]:
    """Those that are open, by id: the latest step of each alert of theirs that is.

    Raises:
        StoreError: the store is away or fails the query.
    """
    found: dict[str, list[Transition]] = defaultdict(list)
    for one in latest(client, now).values():
        if one.last.state in OPEN:
            found[one.last.incident].append(one.last)
    return dict(found)


def hindrance(client: Client, wish: Wish, alerts: Sequence[Transition]) -> str:
    """What stands against doing something about an incident, as a clause about it; '' for nothing.

    Args:
        client: of the store.
        wish: what somebody wants.
        alerts: of the incident, as ``open_incidents`` has them; none of one that is over.

    Raises:
        StoreError: the store is away or fails the query.
    """
    if not alerts:
        return "it is over already"
    if wish == "accept" and not any(one.detail.can_accept for one in alerts):
        return "its level cannot be taken for the new normal"
    if wish == "acknowledge" and (by := _seen_by(client, alerts)):
        return f"{by} has acknowledged it already"
    return ""


def _seen_by(client: Client, alerts: Sequence[Transition]) -> str:
    """Who has acknowledged all of it, or asked for it since the worker looked; '' where something is left."""
    left = [one for one in alerts if one.state != "acknowledged"]
    if not left:
        return max(alerts, key=lambda one: one.at).actor
    asked = [one for one in said(client, min(one.at for one in left)) if one.kind == "acknowledge"]
    names = [next((one.by for one in asked if _is_about(one, alert)), "") for alert in left]
    return names[0] if all(names) else ""


def _is_about(action: Action, alert: Transition) -> bool:
    return alert.at <= action.at and action.concerns(alert.incident, alert.rule, alert.segment)
