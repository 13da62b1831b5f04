"""What people want done about alerts: acknowledge an incident, or be told nothing for a while."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Literal

from driftline_alerts.digest import digest
from driftline_store.client import store_errors
from driftline_store.metrics import DIMENSIONS

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    from driftline_alerts.evaluate import Segment

_COLUMNS: Final = ("id", "action", "incident", "rule", "segment", "until", "by", "why", "at")
_NEVER: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Action:
    """What somebody wants.

    Attributes:
        kind: ``acknowledge`` an incident; ``silence`` what an incident, a rule or a segment has to say, until a time.
        by: who.
        incident: the only one that is meant; '' for any.
        rule: likewise.
        segment: all that lies in it; empty for any.
        until: of a silence, aware; one that ends at once takes an earlier one of the same back.
        why: in their words.
        at: when they said so.
    """

    kind: Literal["acknowledge", "silence"]
    by: str
    incident: str = ""
    rule: str = ""
    segment: Segment = ()
    until: datetime = _NEVER
    why: str = ""
    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def id(self) -> str:
        """The same however often it is stored."""
        return digest(self.kind, self.by, self.incident, self.rule, self.segment, str(self.until), str(self.at))

    def concerns(self, incident: str, rule: str, segment: Segment) -> bool:
        """Whether it is about an alert."""
        values = dict(segment)
        return (
            self.incident in {"", incident}
            and self.rule in {"", rule}
            and all(values.get(name) == value for name, value in self.segment)
        )


def ask(client: Client, action: Action) -> None:
    """Let the alert worker do something in its next round; again is the same as once.

    Raises:
        ValueError: it names nothing that is meant.
        StoreError: the store is away or fails the insert.
    """
    if not (action.incident or action.rule or action.segment):
        raise ValueError(f"expected an incident, a rule or a segment to {action.kind}, got none of them")
    row = [
        *(action.id, action.kind, action.incident, action.rule, dict(action.segment)),
        *(action.until, action.by, action.why, action.at),
    ]
    settings = {"insert_deduplication_token": action.id, "async_insert": 0}
    with store_errors("asking the alert worker for something"):
        client.insert("alert_actions", [row], column_names=list(_COLUMNS), settings=settings)


def said(client: Client, since: datetime) -> list[Action]:
    """What people said since a moment, oldest first.

    Raises:
        StoreError: the store is away or fails the query.
    """
    return _read(client, "at >= {at:DateTime64(3, 'UTC')} ORDER BY at, id", since)


def silences(client: Client, now: datetime) -> list[Action]:
    """The silences that hold at a moment; of several for the same it is the latest.

    Raises:
        StoreError: the store is away or fails the query.
    """
    latest = "action = 'silence' ORDER BY at DESC, id LIMIT 1 BY incident, rule, mapSort(segment)"
    return [one for one in _read(client, latest, now) if one.until > now]


def _read(client: Client, which: str, at: datetime) -> list[Action]:
    sql = f"SELECT {', '.join(_COLUMNS[1:])} FROM alert_actions WHERE {which}"
    with store_errors("reading what people want done about alerts"):
        rows = client.query(sql, parameters={"at": at}).result_rows
    return [
        Action(kind, by, incident, rule, _in_order(segment), until, why, when)
        for kind, incident, rule, segment, until, by, why, when in rows
    ]


def _in_order(segment: dict[str, str]) -> Segment:
    return tuple((name, segment[name]) for name in DIMENSIONS if name in segment)
