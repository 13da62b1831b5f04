"""A thread for each channel, so that none waits for another one, and no rule for any of them."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Final, Self

from driftline_alerts.actions import actions, silenced
from driftline_alerts.compose import compose
from driftline_alerts.deliver import Courier
from driftline_alerts.outbox import Plan, read
from driftline_store.client import connect

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clickhouse_connect.driver.client import Client

    from driftline.errors import DriftlineError
    from driftline.settings import Settings
    from driftline_alerts.lead import Lead
    from driftline_alerts.notifier import Notifier
    from driftline_alerts.routes import Route
    from driftline_alerts.trouble import Trouble

_PATIENCE: Final = 15.0
"""Seconds between two looks at what is still to be told, if nobody wakes us."""
_SILENCES: Final = timedelta(days=1)


@dataclass
class Delivery:
    """All channels.

    Attributes:
        settings: with the store and the dashboard's address.
        channels: by name, in the order of the file.
        routes: who is told of what.
        lead: whether we may tell anybody anything.
        trouble: where failures are told.
    """

    settings: Settings
    channels: Sequence[Notifier]
    routes: Sequence[Route]
    dashboard_url: str
    lead: Lead
    trouble: Trouble
    _stop: threading.Event = field(default_factory=threading.Event)
    _news: list[threading.Event] = field(default_factory=list)

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.callback(self._stop.set)
            for channel in self.channels:
                news = threading.Event()
                self._news.append(news)
                thread = threading.Thread(target=self._work, args=(channel, news), name=f"tell-{channel.channel}")
                thread.start()
                stack.callback(thread.join)
                stack.callback(news.set)
                stack.callback(self._stop.set)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def wake(self) -> None:
        """There may be something to tell."""
        for news in self._news:
            news.set()

    def _work(self, channel: Notifier, news: threading.Event) -> None:
        client: Client | None = None

        def forget(_: DriftlineError) -> None:
            nonlocal client
            if client is not None:
                client.close()
            client = None  # a store that was restarted may have another address

        def tell() -> None:
            nonlocal client
            client = client or connect(self.settings)
            self._tell(client, channel)

        while not self._stop.is_set():
            news.wait(_PATIENCE)
            news.clear()
            if self.lead.is_held() and not self._stop.is_set():
                self.trouble.tried(channel.channel, tell, forget)
        if client is not None:
            client.close()

    def _tell(self, client: Client, channel: Notifier) -> None:
        now = datetime.now(UTC)
        silences = silenced(actions(client, now - _SILENCES), now)
        plan = Plan(self.routes, [one.channel for one in self.channels], silences, now)
        courier = Courier(
            client,
            channel,
            partial(compose, client, dashboard_url=self.dashboard_url),
            self._stop,
            self.lead.is_held,
        )
        courier.deliver(read(client, now), plan)
