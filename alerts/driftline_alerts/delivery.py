"""Tells the channels what is due."""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from driftline_alerts.actions import silences
from driftline_alerts.compose import composed
from driftline_alerts.deliver import Courier
from driftline_alerts.errands import Errand
from driftline_alerts.introduction import introduced
from driftline_alerts.outbox import Plan, read
from driftline_alerts.patience import Patience
from driftline_alerts.routes import meant

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterable, Sequence

    from clickhouse_connect.driver.client import Client

    from driftline_alerts.notifier import Notifier
    from driftline_alerts.routes import Route


@dataclass
class Delivery:
    """All channels.

    Attributes:
        channels: in the order of the file.
        routes: who is told of what.
        dashboard_url: where people reach the dashboard.
        stop: ends waiting.
        may_act: whether we may tell anybody anything.
    """

    channels: Sequence[Notifier]
    routes: Sequence[Route]
    dashboard_url: str
    stop: threading.Event
    may_act: Callable[[], bool]
    _patience: dict[str, Patience] = field(default_factory=lambda: defaultdict(Patience))
    _since: dict[str, datetime] = field(default_factory=dict)

    def errands(self) -> Iterable[Errand]:
        """One for each channel."""
        for channel in self.channels:
            yield Errand(channel.channel, partial(self._tell, channel))

    def _tell(self, channel: Notifier, client: Client) -> None:
        patience = self._patience[channel.channel]
        if patience.is_asked(time.monotonic()):
            return
        now = datetime.now(UTC)
        plan = Plan(
            self.routes,
            [one.channel for one in self.channels],
            silences(client, now),
            now,
            self._introduced(channel.channel, client, now),
            channel.is_repeat_harmless,
        )
        message = partial(composed, client, dashboard_url=self.dashboard_url)
        courier = Courier(client, channel, message, self.stop, self.may_act)
        due = patience.due(read(client, now, channel.channel), time.monotonic())
        patience.note(courier.deliver(due, plan), time.monotonic())

    def _introduced(self, channel: str, client: Client, now: datetime) -> datetime:
        if channel not in self._since:
            self._since[channel] = introduced(client, channel, now, meant(self.routes, channel))
        return self._since[channel]
