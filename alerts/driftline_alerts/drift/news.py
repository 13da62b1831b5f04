"""The events that detectors have not heard of yet: noticed or told, each given once."""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Self

from driftline_alerts.drift.events import events, write
from driftline_alerts.drift.notice import Noticer

if TYPE_CHECKING:
    from datetime import datetime

    from clickhouse_connect.driver.client import Client

    from driftline_alerts.drift.events import Event

_REACH: Final = timedelta(days=7)
"""How long ago an event may have been that is told only now."""


@dataclass
class News:
    """Follows the events.

    Attributes:
        noticer: finds those that stand in the spans.
    """

    noticer: Noticer
    _heard: set[str] = field(default_factory=set)

    @classmethod
    def starting(cls, client: Client, now: datetime) -> Self:
        """One for which what happened up to now is no news.

        Raises:
            StoreError: the store is away or fails the query.
        """
        return cls(Noticer.starting(now), {event.id for event in events(client, now - _REACH, now)})

    def take(self, client: Client, now: datetime) -> list[Event]:
        """What happened up to now and was not given before, oldest first; what the spans show is stored.

        Raises:
            StoreError: the store is away or fails a statement; the state is as it was.
        """
        noticer = copy.deepcopy(self.noticer)
        write(client, noticer.look(client))
        recent = events(client, now - _REACH, now)
        new = [event for event in recent if event.id not in self._heard]
        self.noticer, self._heard = noticer, {event.id for event in recent}
        return new

    def dump(self) -> bytes:
        """Its state, to be saved with those of whoever heard the news."""
        return json.dumps({"heard": sorted(self._heard), "noticer": self.noticer.dump().decode()}).encode()

    @classmethod
    def load(cls, data: bytes) -> Self:
        """The one whose state was dumped."""
        state = json.loads(data)
        return cls(Noticer.load(state["noticer"].encode()), set(state["heard"]))
