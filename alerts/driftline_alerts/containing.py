"""A thread that contains features as their alerts have it: no rule waits for a webhook, nor the file for the store."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Self

from driftline.errors import StoreError
from driftline_alerts.containment import contained
from driftline_alerts.containment_hook import tell
from driftline_alerts.transition import latest
from driftline_store.client import connect

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    from driftline.containment.state import Contained
    from driftline.errors import DriftlineError
    from driftline.settings import Settings
    from driftline_alerts.containment import Containment
    from driftline_alerts.guard_file import GuardFile
    from driftline_alerts.lead import Lead
    from driftline_alerts.trouble import Trouble

_PATIENCE: Final = 15.0
"""Seconds between two looks, if nobody wakes us; also keeps the file confirmed."""


@dataclass
class Containing:
    """Follows the alerts in a thread of its own.

    Attributes:
        settings: with the store.
        containment: which alerts contain.
        file: what applications read.
        lead: whether we may say anything.
        trouble: where failures are told.
    """

    settings: Settings
    containment: Containment
    file: GuardFile
    lead: Lead
    trouble: Trouble
    _contained: tuple[Contained, ...] | None = None
    _client: Client | None = None
    _stop: threading.Event = field(default_factory=threading.Event)
    _news: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._work, name="contain")
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._news.set()
        self._thread.join()

    def wake(self) -> None:
        """There may be something new."""
        self._news.set()

    def look(self) -> None:
        """Say what is contained now. While the store is away, what was known is confirmed: no alert can change.

        Raises:
            DriftlineError: the store is away, or the file or the webhook did not take it; look again.
        """
        try:
            self._client = self._client or connect(self.settings)
            known = latest(self._client, datetime.now(UTC))
        except StoreError:
            if self._contained is not None:
                self.file.put(self._contained, datetime.now(UTC))
            raise
        self._contained = contained((one.last for one in known.values()), self.containment)
        try:
            self.file.put(self._contained, datetime.now(UTC))
        finally:  # neither has to wait for the other
            if self.containment.webhook is not None:
                tell(self._client, self.containment.webhook, self._contained, lambda: datetime.now(UTC))

    def _work(self) -> None:
        while not self._stop.is_set():
            self._news.wait(_PATIENCE)
            self._news.clear()
            if self._stop.is_set():
                break
            if self.lead.is_held():
                self.trouble.tried("containment", self.look, self._forget)
            else:
                self._contained = None  # another worker says it, and may say something else by now
        self._disconnect()

    def _forget(self, error: DriftlineError) -> None:
        if isinstance(error, StoreError):
            self._disconnect()  # a store that was restarted may have another address

    def _disconnect(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.close()
