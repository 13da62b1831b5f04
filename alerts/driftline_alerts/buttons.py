"""What people press under messages, and what is done about it."""

from __future__ import annotations

from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

from driftline_alerts.actions import Action, ask
from driftline_alerts.channels.slack import SlackConfig
from driftline_alerts.channels.slack_buttons import Listener
from driftline_alerts.drift import reading
from driftline_alerts.wishes import hindrance, open_incidents
from driftline_store.client import connect

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from driftline.settings import Settings
    from driftline_alerts.channels.config import ChannelConfig
    from driftline_alerts.wishes import Wish

_SILENT: Final = timedelta(hours=1)


@contextmanager
def listening(settings: Settings, channels: Iterable[ChannelConfig]) -> Iterator[None]:
    """Hear what people press, for the time of the block: one listener for each app of Slack."""
    apps = {one.app_token.get_secret_value(): one for one in channels if isinstance(one, SlackConfig) and one.app_token}
    listeners = [Listener(one, partial(follow, settings)) for one in apps.values()]
    for one in listeners:
        one.start()
    try:
        yield
    finally:
        for one in listeners:
            one.stop()


def follow(settings: Settings, wish: Wish, incident: str, by: str) -> str:
    """Store what somebody wants, for the worker that leads, unless something stands against it.

    Returns:
        What does, as a clause about the incident; '' where it is stored.

    Raises:
        StoreError: the store is away or fails.
    """
    with closing(connect(settings)) as client:
        alerts = open_incidents(client, datetime.now(UTC)).get(incident, [])
        if against := hindrance(client, wish, alerts):
            return against
        if wish == "accept":
            reading.ask(client, reading.Action("accept", incident), by)
        elif wish == "silence":
            ask(client, Action("silence", by, incident=incident, until=datetime.now(UTC) + _SILENT))
        else:
            ask(client, Action("acknowledge", by, incident=incident))
    return ""
