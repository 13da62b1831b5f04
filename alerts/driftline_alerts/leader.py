"""Who of several alert workers acts: the member of a consumer group that owns a topic of one partition."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final, Self
from urllib.parse import parse_qsl, urlencode, urlsplit

from driftline.bus import open_bus
from driftline.errors import BusError

if TYPE_CHECKING:
    from types import TracebackType

    from driftline.bus import Consumer

CONTROL_TOPIC: Final = "driftline_control"
"""Carries no messages; its one partition is what members compete for."""


class Leadership:
    """Membership in the group; ask ``held`` again and again, at least every few seconds."""

    def __init__(self, bus_url: str, *, group: str) -> None:
        """Prepare to join, without connecting yet.

        Raises:
            SettingsError: the URL cannot be used.
        """
        self._bus = open_bus(_one_partition(bus_url))
        self._group = group
        self._member: Consumer | None = None

    def held(self) -> bool:
        """Whether this process leads now. Also what keeps the membership alive and lets a new one come about.

        Raises:
            BusError: the bus is away, so nobody knows; ask again later.
        """
        try:
            if self._member is None:
                self._member = self._bus.consumer(CONTROL_TOPIC, group=self._group)
            batch = self._member.take(max_bytes=1, timeout=0.0)
            if batch is not None:  # somebody else's; it means nothing here
                self._member.done(batch)
            return self._member.assigned()
        except BusError:
            self._leave()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leave()
        self._bus.close()

    def _leave(self) -> None:
        member, self._member = self._member, None
        if member is not None:
            with contextlib.suppress(BusError):
                member.close()


def _one_partition(url: str) -> str:
    """The same bus, but topics that it creates get one partition: with more, several members would lead."""
    if not url.startswith("kafka://"):
        return url
    parts = urlsplit(url)
    options = {**dict(parse_qsl(parts.query, keep_blank_values=True)), "partitions": "1"}
    return parts._replace(query=urlencode(options)).geturl()
