"""One look at what waits: the youngest events each time, the older ones more rarely and further back."""

from __future__ import annotations

import logging
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from driftline_processors.matching.ledger import Ledger
from driftline_processors.matching.lookup import find

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from clickhouse_connect.driver.client import Client

    from driftline.settings import Settings
    from driftline_processors.matching.ledger import State
    from driftline_processors.matching.lookup import Pending, Place

logger = logging.getLogger(__name__)

NO_ID: Final = "no id"
"""Reason: the event names neither a request's segment nor an id of it."""

NOT_FOUND: Final = "not found"
"""Reason: no request of its ids was stored in ``match_days``."""

_SECOND: Final = 1_000
_MINUTE: Final = 60 * _SECOND
_HOUR: Final = 60 * _MINUTE
_DAY: Final = 24 * _HOUR
_PAGE: Final = 2_000
"""Events that are looked up together: enough for few passes over the ids, and little memory with long comments."""


@dataclass(frozen=True)
class _Round:
    """A way of looking; times in milliseconds.

    Attributes:
        every: time between two such rounds.
        age: of the oldest events that it looks at.
        depth: how far before now the requests may have begun.
        is_last: whether what is older than ``age`` and not found is given up.
    """

    name: str
    every: int
    age: int
    depth: int
    is_last: bool = False


def _rounds(match_days: float) -> tuple[_Round, ...]:
    """From the most thorough one, which does what the others do, to the one of each time."""
    wait, depth = round(match_days * _DAY), round((match_days + 1) * _DAY)
    return (
        _Round("hourly", _HOUR, wait, depth, is_last=True),
        _Round("often", 30 * _SECOND, min(_HOUR, wait), depth),
        _Round("each time", 0, min(10 * _MINUTE, wait), _HOUR),
    )


def match_pending(client: Client, settings: Settings) -> int:
    """File feedback whose request has become known, and give up what has waited for ``match_days``.

    Call it every few seconds, from one process at a time; two at once do each other's work but nothing twice.
    With nothing waiting it is two short queries. Otherwise it takes time for what waits, not for what is stored:
    events of the last minutes are looked for among requests of the last hour each time, all of the last
    hour twice a minute and all that wait once an hour among requests of the last ``match_days`` and a day.

    Args:
        client: of the store, prepared.
        settings: ``match_days`` is read.

    Returns:
        how many events were filed.

    Raises:
        clickhouse_connect.driver.exceptions.Error: the store failed; nothing is lost, call again.
    """
    ledger = Ledger(client)
    state = ledger.state()
    if state.claimed > state.finished:
        ledger.finish(state.claimed)
    due = next(one for one in _rounds(settings.match_days) if state.now - state.rounds.get(one.name, 0) >= one.every)
    since = _since(due, state)
    if state.newest <= since:
        return 0
    return _Look(ledger, due, state, since).run()


def _since(due: _Round, state: State) -> int:
    """Arrival of the oldest events of a round; the last round has to meet each once more when its time is over."""
    last = state.rounds.get(due.name, 0) if due.is_last else state.now
    return max(last - due.age - _MINUTE, 0)


@dataclass(frozen=True)
class _Look:
    """A round under way."""

    ledger: Ledger
    due: _Round
    state: State
    since: int

    def run(self) -> int:
        batch, matched, given_up = self.state.claimed, 0, 0
        cursor = (self.since, uuid.UUID(int=0))
        while page := self.ledger.waiting(self.since, cursor, _PAGE):
            events = [event for _, event in page]
            cursor = (page[-1][0], events[-1].id)
            places = self._find(events)
            done = [(event, outcome) for event in events if (outcome := self._outcome(event, places)) is not None]
            if done:
                batch += 1
                is_ours = self.ledger.claim(batch, done)
                self.ledger.finish(batch)
                if not is_ours:
                    logger.info("another process files feedback as well; it goes on with that")
                    return matched
            matched += len(places)
            given_up += len(done) - len(places)
            if len(page) < _PAGE:
                break
        if self.due.every:
            self.ledger.looked(self.due.name, self.state.now)
        if given_up:
            logger.warning("gave up %d times to find the request of feedback; see evaluations_matched", given_up)
        return matched

    def _find(self, events: Sequence[Pending]) -> dict[UUID, Place]:
        """The places of events: first among the requests of the last hour, where most are."""
        client, now = self.ledger.client, self.state.now
        far = self.due.depth > _HOUR
        places = find(client, events, now - _HOUR, is_all=False)
        left = [event for event in events if event.id not in places] if far else []
        if left:
            places |= find(client, left, now - self.due.depth, is_all=True)
        return places

    def _outcome(self, event: Pending, places: dict[UUID, Place]) -> Place | str | None:
        if event.id in places:
            return places[event.id]
        if not event.trace_id and not event.response_id:
            return NO_ID
        is_over = self.due.is_last and event.age * _SECOND >= self.due.age
        return NOT_FOUND if is_over else None
