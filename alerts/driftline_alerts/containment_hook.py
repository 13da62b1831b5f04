"""Tells a flag provider or a deploy pipeline when a feature begins and ends to be contained: at least once, in order.

What the other side was told last stands in ``alert_deliveries``. Each round compares it with what is contained now and
posts the difference, so that nothing is missed through a crash, a change of the configuration or an hour without
network. The id of a post is made of the one before, so a repeat after a crash has the same.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from driftline_alerts.attempts import record
from driftline_alerts.channels.sending import failure, post
from driftline_alerts.digest import digest
from driftline_alerts.drift.evidence import near
from driftline_alerts.notifier import DeliveryError
from driftline_alerts.signature import headers, key_of
from driftline_store.client import store_errors
from driftline_store.metrics import DIMENSIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from clickhouse_connect.driver.client import Client

    from driftline.containment.state import Contained
    from driftline_alerts.containment import Webhook
    from driftline_alerts.drift.events import Event

CHANNEL: Final = "containment webhook"
"""Its name in ``alert_deliveries``."""

_WHO, _KEY = "the webhook of the containment", "webhook"
_MOST_EVENTS: Final = 10
_BEGUN, _ENDED = "contained", "released"
_NEVER: Final = datetime.min.replace(tzinfo=UTC)
_FAILURES: Final = 3
"""Posts of a round that may fail: a side that is away is not waited for once for each feature."""
_TOLD: Final = """\
SELECT message, argMaxIf(transition_id, at, delivered), argMaxIf(reference, at, delivered), max(at)
FROM alert_deliveries WHERE channel = {channel:String} GROUP BY message"""


@dataclass(frozen=True)
class Told:
    """What the other side was told last of a feature.

    Attributes:
        id: of that post; '' before the first.
        incident: that it is contained for as far as they know; '' if it is not.
        tried: when something was last posted of it, taken or not.
    """

    id: str = ""
    incident: str = ""
    tried: datetime = _NEVER


@dataclass(frozen=True)
class Change:
    """One post that is due.

    Attributes:
        id: the same if it is repeated.
        incident: that the feature is contained for, or was.
        reason: why; None when it ends.
    """

    id: str
    feature: str
    incident: str
    reason: Contained | None

    @property
    def event(self) -> str:
        """What happened to the feature."""
        return _ENDED if self.reason is None else _BEGUN


def changes(contained: Sequence[Contained], told: Mapping[str, Told]) -> list[Change]:
    """What is to be told, one change for each feature: what was tried last comes last, so that all have their turn.

    Args:
        contained: now, the oldest reason first.
        told: what was told last, by feature.
    """
    reasons = {one.feature: one for one in reversed(contained)}
    due = []
    known = {feature: told.get(feature, Told()) for feature in reasons.keys() | told.keys()}
    for feature, before in sorted(known.items(), key=lambda item: (item[1].tried, item[0])):
        reason = reasons.get(feature)
        if (reason is not None) != bool(before.incident):
            event = _ENDED if reason is None else _BEGUN
            incident = before.incident if reason is None else reason.incident
            due.append(Change(digest(feature, event, before.id, length=24), feature, incident, reason))
    return due


def body(change: Change, at: datetime, events: Iterable[Event]) -> bytes:
    """What is posted.

    Args:
        change: to tell.
        at: now.
        events: what changed in the application around the beginning, closest first.
    """
    said: dict[str, Any] = {"id": change.id, "event": change.event, "feature": change.feature}
    said |= {"at": at.isoformat(timespec="milliseconds"), "incident": change.incident}
    if change.reason is not None:
        told = [
            {"kind": one.kind, "before": one.before, "after": one.after, "text": one.text, "at": one.at.isoformat()}
            for one in events
        ]
        said |= {"since": change.reason.since, "why": change.reason.why, "where": dict(change.reason.where)}
        said |= {"changes": told}
    return json.dumps(said, ensure_ascii=False).encode()


def tell(client: Client, webhook: Webhook, contained: Sequence[Contained], now: Callable[[], datetime]) -> None:
    """Post what is due. What fails keeps no other feature from being told, and is posted again the next time.

    Args:
        client: of the store.
        webhook: whom to tell.
        contained: now, the oldest reason first.
        now: gives the present, aware.

    Raises:
        StoreError: the store is away; nothing is lost.
        DeliveryError: the other side did not take all of it; the first failure of perhaps several.
    """
    with store_errors("reading what was told of containment"):
        rows = client.query(_TOLD, parameters={"channel": CHANNEL}).result_rows
    told = {feature: Told(id_, _incident(reference), tried) for feature, id_, reference, tried in rows}
    failed: list[DeliveryError] = []
    for change in changes(contained, told):
        try:
            _bring(client, webhook, change, now)
        except DeliveryError as error:
            failed.append(error)
        if len(failed) == _FAILURES:
            break
    if failed:
        raise failed[0]


def _bring(client: Client, webhook: Webhook, change: Change, now: Callable[[], datetime]) -> None:
    """Post one change, and record what came of it."""
    events = [] if change.reason is None else _changed(client, change.reason)
    at = now()
    data = body(change, at, events)
    key = key_of(webhook.secret.get_secret_value())
    try:
        _post(webhook.url.get_secret_value(), data, headers(key, change.id, at, data))
    except DeliveryError as error:
        _record(client, change, error=str(error))
        raise
    _record(client, change)


def _incident(reference: str) -> str:
    event, _, incident = reference.partition(" ")
    return incident if event == _BEGUN else ""


def _changed(client: Client, reason: Contained) -> list[Event]:
    values = {**reason.where, "feature": reason.feature}
    segment = tuple((name, values[name]) for name in DIMENSIONS if name in values)
    since = datetime.fromisoformat(reason.since)
    return near(client, segment, (since, since))[:_MOST_EVENTS]


def _post(url: str, data: bytes, signed: Mapping[str, str]) -> None:
    answer = post(url, data, {"Content-Type": "application/json", **signed}, who=_WHO, key=_KEY)
    if not 200 <= answer.status < 300:
        raise failure(answer, who=_WHO, key=_KEY, broken=frozenset())


def _record(client: Client, change: Change, error: str = "") -> None:
    reference = f"{change.event} {change.incident}"
    record(client, [change.id], CHANNEL, message=change.feature, delivered=not error, error=error, reference=reference)
