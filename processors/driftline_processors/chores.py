"""Work that is done now and then by one of the ingest processes: whichever leads the group ``chores``.

Each chore is a function of the store that finds by itself what there is to do, so that it can be done again at
any time, by any process, after any crash.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from driftline.bus.leader import Leadership
from driftline.errors import SettingsError
from driftline_processors.matching import match_pending
from driftline_processors.prices import backfill
from driftline_processors.segments import update_cap
from driftline_processors.settle import settle_sessions, settle_traces
from driftline_store.client import connect

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from clickhouse_connect.driver.client import Client

    from driftline.settings import Settings

logger = logging.getLogger(__name__)

GROUP: Final = "chores"


@dataclass(frozen=True)
class Chore:
    """One row of the table.

    Attributes:
        seconds: from the end of one run to the beginning of the next.
    """

    name: str
    seconds: float
    run: Callable[[Client, Settings], object]


CHORES: Final = (
    Chore("cap segments", 5, update_cap),
    Chore("file feedback", 5, match_pending),
    Chore("settle requests", 5, settle_traces),
    Chore("settle sessions", 60, settle_sessions),
    Chore("price calls that came too early", 60, backfill),
)

_TICK: Final = 1.0


def run(settings: Settings, stop: threading.Event) -> None:
    """Do the chores, while this process leads, until ``stop`` is set.

    A chore that fails is said once and tried again when it is due; ingest does not depend on it.

    Raises:
        SettingsError: the bus cannot be used at all; what is merely away is waited for.
    """
    with Leadership(settings.bus_url, group=GROUP) as leadership:
        worker = _Worker(settings, leadership)
        while not stop.wait(_TICK):
            worker.round()
        worker.disconnect()


class _Worker:
    """What stays between the rounds: the connection, when each chore is due, and what is wrong."""

    def __init__(self, settings: Settings, leadership: Leadership) -> None:
        self._settings = settings
        self._leadership = leadership
        self._client: Client | None = None
        self._due = dict.fromkeys((chore.name for chore in CHORES), 0.0)
        self._trouble: dict[str, str] = {}

    def round(self) -> None:
        """Every chore that is due, each only while this process leads."""
        for chore in CHORES:
            if time.monotonic() >= self._due[chore.name] and self._tried("lead", self._leadership.held):
                self._tried(chore.name, partial(self._do, chore))
                self._due[chore.name] = time.monotonic() + chore.seconds
        self._tried("lead", self._leadership.held)  # the membership has to be kept alive

    def disconnect(self) -> None:
        """Give the connection back."""
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def _do(self, chore: Chore) -> None:
        chore.run(self._connected(), self._settings)

    def _connected(self) -> Client:
        if self._client is None:
            self._client = connect(self._settings)
        return self._client

    def _tried(self, what: str, action: Callable[[], object]) -> object:
        try:
            result = action()
        except SettingsError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever is wrong with a chore, ingest goes on
            if self._trouble.get(what) != str(error):
                logger.warning("cannot %s now, it is tried again: %s", what, error)
            self._trouble[what] = str(error)
            self.disconnect()  # a store that was restarted may have another address
            return None
        if self._trouble.pop(what, None):
            logger.info("can %s again", what)
        return result
