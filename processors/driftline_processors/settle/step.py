"""One step of settling: which arrivals are due, the totals, their way into the sums, and the note that it is done."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

MAX_WINDOW: Final = timedelta(minutes=10)
"""Most arrivals that one step takes, so that its memory is bounded when it has to catch up."""

_EXACT: Final = {
    "insert_deduplicate": 1,
    "deduplicate_insert_select": "force_enable",
    # One block, so that one token names it.
    "max_insert_threads": 1,
    "max_threads": 1,
    "min_insert_block_size_rows": 0,
    "min_insert_block_size_bytes": 0,
    "max_block_size": 1_000_000,
}


def parameter(name: str) -> str:
    """SQL for a parameter of a step, which is passed in milliseconds of Unix time."""
    return f"fromUnixTimestamp64Milli({{{name}:Int64}}, 'UTC')"


def _milliseconds(**moments: datetime) -> dict[str, int]:
    return {name: round(at.timestamp() * 1000) for name, at in moments.items()}


def now() -> datetime:
    """The present to the millisecond, as the store keeps it."""
    moment = datetime.now(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


@dataclass(frozen=True)
class Window:
    """What a step takes: rows whose time of arrival lies in ``[since, until)``.

    Attributes:
        furthest: end of the latest window that was ever taken before.
    """

    since: datetime
    until: datetime
    furthest: datetime


def progress(client: Client, step: str) -> list[tuple[datetime, datetime]]:
    """How far a step has come, and how far it ever had; nothing before its first window."""
    query = "SELECT until, furthest FROM settled_windows FINAL WHERE step = {step:String}"
    return [(row[0], row[1]) for row in client.query(query, parameters={"step": step}).result_rows]


def note(client: Client, step: str, target: str, *, until: datetime, furthest: datetime, settled_at: datetime) -> None:
    """Write down how far a step has come."""
    names = ["step", "target", "until", "furthest", "settled_at"]
    client.insert("settled_windows", [[step, target, until, furthest, settled_at]], column_names=names)


@dataclass(frozen=True)
class Step:
    """One kind of settling.

    Attributes:
        name: under which ``settled_windows`` notes how far it has come.
        source: table whose arrivals it follows.
        arrived: column of it with the time of arrival.
        delay: how long after its arrival a row is looked at.
        target: table that the totals go to.
        totals: INSERT into it, with parameters ``since``, ``until``, ``settled_at`` and ``again``.
        sums: INSERT of its rows of one ``settled_at`` into the sums.
    """

    name: str
    source: str
    arrived: str
    delay: timedelta
    target: str
    totals: str
    sums: str

    def run(self, client: Client, at: datetime) -> Window | None:
        """Take what is due, at most one window of it.

        Returns:
            the window that was settled, or None if nothing is due.

        Raises:
            clickhouse_connect.driver.exceptions.Error: the store failed a statement; run it again.
        """
        window = self._due(client, at)
        if window is None:
            return None
        self._complete(client)
        settled_at = now()
        parameters = _milliseconds(since=window.since, until=window.until, settled_at=settled_at)
        parameters["again"] = int(window.since < window.furthest)
        # Totals carry the names of the columns that they are made of.
        client.command(self.totals, parameters=parameters, settings={"prefer_column_name_to_alias": 1})
        self._add_up(client, settled_at)
        furthest = max(window.until, window.furthest)
        note(client, self.name, self.target, until=window.until, furthest=furthest, settled_at=settled_at)
        return window

    def _due(self, client: Client, at: datetime) -> Window | None:
        first = f"SELECT min({self.arrived}) AS first, first FROM {self.source} HAVING count() > 0"
        rows = progress(client, self.name) or client.query(first).result_rows
        if not rows or rows[0][0] >= at - self.delay:
            return None
        since, furthest = rows[0]
        # What is looked at again and what is new are windows of their own.
        limit = furthest if since < furthest else at - self.delay
        return Window(since, min(at - self.delay, since + MAX_WINDOW, limit), furthest)

    def _complete(self, client: Client) -> None:
        """Add up what a step wrote whose process died before it could."""
        left = client.query(
            f"SELECT DISTINCT settled_at FROM {self.target} "
            "WHERE settled_at > (SELECT max(settled_at) FROM settled_windows WHERE target = {target:String}) "
            "ORDER BY settled_at",
            parameters={"target": self.target},
        ).result_rows
        for (settled_at,) in left:
            self._add_up(client, settled_at)

    def _add_up(self, client: Client, settled_at: datetime) -> None:
        token = f"settled/{self.target}/{settled_at.isoformat()}"
        client.command(
            self.sums,
            parameters=_milliseconds(settled_at=settled_at),
            settings={**_EXACT, "insert_deduplication_token": token},
        )
