"""What changed in the application, as it was told or noticed: kept in the store, each once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from driftline_alerts.digest import digest
from driftline_store.client import store_errors
from driftline_store.labels import micros
from driftline_store.metrics import DIMENSIONS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from clickhouse_connect.driver.client import Client

    from driftline_alerts.evaluate import Segment

Source = Literal["noticed", "told"]

_COLUMNS: Final = ("id", "at", "kind", "segment", "before", "after", "source", "text")
_AT: Final = "fromUnixTimestamp64Micro({%s:Int64}, 'UTC')"
_BETWEEN: Final = f"""\
SELECT {", ".join(_COLUMNS)} FROM drift_events FINAL
WHERE at >= {_AT % "since"} AND at < {_AT % "until"} ORDER BY at, id"""


@dataclass(frozen=True)
class Event:
    """One change.

    Attributes:
        id: of what it is about, the same if it is noticed again.
        at: when it happened: of what was noticed, when the first of it arrived.
        kind: such as ``prompt_version`` or ``deploy``.
        segment: where; dimensions that it does not name may have any value.
        before: the value that most had; '' where that is not known.
        after: the new value.
        text: what was told.
    """

    id: str
    at: datetime
    kind: str
    segment: Segment
    before: str
    after: str
    source: Source
    text: str = ""

    def concerns(self, segment: Segment) -> bool:
        """Whether it may have changed what is measured in a segment: no dimension tells the two apart."""
        mine = dict(self.segment)
        return all(mine.get(name, value) == value for name, value in segment)


def told(text: str, at: datetime, *, kind: str = "deploy", segment: Segment = ()) -> Event:
    """An event as somebody reports it; to the millisecond, as the store keeps it."""
    at = at.replace(microsecond=at.microsecond // 1000 * 1000)
    return Event(event_id(kind, segment, text, at.isoformat()), at, kind, segment, "", "", "told", text)


def event_id(kind: str, segment: Segment, *what: str) -> str:
    """Id of what is told apart by these."""
    return digest(kind, segment, what, length=16)


def write(client: Client, found: Iterable[Event]) -> None:
    """Store events; one that is there already stays the same.

    Raises:
        StoreError: the store is away or fails the insert.
    """
    rows = [[_stored(event, name) for name in _COLUMNS] for event in found]
    with store_errors("storing events"):
        if rows:
            client.insert("drift_events", rows, column_names=list(_COLUMNS))


def events(client: Client, since: datetime, until: datetime) -> list[Event]:
    """Those of ``[since, until)``, oldest first.

    Raises:
        StoreError: the store is away or fails the query.
    """
    with store_errors("reading events"):
        rows = client.query(_BETWEEN, parameters={"since": micros(since), "until": micros(until)}).result_rows
    return [_event(row) for row in rows]


def _stored(event: Event, name: str) -> Any:
    return dict(event.segment) if name == "segment" else getattr(event, name)


def _event(row: Sequence[Any]) -> Event:
    values = dict(zip(_COLUMNS, row, strict=True))
    values["segment"] = tuple((name, values["segment"][name]) for name in DIMENSIONS if name in values["segment"])
    return Event(**values)
