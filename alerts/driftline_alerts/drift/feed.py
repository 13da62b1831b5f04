"""What arrived since the last look, each row of the store once, however late it lands and whenever we are killed.

Rows are summed by the minute of their arrival, and a minute grows while inserts that began in it land. So the totals of
the minutes that may still grow are read in each look, and what was already taken of them is subtracted. The feed's
state is what was taken; saved in one insert with the states of whoever took it, it makes a restart go on exactly there.
"""

from __future__ import annotations

import json
import logging
from collections import Counter
from dataclasses import InitVar, dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final, Self

from driftline_alerts.drift.parts import Counts, Owed, observations, volumes
from driftline_alerts.drift.series import SERIES, statements
from driftline_alerts.drift.stream import Part
from driftline_alerts.drift.window import Window
from driftline_store.client import store_errors

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from clickhouse_connect.driver.client import Client

logger = logging.getLogger(__name__)

_MINUTE: Final = 60
_HOUR: Final = 60 * _MINUTE

OPEN: Final = 15 * _MINUTE
"""Seconds before the newest arrival in which a minute may still grow: an insert that takes longer has failed."""

LONGEST: Final = 15 * _MINUTE
"""Seconds of arrivals that one look takes, so that catching up needs no more memory than going along."""

_WATCHED: Final = 2 * OPEN
"""Seconds in which closed minutes are looked at for what came too late."""

_NUMBERS: Final = ("position", "open_from", "checked", "missed")
_SERIES: Final = [one.name for one in SERIES]
_LENGTH: Final = 4
"""Bytes that say how long the first part of a state is."""


