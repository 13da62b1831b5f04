"""The volume of requests of every environment and feature, by the minute of arrival."""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Self

from driftline_alerts.drift.segments import LEVELS
from driftline_alerts.drift.stream import StreamKey
from driftline_alerts.drift.tuning import USUAL, Tuning
from driftline_alerts.drift.volume import DAY_MINUTES, FALSE_A_MONTH, Volume
from driftline_store.client import store_errors
from driftline_store.metrics import OTHER

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from clickhouse_connect.driver.client import Client

    from driftline_alerts.drift.finding import Kind
    from driftline_alerts.drift.stream import Part
    from driftline_alerts.drift.volume import Alarm

METRIC: Final = "requests"
_MINUTE: Final = 60
_FINEST: Final = len(LEVELS[1])
_COMPLETE: Final = 20.0
"""Seconds after a minute's end from which on nearly all that arrived in it is stored."""
_GONE: Final = 7 * DAY_MINUTES
"""Minutes of silence after which requests that stopped are taken for given up, as those of a retired feature: longer
than any weekend with holidays, so that nobody comes back to an outage that was taken off the list meanwhile."""
_FORGOTTEN: Final = 35 * DAY_MINUTES
"""Minutes of silence after which a stream without an alarm is dropped: its part of the budget is the others'."""
_MOST: Final = 1000
"""Minutes without anything that are filled in at most: a longer gap is one of our own."""

_PAST: Final = f"""\
SELECT toUnixTimestamp(at) AS minute, toString(environment), toString(feature), sum(requests)
FROM llm_rollups
WHERE resolution = 'arrival' AND at >= toDateTime({{since:Int64}}, 'UTC') AND at < toDateTime({{until:Int64}}, 'UTC')
    AND feature != '{OTHER}' AND environment != '{OTHER}'
GROUP BY ALL HAVING sum(requests) > 0 ORDER BY minute"""


@dataclass(frozen=True)
class VolumeTurn:
    """Traffic that stopped or exploded, or an end of that.

    Attributes:
        kind: that of the finding: ``gone`` after a week in which nothing came, ``accepted`` if somebody said so.
    """

    key: StreamKey
    alarm: Alarm
    kind: Kind


@dataclass
class _Stream:
    """A detector, and the minutes that it has not seen.

    Attributes:
        next: the minute that it takes next, counted since 1970.
        waiting: requests by minute.
        silent: minutes since the last request.
    """

    next: int
    volume: Volume = field(default_factory=Volume)
    waiting: Counter[int] = field(default_factory=Counter)
    silent: int = 0

    @property
    def is_given_up(self) -> bool:
        """Whether nothing has come for so long that nothing is expected any more."""
        alarm = self.volume.alarm
        return self.silent >= _FORGOTTEN if alarm is None else min(self.silent, self.next - alarm.at) >= _GONE


@dataclass
class Volumes:
    """All that are watched.

    Attributes:
        tuning: which those are.
    """

    streams: dict[StreamKey, _Stream] = field(default_factory=dict)
    tuning: Tuning = USUAL

    def learn(self, client: Client, since: float, until: float) -> None:
        """Show the detectors the past.

        Args:
            client: of the store.
            since: in seconds of Unix time.
            until: likewise, exclusive.

        Raises:
            StoreError: the store is away or fails the query.
        """
        with store_errors("reading how many requests there were"):
            rows = client.query(_PAST, parameters={"since": int(since), "until": int(until)}).result_rows
        for at, environment, feature, requests in rows:
            pairs = (("environment", environment), ("feature", feature))
            for segment in (pairs[:1], pairs):
                self._note(StreamKey(METRIC, "", segment), at // _MINUTE, requests)
        self.advance(until, math.inf)

    def take(self, parts: Iterable[Part]) -> None:
        """Note what arrived; each part is of one minute."""
        for part in parts:
            if part.key.metric == METRIC and len(part.key.segment) <= _FINEST:
                self._note(part.key, int(part.begin.timestamp()) // _MINUTE, part.counts.get(0, 0))

    def advance(self, until: float, budget: float) -> list[VolumeTurn]:
        """Let the detectors look at all minutes that are complete, and forget the streams that are gone.

        Args:
            until: in seconds of Unix time, up to when arrivals were read.
            budget: false alarms of all of them in 30 days.
        """
        end = int((until - _COMPLETE) // _MINUTE)
        share = min(budget / max(len(self.streams), 1), FALSE_A_MONTH)
        turns = [turn for key, stream in self.streams.items() for turn in _advance(key, stream, end, share)]
        self.streams = {key: one for key, one in self.streams.items() if one.waiting or not one.is_given_up}
        return turns

    def begin_anew(self, key: StreamKey) -> None:
        """Forget what was usual in a stream, and learn it again."""
        self.streams[key].volume = Volume()

    def dump(self) -> bytes:
        """Their states."""
        states = [
            [key.state(), one.next, one.volume.state(), list(one.waiting.items()), one.silent]
            for key, one in self.streams.items()
        ]
        return json.dumps(states).encode()

    @classmethod
    def load(cls, data: bytes, tuning: Tuning = USUAL) -> Self:
        """Those whose states were dumped, without what is not watched any more: it brings nothing from now on."""
        found = cls(tuning=tuning)
        for state, upcoming, volume, waiting, *rest in json.loads(data):
            if tuning.of(key := StreamKey.restored(state)).watch:
                found.streams[key] = _Stream(upcoming, Volume.restored(volume), Counter(dict(waiting)), *rest)
        return found

    def _note(self, key: StreamKey, minute: int, requests: int) -> None:
        if not self.tuning.of(key).watch:
            return
        stream = self.streams.setdefault(key, _Stream(minute))
        # What lands after its minute was looked at is counted with the next one.
        stream.waiting[max(minute, stream.next)] += requests


def _advance(key: StreamKey, stream: _Stream, end: int, share: float) -> Iterator[VolumeTurn]:
    if end - stream.next > _MOST:
        stream.next = min(stream.waiting, default=end)
    while stream.next < end:
        before, requests = stream.volume.alarm, stream.waiting.pop(stream.next, 0)
        stream.volume.update(stream.next, requests, false_a_month=share)
        stream.next += 1
        stream.silent = 0 if requests else stream.silent + 1
        after = stream.volume.alarm
        if after and not before:
            yield VolumeTurn(key, after, "opened")
        elif before and not after:
            yield VolumeTurn(key, before, "recovered")
        if stream.is_given_up:
            if after:
                yield VolumeTurn(key, after, "gone")
            if not stream.waiting:
                return
            stream.next, stream.volume = min(stream.waiting), Volume()