@dataclass
class Feed:
    """Reads the sums by arrival.

    Attributes:
        position: until when arrivals were looked for, in seconds of Unix time.
        open_from: begin of the first minute that is still looked at.
        checked: end of the closed minutes that were looked at again.
        missed: observations of minutes that had been closed: they are in no part.
    """

    position: float
    open_from: int
    checked: int
    missed: int = 0
    owed: InitVar[Owed | None] = None
    closed: InitVar[dict[int, int] | None] = None
    window: InitVar[Window | None] = None

    def __post_init__(self, owed: Owed | None, closed: dict[int, int] | None, window: Window | None) -> None:
        self._owed: Owed = owed or {}
        self._closed = closed or {}
        self._window = window or Window()

    @classmethod
    def starting(cls, since: datetime) -> Self:
        """A feed of what arrives in the minute that holds a moment, and later."""
        first = int(since.timestamp()) // _MINUTE * _MINUTE
        return cls(position=first, open_from=first, checked=first)

    def behind(self, now: datetime) -> bool:
        """Whether there is more to read at once: a look takes no more than ``LONGEST``."""
        return self.position + LONGEST < now.timestamp()

    def read(self, client: Client, now: datetime) -> list[Part]:
        """What arrived since the last look, a part for each stream, and for each minute of volumes.

        The store's clock says when a row arrived; ``now`` decides only how much is read at once.

        Raises:
            StoreError: the store is away or fails the statement; the feed is as it was.
        """
        begin, behind = self.position, self.behind(now)
        end = self.position + LONGEST if behind else max(self.position, now.timestamp())
        # Minutes before the last two seldom grow, so they need not be looked at every few seconds.
        is_whole = begin // _MINUTE != end // _MINUTE
        parameters = {"since": self.open_from if is_whole else max(self.open_from, self._newest - _MINUTE)}
        if behind:
            parameters["until"] = int(end) // _MINUTE * _MINUTE
        # Nothing may fail once something is taken.
        self._count_missed(client)
        rows = _rows(client, "reading what arrived", statements(until=behind), parameters)
        fresh = self._window.take(rows)
        self.position = end
        self._close()
        parts = [*_parts(observations(fresh, self._owed), begin, end)]
        for at, counts in sorted(volumes(fresh).items()):
            parts += _parts(counts, at, at + _MINUTE)
        return parts

    def dump(self) -> bytes:
        """Its state, to be saved with those of whoever took its parts."""
        numbers = {name: getattr(self, name) for name in _NUMBERS}
        owed = [[metric, leaf, hits] for (metric, leaf), hits in self._owed.items()]
        closed = list(self._closed.items())
        head = json.dumps(numbers | {"owed": owed, "closed": closed, "series": _SERIES}).encode()
        return len(head).to_bytes(_LENGTH, "big") + head + self._window.dump()

    @classmethod
    def load(cls, data: bytes) -> Self:
        """The feed whose state was dumped."""
        end = _LENGTH + int.from_bytes(data[:_LENGTH], "big")
        head = json.loads(data[_LENGTH:end])
        return cls(
            **{name: head[name] for name in _NUMBERS},
            owed={(metric, tuple(leaf)): hits for metric, leaf, hits in head["owed"]},
            # Totals of other series cannot be compared with those of now.
            closed=dict(head["closed"]) if head["series"] == _SERIES else {},
            window=Window.load(data[end:]),
        )

    @property
    def _newest(self) -> int:
        """The last minute in which something arrived."""
        return max(self._window.taken, default=self.open_from)

    def _close(self) -> None:
        """Leave the minutes that cannot grow any more."""
        # A row from a clock that is ahead does not close the minutes in between.
        self.open_from = max(self.open_from, min(self._newest, int(self.position) // _MINUTE * _MINUTE) - OPEN)
        self._closed |= self._window.close(self.open_from)

    def _count_missed(self, client: Client) -> None:
        """Count what closed minutes grew by all the same; now and then, and twice for each of them."""
        if self.open_from - self.checked < OPEN:
            return
        first = max(min(self._closed, default=self.open_from), self.checked - OPEN)
        queries = [f"SELECT k0, sum(arraySum(counts)) FROM ({one}) GROUP BY k0" for one in statements(until=True)]
        found: Counter[int] = Counter()
        for at, n in _rows(client, "looking for late arrivals", queries, {"since": first, "until": self.open_from}):
            found[at] += n
        late = found - Counter(self._closed)
        self.checked = self.open_from
        totals = late + Counter(self._closed)
        self._closed = {at: total for at, total in totals.items() if at >= self.open_from - _WATCHED}
        if late:
            self.missed += sum(late.values())
            minutes = ", ".join(f"{datetime.fromtimestamp(at, UTC):%H:%M}" for at in sorted(late))
            logger.warning(
                "drift detection missed %d observations of the minutes %s UTC, which were stored more than %d minutes "
                "after they had begun; look for inserts that hang, and at the store's clock",
                sum(late.values()),
                minutes,
                OPEN // _MINUTE,
            )


def history(client: Client, since: datetime, until: datetime) -> Iterator[Part]:
    """What arrived in the past by hour, oldest first, for baselines and seasons; volumes too.

    A feed that starts at ``until`` goes on from it. Reads a day at a time.

    Args:
        client: of the store.
        since: rounded down to an hour.
        until: exclusive; rounded down to a minute.

    Raises:
        StoreError: the store is away or fails a statement.
    """
    owed: Owed = {}
    begin, end = (int(moment.timestamp()) // width * width for moment, width in ((since, _HOUR), (until, _MINUTE)))
    queries = statements(time="toStartOfHour(m.at)", until=True)
    for day in range(begin, end, 24 * _HOUR):
        parameters = {"since": day, "until": min(day + 24 * _HOUR, end)}
        rows = _rows(client, "reading what arrived before", queries, parameters)
        fresh = sorted(Window().take(rows), key=lambda one: one.at)
        for at, of_hour in groupby(fresh, key=lambda one: one.at):
            arrived = list(of_hour)
            for counts in (observations(arrived, owed), *volumes(arrived).values()):
                yield from _parts(counts, at, min(at + _HOUR, end))


def _rows(client: Client, doing: str, queries: Iterable[str], parameters: Mapping[str, int]) -> list[Sequence[Any]]:
    with store_errors(doing):
        return [row for query in queries for row in client.query(query, parameters=dict(parameters)).result_rows]


def _parts(counts: Counts, begin: float, end: float) -> Iterator[Part]:
    first, last = (datetime.fromtimestamp(at, UTC) for at in (begin, end))
    for key, of_key in counts.items():
        yield Part(key, of_key, first, last)
